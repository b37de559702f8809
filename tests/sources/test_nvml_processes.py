"""The processes on a GPU, as the driver lists them and the machine names them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from monitor.metrics import PROCESS
from monitor.sources.base import Row
from tests.nvml_stub import Scenario
from tests.nvml_stub.fixtures import World, within
from tests.sources import nvml_drive
from tests.sources.made_processes import Child, in_namespace, made_process
from tests.sources.nvml_drive import Drive, uuid

ROOT = Path(__file__).parents[2]
OF_THE_DRIVER = ("gpu_memory_bytes", "sm_percent", "encoder_percent", "decoder_percent", "type")
ONE = "GPU-7a3c1f58-1c9e-7d0b-9a55-3f0e2b6c4d10"
MIG_0 = "MIG-11111111-aaaa-5555-9999-000000000001"

# However busy the machine is, a GPU that answers has its row.
driving = partial(nvml_drive.driving, deadline=5.0)

Told = dict[tuple[str, int], tuple[object, ...]]


@pytest.fixture
def drive(nvml: World) -> Iterator[Drive]:
    with driving(nvml) as made:
        yield made


def read(drive: Drive, start: int = 0) -> list[Row]:
    """The rows of the next reading: begun at an odd second, recorded at an even one."""
    assert start % 2 == 0
    drive.tick(start + 1.0)
    drive.tick(start + 2.0)
    assert drive.processes is not None
    return drive.processes


def told(rows: list[Row]) -> Told:
    """What the driver said, by device and process."""
    return {
        (str(row["device"]), int(row["pid"] or 0)): tuple(row[column] for column in OF_THE_DRIVER)
        for row in rows
    }


def listed(values: dict[str, str], key: str) -> dict[int, int | None]:
    """A list as the scenario has it."""
    entries = (word.split(":") for word in values.get(key, "").split())
    return {int(pid): None if memory == "-" else int(memory) for pid, memory in entries}


def expected(world: World, section: str) -> Told:
    """What must be told of a device, worked out from the scenario's own text."""
    values = world.values(section)
    compute, graphics = listed(values, "compute"), listed(values, "graphics")
    uses = {}
    for word in values.get("process_use", "").split():
        pid, sm, _memory, encoder, decoder = map(int, word.split(":"))
        uses[pid] = (sm, encoder, decoder)
    rows = {}
    for pid in compute | graphics:
        held = [each[pid] for each in (compute, graphics) if each.get(pid) is not None]
        kind = "both" if pid in compute and pid in graphics else None
        kind = kind or ("compute" if pid in compute else "graphics")
        nothing = (0, 0, 0) if "process_use" in values else (None, None, None)
        memory = max((each for each in held if each is not None), default=None)
        rows[values["uuid"], pid] = (memory, *uses.get(pid, nothing), kind)
    return rows


@pytest.mark.parametrize("name", ["one_h100", "laptop"])
def test_every_column_is_what_the_driver_said(nvml: World, name: str) -> None:
    nvml.switch(name)
    with driving(nvml) as drive:
        drive.tick(0.0)
        rows = read(drive)
        assert len(rows) >= 2
        assert told(rows) == expected(nvml, "gpu 0")
        assert drive.source.devices()[0].facts["process_list"] == "reported"


def test_rows_have_no_column_that_the_catalogue_lacks(drive: Drive) -> None:
    drive.tick(0.0)
    for row in read(drive):
        assert set(row) <= {"device", *PROCESS.columns}


# ---- a real process ----


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.end()


def test_a_real_process_has_every_column(nvml: World, child: Child) -> None:
    nvml.set("gpu 0", "compute", f"{child.pid}:1073741824")
    nvml.set("gpu 0", "process_use", f"{child.pid}:95:40:1:2")
    with driving(nvml, Path("/")) as drive:
        drive.tick(0.0)
        (before,) = read(drive)
        (row,) = read(drive, 2)
        assert before["cpu_percent"] is not None  # read at 0 s and at 1 s
        assert {name for name in PROCESS.columns if row.get(name) is None} <= {"container"}
        assert (row["device"], row["pid"], row["gpu_memory_bytes"]) == (ONE, child.pid, 1 << 30)
        assert (row["sm_percent"], row["encoder_percent"], row["decoder_percent"]) == (95, 1, 2)
        assert str(row["command"]).endswith("--api-key ***")
        assert row["visibility"] == "visible"


