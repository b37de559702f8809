"""What the driver says arrives to the last digit, and what it does not say is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pynvml
import pytest

from monitor.metrics import GPU, Metric
from monitor.sources.base import DeviceState, Row
from monitor.sources.facts import GPU_FACTS, Fact
from monitor.sources.nvml_facts import text
from tests.nvml_stub import Scenario, Stub
from tests.nvml_stub.fixtures import World
from tests.sources.nvml_cases import COLUMNS, FACTS, LINK_KIB, LINK_SECONDS, TICKS
from tests.sources.nvml_drive import Drive, driving

each_metric = pytest.mark.parametrize("metric", GPU.metrics, ids=lambda metric: metric.column)
each_fact = pytest.mark.parametrize("fact", GPU_FACTS, ids=lambda fact: fact.name)

ROOT = Path(__file__).parents[2]
NO_READING = {"index"}
OF_INSTANCES = {"index", "parent", "mig_index", "gpu_instance_id"}


@dataclass
class Machine:
    """A scenario as it is written, and as it was read."""

    scenario: Scenario
    gpus: list[str]
    rows: dict[str, Row]
    states: dict[str, DeviceState]


def read(world: World, name: str) -> Machine:
    """`TICKS` ticks; between two of them goes `LINK_KIB` over each direction of NVLink."""
    world.switch(name)
    gpus = [f"gpu {index}" for index in range(8) if "uuid" in world.values(f"gpu {index}")]
    clock = [0.0]
    with driving(world, clock=lambda: clock[0]) as drive:
        drive.tick(0.0)
        before = {gpu: world.values(gpu) for gpu in gpus}
        for gpu in gpus:
            for key in ("field_138", "field_139"):
                if key in before[gpu]:
                    kind, count = before[gpu][key].split()
                    world.set(gpu, key, f"{kind} {int(count) + LINK_KIB}")
        clock[0] = LINK_SECONDS
        drive.tick(1.0)
        clock[0] += LINK_SECONDS
        rows = drive.tick(TICKS - 1.0)
        states = {state.device: state for state in drive.source.devices()}
    return Machine(world, gpus, rows, states)


@pytest.fixture(
    scope="module",
    params=["one_h100", "eight_h100_uneven", "laptop", "mig_a100", "mig_h100", "orin"],
)
def machine(
    request: pytest.FixtureRequest, loaded_nvml: Stub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    world = World(loaded_nvml, tmp_path_factory.mktemp("world") / "scenario.txt")
    loaded_nvml.reset()
    loaded_nvml.use(world)
    yield read(world, request.param)
    loaded_nvml.reset()


def test_every_column_and_fact_has_an_expectation() -> None:
    assert set(COLUMNS) | NO_READING == set(GPU.columns)
    assert set(FACTS) | OF_INSTANCES == {fact.name for fact in GPU_FACTS}


@each_metric
def test_a_column_is_what_the_driver_said(machine: Machine, metric: Metric) -> None:
    assert machine.gpus
    for index, gpu in enumerate(machine.gpus):
        values = machine.scenario.values(gpu)
        expected = COLUMNS.get(metric.column, lambda _values, index=index: index)(values)
        assert machine.rows[values["uuid"]].get(metric.column) == expected


@each_fact
def test_a_fact_is_what_the_driver_said(machine: Machine, fact: Fact) -> None:
    for index, gpu in enumerate(machine.gpus):
        values = machine.scenario.values("") | machine.scenario.values(gpu)
        told = machine.states[values["uuid"]].facts
        if fact.name in OF_INSTANCES:
            assert told.get(fact.name) == {"index": index}.get(fact.name)
        elif (expected := FACTS[fact.name](values)) is None:
            assert fact.name not in told
        else:
            assert told[fact.name] == expected


def test_every_gpu_is_well(machine: Machine) -> None:
    assert {(state.status, state.reason) for state in machine.states.values()} == {("ok", "")}


def test_rows_have_no_column_that_the_catalogue_lacks(machine: Machine) -> None:
    for row in machine.rows.values():
        assert set(row) <= {"device", *GPU.columns}


def test_a_mig_instance_is_a_row_of_its_parents_index(nvml: World) -> None:
    machine = read(nvml, "mig_a100")
    parent = nvml.values("gpu 0")["uuid"]
    instances = [nvml.values(f"mig 0 {number}") for number in (0, 2)]
    assert list(machine.rows) == [parent, *(instance["uuid"] for instance in instances)]
    for number, values in zip((0, 2), instances, strict=True):
        total, reserved, used = map(int, values["memory"].split())
        assert machine.rows[values["uuid"]] == {
            "device": values["uuid"],
            "index": 0,
            "memory_used_bytes": used,
            "memory_total_bytes": total,
            "memory_reserved_bytes": reserved,
        }
        facts = machine.states[values["uuid"]].facts
        assert (facts["name"], facts["parent"], facts["mig_index"], facts["index"]) == (
            *(values["name"], parent, number, 0),
        )
        assert facts["gpu_instance_id"] == int(values["gpu_instance"])


def test_no_temperature_is_made_of_a_margin(nvml: World) -> None:
    facts = next(iter(read(nvml, "one_h100").states.values())).facts
    assert nvml.values("gpu 0")["field_193"] == "signed -8"
    assert not {name for name in facts if name.endswith("temperature_celsius")}


def test_a_threshold_of_zero_is_none(nvml: World) -> None:
    nvml.set("gpu 0", "threshold_slowdown", 0)
    with driving(nvml) as drive:
        drive.run(0, 2)
        assert "slowdown_temperature_celsius" not in drive.source.devices()[0].facts


def test_a_total_of_zero_is_no_memory(nvml: World) -> None:
    nvml.set("gpu 0", "memory", "0 0 0")
    with driving(nvml) as drive:
        (row,) = drive.run(0, 2).values()
        assert row["memory_used_bytes"] is None
        assert row["memory_total_bytes"] is None
        assert not {"memory_kind", "memory_total_bytes"} & set(drive.source.devices()[0].facts)


@pytest.mark.parametrize(
    ("written", "value"),
    [("unsigned 71", 71), ("signed -3", -3), ("ulonglong 5000000000", 5e9), ("double 71.5", 71.5)],
)
def test_a_field_is_read_by_the_type_it_is_of(nvml: World, written: str, value: float) -> None:
    nvml.set("gpu 0", "field_82", written)
    with driving(nvml) as drive:
        (row,) = drive.tick(0.0).values()
        assert row["memory_temperature_celsius"] == value


def test_a_link_counter_that_starts_anew_is_no_rate(nvml: World) -> None:
    clock = [0.0]
    with driving(nvml, clock=lambda: clock[0]) as drive:
        drive.tick(0.0)
        for at, count, expected in ((1.0, 7, None), (2.0, 1007, 1000 * 1024.0)):
            nvml.set("gpu 0", "field_138", f"ulonglong {count}")
            clock[0] = at
            drive.tick(at)
            (row,) = drive.source.sample(at + 0.1)["gpu"]
            assert row["nvlink_tx_bytes_per_second"] == expected


def xids_told(drive: Drive, start: int, stop: int) -> list[tuple[object, object]]:
    rows = [row for at in range(start, stop) for row in drive.tick(float(at)).values()]
    return [(row["xid"], row["xid_count"]) for row in rows]


def test_xids_are_counted_as_they_come(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "31")
        assert xids_told(drive, 2, 5) == [(None, 0), (31, 1), (None, 1)]


def test_each_of_the_xids_of_one_tick_is_told_by_its_number(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "999 48 63")
        told = [(None, 0), (999, 1), (48, 2), (63, 3), (None, 3)]
        assert xids_told(drive, 2, 7) == told


def test_a_burst_of_xids_is_told_by_number_and_how_often_each_came(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "31 31 43 " * 80 + "79 154")
        told = xids_told(drive, 2, 10)
        grown = [(xid, after - before) for (_, before), (xid, after) in pairwise(told) if xid]
        counts: Counter[object] = Counter()
        for xid, more in grown:
            counts[xid] += more
        assert counts == {31: 160, 43: 80, 79: 1, 154: 1}
        assert told[-1] == (None, 242)


def test_xids_that_wait_are_told_of_a_gpu_that_is_lost_too(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "79 154")
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        assert xids_told(drive, 2, 6) == [(79, 1), (154, 2)]


def test_the_xid_of_a_gpu_that_is_lost_by_it_is_recorded(nvml: World) -> None:
    name = nvml.values("gpu 0")["uuid"]
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "79")
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        assert drive.tick(2.0) == {}
        lone = {"device": name, "index": 0, "xid_count": 1, "xid": 79}
        assert drive.tick(3.0) == {name: lone}
        assert drive.tick(4.0) == {}


def test_xids_are_counted_on_after_a_new_session(nvml: World) -> None:
    with driving(nvml, expected="before_init") as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "xids", "31")
        drive.run(2, 4)
        pynvml.nvmlShutdown()  # someone else's; a new session follows
        drive.run(4, 6)
        nvml.set("gpu 0", "xids", "31 43")
        (row,) = drive.run(6, 8).values()
        assert (row["xid_count"], row["xid"]) == (2, 43)


def test_time_lost_is_counted_on_after_a_new_session(nvml: World) -> None:
    with driving(nvml, expected="before_init") as drive:
        (row,) = drive.run(0, 3).values()
        assert row["sw_power_cap_seconds"] == 2.0
        pynvml.nvmlShutdown()
        assert drive.tick(3.0) == {}  # finds it closed, and opens another
        (row,) = drive.tick(4.0).values()
        assert row["sw_power_cap_seconds"] == 4.0
        nvml.set("gpu 0", "clock_reasons", 0x60)
        (row,) = drive.tick(5.0).values()
        assert row["sw_power_cap_seconds"] == 4.0
        assert row["sw_thermal_slowdown_seconds"] == row["hw_thermal_slowdown_seconds"] == 1.0


def test_time_in_which_a_gpu_did_not_answer_is_not_counted_as_lost(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 3)
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        drive.run(3, 6)
        nvml.set("gpu 0", "state", "well")
        (row,) = drive.run(6, 10).values()
        # Asked again five seconds after it was lost; the tick before its first answer is a gap.
        assert row["sw_power_cap_seconds"] == 3.0


def test_fans_are_told_apart(nvml: World) -> None:
    nvml.switch("laptop")
    with driving(nvml) as drive:
        (row,) = drive.run(0, 3).values()
        fans = [row.get(f"fan_{fan}_percent") for fan in range(4)]
        assert (row["fan_percent"], fans) == (104, [31, 104, None, None])


def test_the_fastest_of_more_fans_than_there_are_columns_for(nvml: World) -> None:
    nvml.set("gpu 0", "fans", 6)
    for fan in range(6):
        nvml.set("gpu 0", f"fan_{fan}", 30 + 10 * fan)
    with driving(nvml) as drive:
        (row,) = drive.run(0, 3).values()
        assert (row["fan_percent"], row["fan_3_percent"]) == (80, 60)


def test_xids_before_recording_are_not_counted(nvml: World) -> None:
    nvml.set("gpu 0", "xids", "31")
    with driving(nvml) as drive:
        (row,) = drive.run(0, 3).values()
        assert row["xid_count"] == 0


@pytest.mark.parametrize("column", ["pcie_tx_bytes_per_second", "nvlink_rx_bytes_per_second"])
def test_an_old_rate_is_not_shown(nvml: World, column: str) -> None:
    with driving(nvml) as drive:
        drive.tick(0.0)
        drive.tick(1.0)
        gpu = drive.source._session.gpus[0]
        assert column in gpu.row_with({}, 3.5, 2.5)
        assert column not in gpu.row_with({}, 3.6, 2.5)


def test_counters_are_shown_for_a_minute(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        gpu = drive.source._session.gpus[0]
        assert gpu.row_with({}, 60.0, 2.5)["ecc_corrected_count"] == 12
        assert "ecc_corrected_count" not in gpu.row_with({}, 60.1, 2.5)


def test_counters_are_read_again_now_and_then(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "ecc_corrected", 13)
        assert next(iter(drive.tick(29.0).values()))["ecc_corrected_count"] == 12
        drive.tick(30.0)
        assert next(iter(drive.tick(31.0).values()))["ecc_corrected_count"] == 13


def test_a_fact_that_changes_is_told_within_a_minute(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
        before = drive.source.devices()
        nvml.set("gpu 0", "power_limit_mw", 500000)
        drive.tick(2.0)
        assert drive.source.devices() is before
        drive.tick(60.0)
        drive.tick(61.0)
        assert drive.source.devices()[0].facts["power_limit_set_watts"] == 500.0


def test_a_name_that_is_no_text_costs_the_name(nvml: World) -> None:
    nvml.set("gpu 0", "name", b"RTX \xff".decode("utf-8", "surrogateescape"))
    with driving(nvml) as drive:
        assert len(drive.run(0, 2)) == 1
        facts = drive.source.devices()[0].facts
        assert "name" not in facts
        assert facts["serial"] == "1654922006536"


def test_bytes_are_text_too() -> None:
    assert [text(b"96.00"), text("96.00"), text(b"\xff")] == ["96.00", "96.00", "�"]


CHILD = """
import json, time
from monitor.sources.nvml import NvmlSource
source = NvmlSource()
for at in (0.0, 1.0, 2.0):
    rows = source.sample(at)["gpu"]
    while not source.idle:
        time.sleep(0.001)
