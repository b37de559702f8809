"""The GPUs side by side: means, who stands out, and who is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.metrics import GPU as GPU_TABLE
from monitor.queries.compare import COMPARED, Compared, Comparison, compare, compared
from monitor.sources.base import DeviceStatus
from tests.queries.ticks import GIB, GPU, gpu_state, latest

VALUES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.floats(-1e6, 1e6, allow_nan=False),
    min_size=1,
    max_size=16,
)


def side_by_side(column: str, *values: float | None, status: DeviceStatus = "ok") -> Comparison:
    """GPUs 0, 1 … with these values; the last one has the status."""
    names = [f"GPU-{at}" for at in range(len(values))]
    rows = [{"device": name, column: value} for name, value in zip(names, values, strict=True)]
    states = [gpu_state(name, index=at) for at, name in enumerate(names)]
    states[-1] = gpu_state(names[-1], status, index=len(names) - 1)
    return compare(latest(gpus=rows, states=states), {})


def test_the_highest_and_the_lowest_and_every_distance_from_the_mean():
    found = side_by_side("power_watts", 100.0, 200.0, 600.0)
    assert found.metrics["power_watts"] == Compared(300.0, ("GPU-2",), ("GPU-0",))
    assert found.from_mean["power_watts"] == {"GPU-0": -200, "GPU-1": -100, "GPU-2": 300}


def test_what_is_missing_is_left_out_and_a_zero_is_not():
    found = side_by_side("utilization_percent", 0.0, None, 50.0)
    assert found.metrics["utilization_percent"].mean == 25.0
    assert found.values["utilization_percent"] == {"GPU-0": 0.0, "GPU-2": 50.0}
    assert found.metrics["utilization_percent"].lowest == ("GPU-0",)
    assert "fan_percent" not in found.metrics
    assert found.from_mean["fan_percent"] == {}


@pytest.mark.parametrize("status", ["lost", "late", "denied", "failed"])
def test_a_gpu_that_did_not_answer_is_compared_with_nobody(status: DeviceStatus):
    found = side_by_side("power_watts", 100.0, 300.0, 900.0, status=status)
    assert found.metrics["power_watts"] == Compared(200.0, ("GPU-1",), ("GPU-0",))
    assert [gpu.device for gpu in found.gpus] == ["GPU-0", "GPU-1", "GPU-2"]


def test_a_mig_instance_has_its_values_and_is_compared_with_nobody():
    rows = [
        {**GPU, "device": "GPU-a", "memory_used_bytes": 40 * GIB},
        {**GPU, "device": "MIG-1", "memory_used_bytes": 1 * GIB},
        {**GPU, "device": "GPU-b", "memory_used_bytes": 20 * GIB},
    ]
    states = [
        gpu_state("GPU-a", index=0),
        gpu_state("MIG-1", index=0, mig_index=1, parent="GPU-a"),
        gpu_state("GPU-b", index=1),
    ]
    found = compare(latest(gpus=rows, states=states), {})
    memory = found.metrics["memory_used_bytes"]
    assert memory == Compared(30.0 * GIB, ("GPU-a",), ("GPU-b",))
    assert found.values["memory_used_bytes"]["MIG-1"] == GIB
    assert "MIG-1" not in found.from_mean["memory_used_bytes"]


@pytest.mark.parametrize(
    ("column", "values", "highest", "lowest"),
    [
        # All alike: nobody is marked.
        ("power_watts", [300.0, 300.0], "", ""),
        ("power_watts", [655.0, 660.0, 667.0], "", ""),
        ("temperature_celsius", [60.0, 61.0], "", ""),
        ("sm_clock_mhz", [1755.0, 1785.0], "", ""),
        ("pcie_rx_bytes_per_second", [0.0, 5e5], "", ""),
        ("memory_used_bytes", [0.0, 60.0 * (1 << 20)], "", ""),
        # What can be told apart is.
        ("temperature_celsius", [60.0, 65.0], "1", "0"),
        ("ecc_uncorrected_count", [0, 0, 1], "2", ""),
        ("memory_used_bytes", [1.0 * GIB, 2.0 * GIB], "1", "0"),
        # What more than half of them are is no mark of any.
        ("utilization_percent", [100.0, 100.0, 100.0, 0.0], "", "3"),
        ("utilization_percent", [0.0, 0.0, 0.0, 50.0], "3", ""),
        # Half of them may share it, and so may those that differ by less than can be read.
        ("utilization_percent", [100.0, 100.0, 0.0, 0.0], "01", "23"),
        ("power_watts", [300.0, 600.2, 599.9, 400.0], "12", "0"),
    ],
)
def test_only_who_stands_out_is_marked(column: str, values: list[float], highest: str, lowest: str):
    found = side_by_side(column, *values).metrics[column]
    assert found.highest == tuple(f"GPU-{at}" for at in highest)
    assert found.lowest == tuple(f"GPU-{at}" for at in lowest)


@given(VALUES, st.sampled_from([1.0, 15.0, 64.0]))
def test_marks_are_few_and_apart_and_true(values: dict[str, float], step: float):
    found = compared(values, step)
    highest, lowest = set(found.highest), set(found.lowest)
    assert not highest & lowest
    for marked in (highest, lowest):
        assert marked <= set(values)
        assert 2 * len(marked) <= len(values)
    others = [value for device, value in values.items() if device not in highest]
    assert all(values[device] > other for device in highest for other in others)
    others = [value for device, value in values.items() if device not in lowest]
    assert all(values[device] < other for device in lowest for other in others)
    assert sum(value - found.mean for value in values.values()) == pytest.approx(0, abs=1e-3)
    backwards = compared(dict(reversed(values.items())), step)
    assert (set(backwards.highest), set(backwards.lowest)) == (highest, lowest)


def test_every_quantity_of_a_gpu_is_compared():
    columns = {metric.column for metric in COMPARED}
    assert set(GPU_TABLE.columns) - columns == {"index", "clock_event_reasons"}


def test_a_machine_without_a_gpu_compares_nothing():
    found = compare(latest(gpus=[], states=[]), {})
    assert (found.metrics, list(found.gpus), found.imbalance) == ({}, [], [])