def test_a_process_that_ends_is_dead_while_its_memory_is_held_and_then_gone(
    nvml: World, child: Child
) -> None:
    nvml.set("gpu 0", "compute", f"{child.pid}:1073741824")
    with driving(nvml, Path("/")) as drive:
        drive.tick(0.0)
        read(drive)
        child.end()
        (row,) = read(drive, 2)
        assert (row["visibility"], row["gpu_memory_bytes"]) == ("dead", 1 << 30)
        assert row.get("memory_bytes") is None
        nvml.set("gpu 0", "compute", "")
        assert read(drive, 4) == []


def test_a_process_on_two_gpus_is_read_once(eight: World, tmp_path: Path) -> None:
    made_process(tmp_path, 42)
    for index in range(8):
        eight.set(f"gpu {index}", "compute", "42:7" if index in {0, 5} else "")
    with driving(eight, tmp_path) as drive:
        drive.tick(0.0)
        first, second = read(drive)
        assert (first["device"], second["device"]) == (uuid(0), uuid(5))
        assert first["cpu_percent"] == second["cpu_percent"] is not None


@pytest.fixture
def eight(nvml: World) -> World:
    nvml.switch("eight_h100_uneven")
    nvml.set("gpu *", "graphics", "")
    for index in range(8):
        nvml.set(f"gpu {index}", "compute", f"{9000 + index}:1073741824")
        nvml.set(f"gpu {index}", "process_use", f"{9000 + index}:{90 + index}:1:0:0")
    return nvml


def test_in_a_namespace_of_its_own_nothing_is_named_but_memory_is_told(
    nvml: World, tmp_path: Path
) -> None:
    made_process(tmp_path, 48211)
    in_namespace(tmp_path, 4026532999)
    with driving(nvml, tmp_path) as drive:
        drive.tick(0.0)
        row = read(drive)[0]
        assert row == {
            "device": ONE,
            "pid": 48211,
            "gpu_memory_bytes": 60129542144,
            "sm_percent": 95,
            "encoder_percent": 0,
            "decoder_percent": 0,
            "type": "compute",
            "visibility": "elsewhere",
        }


# ---- lists ----


def test_a_process_in_both_lists_counts_once_with_the_more_memory(nvml: World) -> None:
    nvml.set("gpu 0", "compute", "5001:100 5002:- 5003:-")
    nvml.set("gpu 0", "graphics", "5001:300 5002:200 5003:-")
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert {pid: (row[0], row[-1]) for (_, pid), row in told(read(drive)).items()} == {
            5001: (300, "both"),
            5002: (200, "both"),
            5003: (None, "both"),
        }


def test_clients_of_the_multi_process_service_are_computing(nvml: World) -> None:
    nvml.set("gpu 0", "compute", "5001:100")
    nvml.set("gpu 0", "mps", "5001:100 5002:200")
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert {pid: (row[0], row[-1]) for (_, pid), row in told(read(drive)).items()} == {
            5001: (100, "compute"),
            5002: (200, "compute"),
        }


def test_instances_have_their_own_processes_and_the_gpu_the_rest(nvml: World) -> None:
    nvml.switch("mig_a100")
    parent = nvml.values("gpu 0")["uuid"]
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert told(read(drive)) == {
            (MIG_0, 7001): (4026531840, None, None, None, "compute"),
            (MIG_0, 7002): (3758096384, None, None, None, "compute"),
            (parent, 7003): (None, None, None, None, "compute"),
        }


def test_an_instance_that_does_not_answer_leaves_its_processes_to_the_gpu(nvml: World) -> None:
    nvml.switch("mig_a100")
    nvml.set("mig 0 0", "compute", "!UNKNOWN")
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert {device for device, _ in told(read(drive))} == {nvml.values("gpu 0")["uuid"]}


@pytest.mark.parametrize(
    ("version", "newest"), [("535.54.03", False), ("535.104.05", True), ("530.30.02", True)]
)
def test_lists_of_another_layout_are_not_read(nvml: World, version: str, newest: bool) -> None:
    nvml.set("", "driver_version", version)
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert told(read(drive)) == expected(nvml, "gpu 0")
        called = nvml.stub.calls("nvmlDeviceGetComputeRunningProcesses_v3")
        assert bool(called) is newest
        assert bool(nvml.stub.calls("nvmlDeviceGetGraphicsRunningProcesses_v2")) is not newest


