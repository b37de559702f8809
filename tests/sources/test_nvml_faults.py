"""What fails costs its own cell, row or source, says why, and comes back by itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from monitor.metrics import FANS, GPU
from monitor.sources.base import Row
from monitor.sources.clock_reasons import COUNTED
from monitor.sources.nvml_errors import code_of, of_device, of_driver
from tests.nvml_stub.fixtures import World, within
from tests.sources.nvml_cases import ACTIVITY
from tests.sources.nvml_drive import Ticking, driving, uuid

ROOT = Path(__file__).parents[2]
EIGHT = {uuid(index) for index in range(8)}
WITHOUT_3 = EIGHT - {uuid(3)}

LOST = set(COUNTED)
# Only where an error came, and from the same events.
SELDOM = {"xid"}
# What is there as long as any of several readings is.
FASTEST = {"fan_percent"}

# Columns by what a scenario calls the reading they come from.
READINGS = {
    "utilization": {"utilization_percent", "memory_utilization_percent"},
    "memory": {"memory_used_bytes", "memory_total_bytes", "memory_reserved_bytes"},
    "temperature": {"temperature_celsius"},
    "field_82": {"memory_temperature_celsius"},
    "power_mw": {"power_watts"},
    "power_limit_enforced_mw": {"power_limit_watts"},
    "energy_mj": {"energy_joules"},
    **{f"fan_{fan}": {f"fan_{fan}_percent"} for fan in range(FANS)},
    "clock_graphics": {"graphics_clock_mhz"},
    "clock_sm": {"sm_clock_mhz"},
    "clock_memory": {"memory_clock_mhz"},
    "clock_video": {"video_clock_mhz"},
    "pcie_tx_kb": {"pcie_tx_bytes_per_second"},
    "pcie_rx_kb": {"pcie_rx_bytes_per_second"},
    "pcie_generation": {"pcie_link_generation"},
    "pcie_width": {"pcie_link_width"},
    "pcie_replays": {"pcie_replay_count"},
    "field_138": {"nvlink_tx_bytes_per_second", "nvlink_rx_bytes_per_second"},
    "encoder": {"encoder_percent"},
    "decoder": {"decoder_percent"},
    "jpeg": {"jpeg_percent"},
    "ofa": {"ofa_percent"},
    **{f"gpm_{number}": {column} for column, number in ACTIVITY.items()},
    **{f"gpm_{call}": set(ACTIVITY) for call in ("support", "alloc", "sample", "compare")},
    "performance_state": {"performance_state"},
    "clock_reasons": {"clock_event_reasons", *LOST},
    "ecc_corrected": {"ecc_corrected_count"},
    "ecc_uncorrected": {"ecc_uncorrected_count"},
    "remapped_rows": {"remapped_rows_count"},
    "retired_pages_double": {"retired_pages_count"},
    "event_types": {"xid_count"},
}


@pytest.fixture
def full(nvml: World) -> World:
    """A GPU that tells everything."""
    for key, value in {"fans": FANS, "retired_pages_single": 1}.items():
        nvml.set("gpu 0", key, value)
    for fan in range(FANS):
        nvml.set("gpu 0", f"fan_{fan}", 55 + fan)
    nvml.set("gpu 0", "retired_pages_double", 0)
    return nvml


@pytest.fixture
def eight(nvml: World) -> World:
    nvml.switch("eight_h100_uneven")
    return nvml


def present(row: dict[str, object]) -> set[str]:
    return {column for column in GPU.columns if row.get(column) is not None}


def test_every_column_has_a_reading_that_can_fail(full: World) -> None:
    assert set().union(*READINGS.values()) | SELDOM | FASTEST | {"index"} == set(GPU.columns)
    with driving(full, clock=Ticking()) as drive:
        (row,) = drive.run(0, 3).values()
        assert present(row) == set(GPU.columns) - SELDOM


@pytest.mark.parametrize("error", ["NOT_SUPPORTED", "UNKNOWN", "NO_PERMISSION", "TIMEOUT"])
@pytest.mark.parametrize("key", READINGS)
def test_an_error_costs_its_cells(full: World, key: str, error: str) -> None:
    full.set("" if key == "gpm_alloc" else "gpu 0", key, f"!{error}")
    with driving(full, clock=Ticking(), deadline=5.0) as drive:
        (row,) = drive.run(0, 3).values()
        assert present(row) == set(GPU.columns) - SELDOM - READINGS[key]
        assert drive.source.devices()[0].status == "ok"


@pytest.mark.parametrize("error", ["NOT_SUPPORTED", "UNKNOWN"])
def test_the_fastest_fan_is_missing_where_no_fan_answers(full: World, error: str) -> None:
    for fan in range(FANS):
        full.set("gpu 0", f"fan_{fan}", f"!{error}")
    with driving(full) as drive:
        (row,) = drive.run(0, 3).values()
        assert not {column for column in present(row) if column.startswith("fan_")}


def test_a_fan_that_is_not_supported_is_asked_for_once(full: World) -> None:
    full.set("gpu 0", "fan_1", "!NOT_SUPPORTED")
    with driving(full) as drive:
        drive.run(0, 4)
        assert full.stub.calls("nvmlDeviceGetFanSpeed_v2") == 4 * (FANS - 1) + 1


@pytest.mark.parametrize("key", ["power_mw", "pcie_tx_kb"])
def test_a_cell_that_failed_comes_back(full: World, key: str) -> None:
    full.set("gpu 0", key, "!UNKNOWN")
    with driving(full, clock=Ticking()) as drive:
        drive.run(0, 2)
        full.set("gpu 0", key, 250000)
        (row,) = drive.run(2, 4).values()
        assert READINGS[key] <= present(row)


def test_what_is_not_supported_is_asked_for_once_a_session(nvml: World) -> None:
    nvml.set("gpu 0", "jpeg", "!NOT_SUPPORTED")
    with driving(nvml, expected="before_init") as drive:
        drive.run(0, 5)
        assert nvml.stub.calls("nvmlDeviceGetJpgUtilization") == 1
        nvml.set("gpu 0", "jpeg", "6 167000")
        (row,) = drive.run(5, 7).values()
        assert row.get("jpeg_percent") is None
        pynvml.nvmlShutdown()  # someone else's; a new session follows
        (row,) = drive.run(7, 9).values()
        assert row["jpeg_percent"] == 6


# ---- hanging ----


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_a_gpu_that_hangs_costs_its_row_and_no_one_waits_for_it_again(eight: World) -> None:
    with driving(eight, deadline=0.5) as drive:
        assert set(drive.tick(0.0)) == EIGHT
        eight.set("gpu 3", "state", "!HANG")
        rows: dict[str, object] = {}
        assert timed(lambda: rows.update(drive.tick(1.0, hangs=True))) < 5
        assert set(rows) == WITHOUT_3
        assert (drive.state(uuid(3)).status, drive.state(uuid(3)).reason) == (
            *("late", "Did not answer in time."),
        )
        assert timed(lambda: rows.update(drive.tick(2.0, hangs=True))) < 0.45
        assert drive.state(uuid(3)).reason == "Not responding for 1 s."
        drive.tick(28.0, hangs=True)
        assert drive.state(uuid(3)).reason == "Not responding for 20 s."
        assert drive.state(uuid(3)).facts["name"] == "NVIDIA H100 80GB HBM3"
        assert {drive.state(name).status for name in WITHOUT_3} == {"ok"}

        eight.set("gpu 3", "state", "well")
        assert within(5, lambda: drive.source.idle)
        assert set(drive.tick(29.0)) == EIGHT
        assert drive.state(uuid(3)).status == "ok"


def test_seven_of_eight_may_hang(eight: World) -> None:
    with driving(eight, deadline=1.5) as drive:
        drive.tick(0.0)
        for index in range(7):
            eight.set(f"gpu {index}", "state", "!HANG")
        assert set(drive.tick(1.0, hangs=True)) == {uuid(7)}
        assert set(drive.tick(2.0, hangs=True)) == {uuid(7)}
        eight.switch("eight_h100_uneven")
        assert within(5, lambda: drive.source.idle)
        assert set(drive.tick(3.0)) == EIGHT


def test_gpus_that_a_tick_had_no_time_for_are_asked_in_the_next(eight: World) -> None:
    eight.set("gpu 0", "state", "!HANG")
    with driving(eight, deadline=0.01) as drive:  # less than until another thread goes on
        drive.tick(0.0, hangs=True)
        seen: set[str] = set()
        for at in range(1, 200):
            seen |= set(drive.tick(float(at), hangs=True))
            if seen == EIGHT - {uuid(0)}:
                break
        assert seen == EIGHT - {uuid(0)}


def test_a_gpu_that_hangs_from_the_start_goes_by_its_place(nvml: World) -> None:
    nvml.switch("hangs")
    with driving(nvml) as drive:
        assert set(drive.tick(0.0, hangs=True)) == WITHOUT_3
        assert "GPU 3" not in drive.names()  # it might just be slow to start
        drive.tick(6.0, hangs=True)
        assert drive.state("GPU 3").status == "late"
        nvml.switch("eight_h100_uneven")
        assert within(5, lambda: drive.source.idle)
        assert set(drive.tick(7.0)) == EIGHT
        assert drive.names() == EIGHT


def test_a_slow_reading_that_hangs_costs_its_columns(eight: World) -> None:
    with driving(eight) as drive:
        drive.tick(0.0)
        eight.set("gpu 3", "pcie_tx_kb", "!HANG")
        rows: dict[str, dict[str, object]] = {}
        for at in range(1, 8):  # the thread that hangs is replaced
            rows |= drive.tick(float(at), hangs=True)
            assert within(5, lambda: eight.stub.in_flight() == 1)
        assert set(rows) == EIGHT
        assert {
            name for name, row in rows.items() if row.get("pcie_rx_bytes_per_second") is None
        } == {uuid(3)}
        assert rows[uuid(3)]["power_watts"] == 669.12
        assert drive.state(uuid(3)).status == "ok"
        eight.set("gpu 3", "pcie_tx_kb", 5)


def test_events_that_hang_cost_nothing(nvml: World) -> None:
    nvml.set("", "event_wait", "!HANG")
    with driving(nvml) as drive:
        drive.tick(0.0, hangs=True)
        (row,) = drive.tick(1.0, hangs=True).values()
        assert row["xid_count"] == 0
        nvml.unset("", "event_wait")
        assert within(5, lambda: drive.source.idle)


def test_opening_the_driver_may_hang(nvml: World) -> None:
    nvml.set("", "init", "!HANG")
    with driving(nvml) as drive:
        assert timed(lambda: drive.tick(0.0, hangs=True)) < 0.6
        assert drive.tick(1.0, hangs=True) == {}
        assert drive.source.state().reason == "The NVIDIA driver is being opened."
        nvml.unset("", "init")
        assert within(5, lambda: drive.source.idle)
        assert len(drive.tick(2.0)) == 1
        assert drive.source.state().ok


def test_closing_waits_for_no_call_that_hangs(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.tick(0.0)
        nvml.set("gpu 0", "state", "!HANG")
        drive.tick(1.0, hangs=True)
        assert timed(drive.source.close) < 0.9
        assert nvml.stub.calls("nvmlShutdown") == 0
        nvml.switch("one_h100")
        assert within(5, lambda: drive.source.idle)


# ---- loss ----


@pytest.mark.parametrize("error", ["GPU_IS_LOST", "RESET_REQUIRED", "GPU_NOT_FOUND"])
def test_a_lost_gpu_costs_its_row_and_keeps_its_facts(eight: World, error: str) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        before = drive.state(uuid(3))
        eight.set("gpu 3", "state", f"!{error}")
        assert set(drive.tick(2.0)) == WITHOUT_3
        after = drive.state(uuid(3))
        assert (after.status, after.facts) == ("lost", before.facts)
        assert after.reason == of_device(getattr(pynvml, f"NVML_ERROR_{error}")).reason
        assert {drive.state(name).status for name in WITHOUT_3} == {"ok"}
        assert drive.source.state().ok


def test_a_lost_gpu_is_not_asked_each_tick(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        drive.tick(2.0)
        before = nvml.stub.calls()
        drive.tick(3.0)
        drive.tick(6.9)
        # The event set is still looked at.
        assert nvml.stub.calls() - before == nvml.stub.calls("nvmlEventSetWait_v2") - 3


def test_the_reason_names_the_xid(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "79")
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        drive.run(2, 4)
        assert drive.source.devices()[0].reason == (
            "The GPU has fallen off the bus or stopped answering. Last XID: 79."
        )


def test_a_lost_gpu_that_answers_again_needs_no_new_session(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.switch("falls_off_bus")
        assert set(drive.tick(2.0)) == WITHOUT_3
        assert drive.tick(3.0)[uuid(3)]["xid"] == 79
        eight.switch("eight_h100_uneven")
        assert set(drive.tick(6.9)) == WITHOUT_3
        assert set(drive.tick(7.0)) == EIGHT
        assert drive.state(uuid(3)).status == "ok"
        assert eight.stub.calls("nvmlInitWithFlags") == 1
        assert eight.stub.calls("nvmlDeviceGetHandleByUUID") == 1


def test_a_gpu_comes_back_by_its_uuid_in_another_place(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        facts = drive.state(uuid(3)).facts
        eight.switch("seven_after_reset")
        rows = drive.run(2, 9)
        assert {name: row["index"] for name, row in rows.items()} == {
            uuid(old): new for new, old in enumerate([0, 1, 2, 4, 5, 6, 7])
        }
        assert rows[uuid(7)]["power_watts"] == 71.342
        assert (drive.state(uuid(3)).status, drive.state(uuid(3)).reason) == (
            *("lost", "The driver does not list the GPU any more."),
        )
        assert drive.state(uuid(3)).facts == facts

        eight.add("gpu 7", uuid=uuid(3), power_mw=123456, xids="79")
        rows = drive.run(9, 40)
        assert set(rows) == EIGHT
        assert (rows[uuid(3)]["index"], rows[uuid(3)]["power_watts"]) == (7, 123.456)
        assert (drive.state(uuid(3)).status, drive.state(uuid(3)).facts["index"]) == ("ok", 7)
        assert drive.names() == EIGHT


def test_two_that_changed_places_are_known_by_their_uuids(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.switch("no_driver")  # reloaded
        drive.run(2, 9)
        eight.switch("eight_h100_uneven")
        for index, other in ((2, 5), (5, 2)):
            eight.set(f"gpu {index}", "uuid", uuid(other))
            eight.set(f"gpu {index}", "power_mw", 100_000 + other)
        rows = drive.run(9, 30)
        assert set(rows) == drive.names() == EIGHT
        for index, other in ((2, 5), (5, 2)):
            assert (rows[uuid(other)]["index"], rows[uuid(other)]["power_watts"]) == (
                *(index, 100 + other / 1000),
            )
            assert drive.state(uuid(other)).facts["index"] == index
        assert {drive.state(name).status for name in EIGHT} == {"ok"}


def test_a_gpu_that_is_added_is_found(eight: World, tmp_path: Path) -> None:
    taken = tmp_path / "proc/driver/nvidia/gpus"
    (taken / "0000:1b:00.0").mkdir(parents=True)
    with driving(eight, root=tmp_path) as drive:
        drive.run(0, 3)
        eight.add("gpu 8", uuid="GPU-new", power_mw=42000)
        assert set(drive.run(3, 14)) == EIGHT
        (taken / "0000:99:00.0").mkdir()
        rows = drive.run(14, 26)
        assert set(rows) == drive.names() == EIGHT | {"GPU-new"}
        assert (rows["GPU-new"]["index"], rows["GPU-new"]["power_watts"]) == (8, 42.0)
        # One that the driver took and does not list to us is asked about once.
        (taken / "0000:9a:00.0").mkdir()
        drive.run(26, 80)
        assert eight.stub.calls("nvmlInitWithFlags") == 3


def test_a_lost_gpu_comes_back_while_another_hangs(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.set("gpu 3", "state", "!GPU_IS_LOST")
        assert set(drive.tick(2.0)) == WITHOUT_3
        eight.set("gpu 5", "state", "!HANG")
        drive.tick(3.0, hangs=True)
        eight.set("gpu 3", "state", "well")
        assert set(drive.tick(7.0, hangs=True)) == EIGHT - {uuid(5)}
        assert drive.state(uuid(3)).status == "ok"
        assert eight.stub.calls("nvmlInitWithFlags") == 1
        eight.set("gpu 5", "state", "well")


def test_while_a_call_hangs_a_lost_gpu_costs_the_others_nothing(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.set("gpu 3", "state", "!GPU_IS_LOST")
        eight.set("gpu 5", "state", "!HANG")
        rows: dict[str, Row] = {}
        for at in range(2, 40):
            rows = drive.tick(float(at), hangs=True)
            assert within(5, lambda: eight.stub.in_flight() <= 2)
        # Their PCIe traffic is read beside the ticks, and still is.
        assert set(rows) == EIGHT - {uuid(3), uuid(5)}
        assert {row["pcie_rx_bytes_per_second"] is None for row in rows.values()} == {False}
        assert eight.stub.calls("nvmlShutdown") == 0
        eight.set("gpu 5", "state", "well")


def test_new_sessions_are_tried_less_and_less_often(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.switch("falls_off_bus")
        drive.run(2, 200)
        # 7, 17, 37, 77, 137, 197 s: the pauses double up to a minute.
        assert eight.stub.calls("nvmlInitWithFlags") == 1 + 6


def test_a_gpu_lost_before_the_start_has_a_place(nvml: World) -> None:
    nvml.switch("eight_h100_uneven")
    nvml.set("gpu 3", "handle", "!UNKNOWN")
    with driving(nvml) as drive:
        assert set(drive.tick(0.0)) == WITHOUT_3
        assert drive.state("GPU 3").status == "lost"
        assert drive.state("GPU 3").facts == {"index": 3}
        nvml.unset("gpu 3", "handle")
        assert set(drive.tick(5.0)) == EIGHT
        assert drive.names() == EIGHT


def test_a_gpu_lost_in_a_new_session_is_the_one_that_was_known(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        eight.set("gpu 3", "handle", "!UNKNOWN")
        eight.set("gpu 3", "state", "!GPU_IS_LOST")
        drive.run(2, 9)
        assert eight.stub.calls("nvmlInitWithFlags") == 2
        assert drive.names() == EIGHT
        assert drive.state(uuid(3)).status == "lost"


def test_one_unknown_error_may_pass_and_three_do_not(eight: World) -> None:
    with driving(eight) as drive:
        drive.run(0, 2)
        for error_at in (2, 4):
            eight.set("gpu 3", "state", "!UNKNOWN")
            assert set(drive.tick(float(error_at))) == WITHOUT_3
            assert drive.state(uuid(3)).status == "failed"
            eight.set("gpu 3", "state", "well")
            assert set(drive.tick(error_at + 1.0)) == EIGHT
        eight.set("gpu 3", "state", "!UNKNOWN")
        drive.run(6, 9)
        assert drive.state(uuid(3)).status == "lost"


# ---- permission ----


def test_a_gpu_that_may_not_be_opened_costs_one_row(nvml: World) -> None:
    nvml.switch("no_permission")
    with driving(nvml) as drive:
        assert set(drive.tick(0.0)) == WITHOUT_3
        assert drive.state("GPU 3").status == "denied"
        assert drive.state("GPU 3").reason == "This user may not open the GPU."
        nvml.switch("eight_h100_uneven")
        assert set(drive.tick(4.9)) == WITHOUT_3
        assert set(drive.tick(5.0)) == EIGHT
        assert drive.names() == EIGHT
        assert nvml.stub.calls("nvmlInitWithFlags") == 1


# ---- the driver ----


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        ("no_driver", "The NVIDIA driver is not loaded."),
        ("driver_mismatch", "The NVIDIA driver in the kernel and its library are of different"),
        ("zero_gpus", "The NVIDIA driver is loaded but lists no GPU."),
    ],
)
def test_a_driver_that_appears_later_is_found(nvml: World, world: str, reason: str) -> None:
    nvml.switch(world)
    with driving(nvml) as drive:
        assert drive.tick(0.0) == {}
        state = drive.source.state()
        assert not state.ok
        assert state.reason.startswith(reason)
        assert state.advice
        assert not drive.source.devices()
        nvml.switch("one_h100")
        assert drive.tick(9.9) == {}
        assert len(drive.tick(10.0)) == 1
        assert drive.source.state().ok


def test_a_driver_that_goes_leaves_the_facts(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        (before,) = drive.source.devices()
        nvml.switch("no_driver")
        drive.run(2, 9)
        assert drive.source.state().reason == "The NVIDIA driver is not loaded."
        (after,) = drive.source.devices()
        assert (after.device, after.facts) == (before.device, before.facts)
        assert (after.status, after.reason) == ("lost", "The NVIDIA driver is not loaded.")
        nvml.switch("one_h100")
        assert len(drive.run(9, 20)) == 1
        assert drive.source.devices() == (before,)


def test_a_connection_closed_by_someone_else_is_made_anew(eight: World) -> None:
    with driving(eight, expected="before_init") as drive:
        drive.run(0, 2)
        before = drive.state(uuid(3)).facts
        pynvml.nvmlShutdown()
        assert drive.tick(2.0) == {}
        assert set(drive.tick(3.0)) == EIGHT
        # Facts are read beside the ticks; those of the session before stand until then.
        assert drive.state(uuid(3)).facts == before


def test_every_known_error_is_a_sentence() -> None:
    for number in {*pynvml.NVMLError._errcode_to_string, 4711}:
        for problem in (of_device(number), of_driver(number)):
            assert problem.reason[0].isupper()
            assert problem.reason.endswith(".")
            assert ".." not in problem.reason
        assert of_driver(number).advice.endswith((".", "."))


def test_errors_that_are_not_nvmls_have_a_number_too() -> None:
    numbers = [
        code_of(error)
        for error in (
            pynvml.NVMLLibraryMismatchError("old"),
            pynvml.NVMLError(0),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
            pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST),
        )
    ]
    assert numbers == [13, 999, 999, 15]


def test_no_exception_gets_out(nvml: World, caplog: pytest.LogCaptureFixture) -> None:
    with driving(nvml) as drive:
        drive.tick(0.0)
        drive.source._states.note_gpus = None  # type: ignore[assignment, method-assign]
        assert drive.source.sample(1.0) == {"gpu": []}
        assert "no one foresaw" in caplog.text
        assert within(5, lambda: drive.source.idle)


# ---- MIG ----


def test_instances_come_and_go(nvml: World) -> None:
    nvml.switch("mig_a100")
    first, second = (nvml.values(f"mig 0 {number}")["uuid"] for number in (0, 2))
    parent = nvml.values("gpu 0")["uuid"]
    with driving(nvml) as drive:
        assert set(drive.run(0, 2)) == {parent, first, second}
        nvml.remove("mig 0 0")
        assert set(drive.run(2, 4)) == {parent, second}
        assert (drive.state(first).status, drive.state(first).reason) == (
            *("lost", "The MIG instance is not there any more."),
        )
        nvml.add("mig 0 4", uuid="MIG-new", memory="100 10 5")
        assert drive.run(4, 16)["MIG-new"]["memory_used_bytes"] == 5
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        drive.tick(16.0)
        assert drive.state("MIG-new").status == drive.state(parent).status == "lost"
        assert nvml.stub.calls("nvmlInitWithFlags") == 1


# ---- processes ----

FORKING = """
import os, time
from monitor.sources.nvml import NvmlSource
source = NvmlSource()
def tick(at):
    rows = source.sample(at)["gpu"]
    while not source.idle:
        time.sleep(0.001)
    return len(rows)
print(tick(0.0), flush=True)
child = os.fork()
print(tick(1.0), flush=True)
source.close()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0)
"""


def test_a_fork_reads_with_a_connection_of_its_own(nvml: World, nvml_library: Path) -> None:
    nvml.switch("eight_h100_uneven")
    told = subprocess.run(
        [sys.executable, "-c", FORKING],
        cwd=ROOT,
        env=nvml.environment(nvml_library),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert (told.stdout.split(), told.stderr) == (["8", "8", "8"], "")


def test_a_machine_without_the_library_says_so() -> None:
    code = "from monitor.sources.nvml import NvmlSource as N; s = N(); s.sample(0.0)"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; print(s.state().reason)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    if "was not found" not in told.stdout:
        pytest.skip("This machine has NVIDIA's library.")
    assert told.stdout == "NVIDIA's library, libnvidia-ml.so.1, was not found.\n"