print(json.dumps([list(rows), [[s.status, dict(s.facts)] for s in source.devices()]]))
source.close()
"""


def test_a_driver_without_the_newer_functions(old_nvml_library: Path, tmp_path: Path) -> None:
    scenario = Scenario("old_driver", tmp_path / "scenario.txt")
    counts = tmp_path / "counts"
    told = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        env=scenario.environment(old_nvml_library, counts),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (row,), ((status, facts),) = json.loads(told.stdout)
    values = scenario.values("gpu 0")
    total, reserved, used = map(int, values["memory"].split())
    # Its "used" is all that is not free; no one tells the reserved part.
    of_v1 = {"memory_used_bytes": used + reserved, "memory_reserved_bytes": None}
    of_v1 |= {"fan_0_percent": None}  # its one speed is that of all fans
    for column, expected in COLUMNS.items():
        assert row.get(column) == of_v1.get(column, expected(values)), column
    assert row["memory_total_bytes"] == total
    assert (status, facts["memory_kind"], facts["cuda_version"]) == ("ok", "v1", "11.4")
    assert not {"cores", "memory_bus_bits", "fan_count"} & set(facts)
    assert "nvmlDeviceGetMemoryInfo_v2" not in counts.read_text()
    assert "nvmlGpm" not in counts.read_text()
    assert told.stderr == ""
