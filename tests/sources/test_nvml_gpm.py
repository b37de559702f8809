"""What parts of a GPU did between two ticks: from samples that belong together, or missing."""

from __future__ import annotations

import pynvml
import pytest

from monitor.sources.base import Row
from tests.nvml_stub.fixtures import World, within
from tests.sources.nvml_cases import ACTIVITY, COLUMNS
from tests.sources.nvml_drive import Drive, Ticking, driving, uuid

NONE = dict.fromkeys(ACTIVITY)
OF_H100 = {
    "graphics_active_percent": 91.5,
    "sm_active_percent": 88.25,
    "sm_occupancy_percent": 41.75,
    "tensor_active_percent": 47.25,
    "dram_active_percent": 38.5,
}


def activity(row: Row) -> dict[str, object]:
    return {column: row.get(column) for column in ACTIVITY}


def told(drive: Drive, start: int, stop: int) -> list[dict[str, object]]:
    """Of the one GPU, at each tick."""
    return [activity(row) for at in range(start, stop) for row in drive.tick(float(at)).values()]


def gpm_calls(world: World) -> dict[str, int]:
    names = ("QueryDeviceSupport", "SampleAlloc", "SampleGet", "MigSampleGet", "MetricsGet")
    counted = {name: world.stub.calls(f"nvmlGpm{name}") for name in names}
    return {name: count for name, count in counted.items() if count}


def test_the_first_tick_has_nothing_to_compare(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        assert told(drive, 0, 3) == [NONE, OF_H100, OF_H100]


def test_a_tick_costs_two_calls(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 10)
        once = {"QueryDeviceSupport": 1, "SampleAlloc": 2}
        assert gpm_calls(nvml) == {**once, "SampleGet": 10, "MetricsGet": 9}


@pytest.mark.parametrize("world", ["laptop", "mig_a100"])
def test_a_gpu_without_it_is_asked_once(nvml: World, world: str) -> None:
    nvml.switch(world)
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 30)  # instances are found anew in it
        assert gpm_calls(nvml) == {"QueryDeviceSupport": 1}


@pytest.mark.parametrize(
    ("call", "key"),
    [("QueryDeviceSupport", "gpm_support"), ("SampleGet", "gpm_sample")],
)
def test_what_is_refused_for_good_is_asked_once(nvml: World, call: str, key: str) -> None:
    nvml.set("gpu 0", key, "!NOT_SUPPORTED")
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        assert told(drive, 0, 5) == [NONE] * 5
        assert gpm_calls(nvml)[call] == 1


@pytest.mark.parametrize("key", ["gpm_support", "gpm_sample", "gpm_compare"])
@pytest.mark.parametrize("error", ["UNKNOWN", "NO_PERMISSION", "GPU_IS_LOST", "RESET_REQUIRED"])
def test_an_error_is_none_of_the_gpus_and_passes(nvml: World, key: str, error: str) -> None:
    good = nvml.values("gpu 0")[key]
    nvml.set("gpu 0", key, f"!{error}")
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        assert told(drive, 0, 3) == [NONE] * 3
        assert drive.source.devices()[0].status == "ok"
        nvml.set("gpu 0", key, good)
        assert told(drive, 3, 5)[-1] == OF_H100


def test_a_sample_that_failed_is_a_gap(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "gpm_sample", "!TIMEOUT")
        assert told(drive, 2, 3) == [NONE]
        nvml.set("gpu 0", "gpm_sample", 1)
        assert told(drive, 3, 5) == [NONE, OF_H100]


@pytest.mark.parametrize("value", ["!NO_DATA", "!NOT_SUPPORTED", "nan", "inf"])
def test_a_metric_that_failed_costs_its_cell(nvml: World, value: str) -> None:
    nvml.set("gpu 0", "gpm_5", value)
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        assert told(drive, 0, 2)[-1] == {**OF_H100, "tensor_active_percent": None}
        nvml.set("gpu 0", "gpm_5", 12.5)
        assert told(drive, 2, 3) == [{**OF_H100, "tensor_active_percent": 12.5}]


def test_samples_too_close_together_are_not_compared(nvml: World) -> None:
    clock = [0.0]
    with driving(nvml, clock=lambda: clock[0], deadline=5.0) as drive:
        drive.tick(0.0)
        for at, taken in ((1.0, 2), (1.05, 2), (1.11, 3)):
            nvml.set("gpu 0", "gpm_5", at)
            clock[0] = at
            (row,) = drive.tick(at).values()
            assert row["tensor_active_percent"] == (1.0 if taken == 2 else at)
            assert gpm_calls(nvml)["SampleGet"] == taken