CHILD = """
import json, time
from pathlib import Path
from monitor.sources.nvml import NvmlSource
wall = [0.0]
source = NvmlSource(Path("/nonexistent"), wall=lambda: wall[0])
for at in (0.0, 1.0, 2.0):
    wall[0] = at
    rows = source.sample(at)
    while not source.idle:
        time.sleep(0.001)
print(json.dumps(list(rows["process"])))
source.close()
"""


def test_a_driver_without_the_newest_lists(old_nvml_library: Path, tmp_path: Path) -> None:
    scenario = Scenario("old_driver", tmp_path / "scenario.txt")
    answer = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        env=scenario.environment(old_nvml_library),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    device = scenario.values("gpu 0")["uuid"]
    assert told(json.loads(answer.stdout)) == {
        (device, 3101): (2147483648, 44, 0, 3, "compute"),
        (device, 3102): (1073741824, 0, 0, 0, "compute"),
        (device, 3103): (67108864, 0, 0, 0, "graphics"),
    }


# ---- use ----


def used(world: World, drive: Drive, use: object) -> Told:
    world.set("gpu 0", "process_use", use)
    drive.tick(0.0)
    return told(read(drive))


@pytest.mark.parametrize("use", ["", "!NOT_FOUND", "!SUCCESS"])
def test_no_sample_is_no_use(nvml: World, drive: Drive, use: str) -> None:
    for row in used(nvml, drive, use).values():
        assert row[1:4] == (0, 0, 0)


@pytest.mark.parametrize(
    "rubbish",
    [
        "0:50:0:0:0",
        "48211:3735928559:0:0:0",
        "48211:50:50:50:101",
        "48211:50:4294967295:0:0",
        "48211:50:0:0:0:0",  # not newer than what was asked for
        "48211:50:0:0:0:-5000000",
        "77777:50:0:0:0",  # on no list
    ],
)
def test_rubbish_is_dropped(nvml: World, drive: Drive, rubbish: str) -> None:
    rows = used(nvml, drive, f"{rubbish} 48212:7:1:2:3 {rubbish}")
    assert rows[ONE, 48211][1:4] == (0, 0, 0)
    assert rows[ONE, 48212][1:4] == (7, 2, 3)
    assert len(rows) == 2


def test_of_more_samples_the_newest_counts(nvml: World, drive: Drive) -> None:
    rows = used(nvml, drive, "48211:10:0:0:0:500 48211:30:0:1:2:900 48211:20:0:0:0:700")
    assert rows[ONE, 48211][1:4] == (30, 1, 2)


def test_use_is_not_asked_for_where_it_is_not_supported(nvml: World, drive: Drive) -> None:
    used(nvml, drive, "!NOT_SUPPORTED")
    read(drive, 2)
    assert nvml.stub.calls("nvmlDeviceGetProcessUtilization") == 1


def test_a_gpu_without_processes_is_not_asked_for_their_use(nvml: World, drive: Drive) -> None:
    nvml.set("gpu 0", "compute", "")
    drive.tick(0.0)
    assert read(drive) == []
    assert nvml.stub.calls("nvmlDeviceGetProcessUtilization") == 0


# ---- errors ----


@pytest.fixture
def full(nvml: World) -> World:
    nvml.set("gpu 0", "compute", "5001:100")
    nvml.set("gpu 0", "graphics", "5002:200")
    nvml.set("gpu 0", "process_use", "5001:10:1:2:3 5002:20:1:5:6")
    return nvml


ERRORS = ("NOT_SUPPORTED", "UNKNOWN", "NO_PERMISSION", "TIMEOUT", "GPU_IS_LOST")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("key", "lost"), [("compute", 5001), ("graphics", 5002)])
def test_an_error_costs_its_list(full: World, key: str, lost: int, error: str) -> None:
    complete = expected(full, "gpu 0")
    full.set("gpu 0", key, f"!{error}")
    with driving(full) as drive:
        drive.tick(0.0)
        del complete[ONE, lost]
        assert told(read(drive)) == complete
        assert drive.state(ONE).facts["process_list"] == "reported"
        assert drive.state(ONE).status == "ok"


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_costs_the_use(full: World, error: str) -> None:
    full.set("gpu 0", "process_use", f"!{error}")
    with driving(full) as drive:
        drive.tick(0.0)
        assert told(read(drive)) == {
            (ONE, 5001): (100, None, None, None, "compute"),
            (ONE, 5002): (200, None, None, None, "graphics"),
        }


