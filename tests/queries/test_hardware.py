"""What the hardware tiles are sent, and when a PCIe link is below its best."""

from __future__ import annotations

import orjson
import pytest

from monitor.metrics import GPU as TABLE
from monitor.queries.hardware import (
    ACTIVITY,
    HARDWARE,
    hardware,
    is_below_best,
    link_capacity,
)
from monitor.queries.snapshot import snapshot
from monitor.sources.base import DeviceStatus, Row
from tests.queries.ticks import GPU, gpu_state, latest

BEST = {"max_pcie_generation": 5, "max_pcie_width": 16}
BUSY: Row = {"utilization_percent": 90.0, "performance_state": 0}


def link(generation: int | None, width: int | None) -> Row:
    return {"pcie_link_generation": generation, "pcie_link_width": width}


def sent(row: Row, **facts: object) -> list[object]:
    tick = latest(gpus=[{**GPU, **row}], states=[gpu_state(**facts)])  # type: ignore[arg-type]
    found: dict[str, list[object]] = snapshot(tick, {})["hardware"]  # type: ignore[assignment]
    return found["GPU-a"]


def test_it_is_columns_of_the_catalogue_and_three_more():
    assert set(HARDWARE) <= set(TABLE.columns)
    assert len(sent({})) == len(HARDWARE) + 3


@pytest.mark.parametrize("column", HARDWARE)
def test_each_value_stands_in_its_place_and_a_missing_one_is_null(column: str):
    at = HARDWARE.index(column)
    assert sent({column: 7.4})[at] == 7
    assert sent({column: 0})[at] == 0
    assert sent({column: None})[at] is None


@pytest.mark.parametrize(
    ("generation", "width", "gigabytes"),
    [(1, 16, 4.0), (2, 8, 4.0), (3, 16, 15.75), (4, 16, 31.5), (5, 16, 63.0), (6, 16, 121.0)],
)
def test_a_link_carries_its_lanes_without_what_encoding_takes(generation, width, gigabytes):
    assert link_capacity(generation, width) == pytest.approx(gigabytes * 1e9, rel=0.001)


@pytest.mark.parametrize(("generation", "width"), [(None, 16), (5, None), (9, 16), (0, 0), (5, 0)])
def test_what_a_link_carries_may_not_be_known(generation: int | None, width: int | None):
    assert link_capacity(generation, width) is None


@pytest.mark.parametrize(
    ("row", "below"),
    [
        ({**BUSY, **link(5, 16)}, False),
        ({**BUSY, **link(4, 16)}, True),
        ({**BUSY, **link(5, 8)}, True),
        ({**link(1, 16), "utilization_percent": 0.0, "performance_state": 8}, False),
        # Drawing a desktop, it is not at its fastest, and need not be.
        ({**link(1, 16), "utilization_percent": 40.0, "performance_state": 8}, False),
        ({**BUSY, **link(1, 16), "utilization_percent": 3.0}, False),
        # Not busy with kernels, but with traffic.
        ({**link(1, 16), "pcie_rx_bytes_per_second": 3e9, "performance_state": 0}, True),
        ({**link(4, 16), "utilization_percent": 90.0}, True),
        ({**BUSY, **link(None, None)}, False),
    ],
)
def test_a_link_is_below_its_best_only_while_the_gpu_works(row: Row, below: bool):
    assert is_below_best(row, BEST) is below
    assert (
        sent({"utilization_percent": None, "performance_state": None, **row}, **BEST)[-2] == below
    )


def test_a_link_whose_best_is_not_known_is_never_below_it():
    assert is_below_best({**BUSY, **link(1, 1)}, {}) is False


def test_the_reasons_are_sent_by_name_and_kind():
    assert sent({"clock_event_reasons": 0x844})[-1] == [
        ["Power cap", "limit"],
        ["Thermal, hardware", "problem"],
        ["0x800", "unknown"],
    ]
    assert sent({"clock_event_reasons": 0})[-1] == []
    assert sent({})[-1] is None


@pytest.mark.parametrize("status", ["lost", "late", "failed"])
def test_of_a_gpu_that_does_not_answer_nothing_is_told(status: DeviceStatus):
    tick = latest(gpus=[{**GPU, "clock_event_reasons": 4}], states=[gpu_state(status=status)])
    found = snapshot(tick, {})["hardware"]
    assert found["GPU-a"] == [None] * (len(HARDWARE) + 1) + [0, None]  # type: ignore[index]


def test_a_mig_instance_has_the_hardware_of_its_gpu():
    states = [gpu_state(**BEST), gpu_state("MIG-1", parent="GPU-a", mig_index=1)]
    row: Row = {**GPU, **BUSY, **link(4, 16)}
    tick = latest(gpus=[row, {"device": "MIG-1"}], states=states)
    found = hardware(tick, tick.table("gpu"))
    assert found["MIG-1"] == found["GPU-a"]
    assert found["MIG-1"][-2] == 1


def test_a_mig_instance_tells_how_busy_its_own_parts_are():
    states = [gpu_state(), gpu_state("MIG-1", parent="GPU-a", mig_index=1)]
    whole: Row = {**GPU, "encoder_percent": 30.0, **dict.fromkeys(ACTIVITY, 20.0)}
    part: Row = {"device": "MIG-1", "tensor_active_percent": 70.0}
    tick = latest(gpus=[whole, part], states=states)
    found = hardware(tick, tick.table("gpu"))["MIG-1"]
    told = dict(zip(HARDWARE, found, strict=False))
    assert [told[column] for column in ACTIVITY] == [None, None, 70, None]
    assert told["encoder_percent"] == 30


def test_sixteen_gpus_take_three_kilobytes():
    row: Row = {name: 100.0 if name.endswith("_percent") else 1755.0 for name in HARDWARE}
    row |= {"clock_event_reasons": 0x60}
    rows: list[Row] = [{**row, "device": f"GPU-{at:036}"} for at in range(16)]
    tick = latest(gpus=rows)
    assert len(orjson.dumps(hardware(tick, tick.table("gpu")))) < 16 * 240