def test_a_gpu_that_was_lost_begins_anew(eight: World) -> None:
    with driving(eight, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 2)
        eight.set("gpu 3", "state", "!GPU_IS_LOST")
        drive.run(2, 4)
        eight.set("gpu 3", "state", "well")
        back = [drive.tick(at) for at in (7.0, 8.0)]
        assert eight.stub.calls("nvmlInitWithFlags") == 1
        assert [row[uuid(3)]["sm_active_percent"] for row in back] == [None, 88.25]
        assert [row[uuid(2)]["sm_active_percent"] is None for row in back] == [True, False]


def test_a_gpu_that_was_lost_between_two_ticks_begins_anew(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0, interval=5.0) as drive:
        assert [activity(*drive.tick(at).values()) for at in (0.0, 5.0)] == [NONE, OF_H100]
        nvml.set("gpu 0", "state", "!GPU_IS_LOST")
        assert drive.tick(10.0) == {}
        nvml.set("gpu 0", "state", "well")
        assert [activity(*drive.tick(at).values()) for at in (15.0, 20.0)] == [NONE, OF_H100]
        assert nvml.stub.calls("nvmlInitWithFlags") == 1


def test_a_gpu_that_was_silent_begins_anew(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=1.0) as drive:
        drive.run(0, 2)
        nvml.set("gpu 0", "state", "!HANG")
        assert drive.tick(2.0, hangs=True) == {}
        nvml.set("gpu 0", "state", "well")
        assert within(5, lambda: drive.source.idle)
        assert told(drive, 6, 8) == [NONE, OF_H100]


def test_a_tick_left_out_is_bridged(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 2)
        assert told(drive, 3, 4) == [OF_H100]


def test_a_new_session_begins_anew(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0, expected="before_init") as drive:
        drive.run(0, 3)
        pynvml.nvmlShutdown()  # someone else's
        assert drive.tick(3.0) == {}
        assert told(drive, 4, 6) == [NONE, OF_H100]
    assert nvml.stub.calls("nvmlGpmSampleAlloc") == nvml.stub.calls("nvmlGpmSampleFree") == 4


def test_the_driver_may_be_reloaded(eight: World) -> None:
    with driving(eight, clock=Ticking(), deadline=5.0) as drive:
        drive.run(0, 3)
        eight.switch("no_driver")
        drive.run(3, 6)
        eight.switch("eight_h100_uneven")
        rows = [row for at in range(6, 40) for row in [drive.tick(float(at)).get(uuid(1))] if row]
        assert [row["sm_active_percent"] for row in rows[:2]] == [None, 88.25]
    assert eight.stub.calls("nvmlGpmSampleAlloc") == eight.stub.calls("nvmlGpmSampleFree") > 0


def test_samples_are_few_however_often_a_gpu_is_lost(nvml: World) -> None:
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        for at in range(0, 100, 10):
            nvml.set("gpu 0", "state", "well")
            drive.run(at, at + 2)
            nvml.set("gpu 0", "state", "!GPU_IS_LOST")
            drive.tick(at + 2.0)
        assert nvml.stub.calls("nvmlInitWithFlags") == 1
        assert gpm_calls(nvml)["SampleAlloc"] == 2


def test_a_mig_instance_tells_its_own(nvml: World) -> None:
    nvml.switch("mig_h100")
    sections = ("gpu 0", "mig 0 0", "mig 0 2")
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        first = drive.tick(0.0)
        rows = drive.run(1, 30)  # instances are found anew in it
    for section in sections:
        values = nvml.values(section)
        expected = {column: COLUMNS[column](values) for column in ACTIVITY}
        assert activity(first[values["uuid"]]) == NONE
        assert activity(rows[values["uuid"]]) == expected
    calls = {"QueryDeviceSupport": 1, "SampleAlloc": 6, "SampleGet": 30, "MigSampleGet": 60}
    assert gpm_calls(nvml) == {**calls, "MetricsGet": 87}


def test_a_parent_without_it_leaves_it_to_its_instances(nvml: World) -> None:
    nvml.switch("mig_h100")
    nvml.set("gpu 0", "gpm_sample", "!NOT_SUPPORTED")
    with driving(nvml, clock=Ticking(), deadline=5.0) as drive:
        rows = drive.run(0, 4)
    parent, instance = (nvml.values(section)["uuid"] for section in ("gpu 0", "mig 0 0"))
    assert activity(rows[parent]) == NONE
    assert rows[instance]["tensor_active_percent"] == 41.25


def test_instances_of_one_gpu_instance_share_its_samples(nvml: World) -> None:
    nvml.switch("mig_h100")
    nvml.add("mig 0 5", uuid="MIG-beside", memory="100 10 5", gpu_instance=1)
    clock = [0.0]
    with driving(nvml, clock=lambda: clock[0], deadline=5.0) as drive:
        drive.tick(0.0)
        clock[0] = 1.0
        rows = drive.tick(1.0)
        assert rows["MIG-beside"]["tensor_active_percent"] == 41.25
        assert gpm_calls(nvml)["MigSampleGet"] == 4


@pytest.fixture
def eight(nvml: World) -> World:
    nvml.switch("eight_h100_uneven")
    return nvml