@pytest.mark.parametrize("key", ["compute", "graphics", "process_use"])
def test_what_failed_comes_back(full: World, key: str) -> None:
    complete, before = expected(full, "gpu 0"), full.values("gpu 0")[key]
    full.set("gpu 0", key, "!UNKNOWN")
    with driving(full) as drive:
        drive.tick(0.0)
        assert told(read(drive)) != complete
        full.set("gpu 0", key, before)
        assert told(read(drive, 2)) == complete


@pytest.mark.parametrize("key", ["compute", "graphics", "process_use"])
def test_what_grew_meanwhile_is_asked_for_once_more(full: World, key: str) -> None:
    full.set("gpu 0", f"{key}.short", 1)
    with driving(full) as drive:
        drive.tick(0.0)
        drive.tick(1.0)
        drive.tick(1.1)
        assert drive.processes is None
        full.set("gpu 0", f"{key}.short", 2)  # one of them has been
        assert told(read(drive, 2)) == expected(full, "gpu 0")
        full.set("gpu 0", f"{key}.short", 100)
        assert told(read(drive, 4)) != expected(full, "gpu 0")


def test_the_reason_why_no_process_is_told_is_a_fact(nvml: World) -> None:
    for key in ("compute", "graphics"):
        nvml.set("gpu 0", key, "!NO_PERMISSION")
    with driving(nvml) as drive:
        drive.tick(0.0)
        assert read(drive) == []
        assert drive.state(ONE).facts["process_list"] == "Insufficient Permissions"
        nvml.set("gpu 0", "compute", "")
        read(drive, 2)
        assert drive.state(ONE).facts["process_list"] == "reported"


def test_a_gpu_whose_list_hangs_costs_its_own_processes(eight: World) -> None:
    with driving(eight) as drive:
        drive.tick(0.0)
        assert len(read(drive)) == 8
        eight.set("gpu 3", "compute", "!HANG")
        rows: dict[str, Row] = {}
        for at in range(3, 11):
            rows = drive.tick(float(at), hangs=True)
            # What waits behind it is taken on by another thread in the next tick.
            assert at == 3 or within(5, lambda: at_work(drive) == [3])
        assert drive.processes is not None
        assert {row["device"] for row in drive.processes} == {uuid(n) for n in range(8) if n != 3}
        assert len(rows) == 8
        assert rows[uuid(3)]["pcie_rx_bytes_per_second"] is not None
        assert drive.state(uuid(3)).status == "ok"
        eight.set("gpu 3", "compute", "9003:5")
        assert within(5, lambda: drive.source.idle)
        assert len(read(drive, 10)) == 8


def at_work(drive: Drive) -> list[int]:
    gpus = drive.source._session.gpus
    return [gpu.index for gpu in gpus if gpu.processes.calling or gpu._slow_since is not None]


def test_a_lost_gpu_has_no_processes(eight: World) -> None:
    with driving(eight) as drive:
        drive.tick(0.0)
        read(drive)
        eight.set("gpu 3", "state", "!GPU_IS_LOST")
        assert {row["device"] for row in read(drive, 2)} == {uuid(n) for n in range(8) if n != 3}


def test_no_tick_waits_for_processes(nvml: World) -> None:
    nvml.set("gpu 0", "compute", "!HANG")
    with driving(nvml) as drive:
        began = time.perf_counter()
        for at in (0.0, 1.0, 2.0):
            assert len(drive.tick(at, hangs=True)) == 1
        assert time.perf_counter() - began < 2.5
        nvml.set("gpu 0", "compute", "")
        assert within(5, lambda: drive.source.idle)


def test_a_tick_between_two_readings_has_no_process_rows(drive: Drive) -> None:
    drive.tick(0.0)
    assert len(read(drive)) == 2
    drive.tick(3.0)
    assert drive.processes is None
    drive.tick(4.0)
    assert drive.processes is not None
