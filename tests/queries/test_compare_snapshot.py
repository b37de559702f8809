"""What a page in Compare is sent: readings, marks, distances, words."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import orjson
import pytest

from monitor.metrics import GPU as GPU_TABLE
from monitor.queries.compare import compare
from monitor.queries.compare_snapshot import (
    COMPARED_ROWS,
    MINUS,
    MORE_ROWS,
    THROTTLING,
    distance,
    with_comparison,
)
from monitor.queries.latest import Latest
from monitor.queries.recent import recent
from monitor.queries.snapshot import SHOWN, snapshot
from monitor.sources.base import Row
from monitor.storage.buffer import Buffer
from tests.queries.ticks import GIB, GPU, TICK, gpu_state, latest

HOT: Row = {
    **GPU,
    "device": "GPU-b",
    "index": 1,
    "temperature_celsius": 88.0,
    "sm_clock_mhz": 1400.0,
    "pcie_rx_bytes_per_second": 2.0 * GIB,
    "fan_percent": 0.0,
    "clock_event_reasons": 0x20,
}
TWO = latest(gpus=[GPU, HOT], states=[gpu_state(index=0), gpu_state("GPU-b", index=1)])


def shown(tick: Latest, rows: dict[str, Row] | None = None) -> dict[str, Any]:
    found = with_comparison(snapshot(tick, {}), tick, compare(tick, rows or {}))
    return orjson.loads(orjson.dumps(found))  # type: ignore[no-any-return]


def test_every_row_of_a_card_has_a_reading_for_every_gpu():
    found = shown(TWO)
    for column in COMPARED_ROWS:
        assert set(found["readings"][f"gpu.{column}"]) == {"GPU-a", "GPU-b"}
        row = found["readings"][f"gpu.{column}"]["GPU-b"]
        assert row[2] == HOT.get(column)
    assert found["readings"]["gpu.sm_clock_mhz"]["GPU-b"] == ["1,400", "MHz", 1400.0, 70.7, "ok"]
    assert found["readings"]["gpu.fan_percent"] == {
        "GPU-a": ["N/A", "", None, None, "missing"],
        "GPU-b": ["0", "%", 0.0, 0.0, "ok"],
    }
    rates = found["readings"]["gpu.pcie_rx_bytes_per_second"]
    assert rates["GPU-b"][:4] == ["2.00", "GiB/s", 2.0 * GIB, 100.0]
    assert found["readings"][f"gpu.{THROTTLING}"]["GPU-b"][0] == "heat"


def test_marks_and_distances_go_by_the_order_of_the_layout():
    found = shown(TWO)
    assert [device for device, _ in found["layout"][0]] == ["GPU-a", "GPU-b"]
    marks = found["compare"]["marks"]
    assert marks["gpu.temperature_celsius"] == [[-1, f"{MINUS}14 °C"], [1, "+14 °C"]]
    assert marks["gpu.sm_clock_mhz"] == [[1, "+120 MHz"], [-1, f"{MINUS}120 MHz"]]
    assert marks["gpu.utilization_percent"] == [[0, ""], [0, ""]]
    # One GPU alone is far from nothing.
    assert marks["gpu.fan_percent"] == [[0, ""], [0, ""]]


def test_more_rows_are_there_for_who_asks_and_cost_nobody_else():
    few, many = (
        with_comparison(snapshot(TWO, {}), TWO, compare(TWO, {}), more=more)
        for more in (False, True)
    )
    others = set(MORE_ROWS) - set(SHOWN["gpu"])
    assert not {f"gpu.{column}" for column in others} & set(few["readings"])
    for column in MORE_ROWS:
        assert set(many["readings"][f"gpu.{column}"]) == {"GPU-a", "GPU-b"}
        assert len(many["compare"]["marks"][f"gpu.{column}"]) == 2
    assert many["readings"]["gpu.power_limit_watts"]["GPU-b"][:3] == ["700", "W", 700.0]
    shared = {name: many["readings"][name] for name in few["readings"]}
    assert shared == few["readings"]


def test_a_link_below_its_best_under_load_and_memory_errors_are_flagged():
    facts = {"max_pcie_generation": 5, "max_pcie_width": 16}
    slow: Row = {**GPU, "pcie_link_generation": 3, "pcie_link_width": 16}
    sick: Row = {**HOT, "ecc_uncorrected_count": 2}
    states = [gpu_state(index=0, **facts), gpu_state("GPU-b", index=1)]
    tick = latest(gpus=[slow, sick], states=states)
    heads = shown(tick, {"GPU-a": slow, "GPU-b": sick})["compare"]["heads"]
    assert heads == [
        ["working · PCIe below best", "flagged"],
        ["slowed: heat · ECC errors", "slowed"],
    ]
    resting = {**slow, "utilization_percent": 0.0, "performance_state": 8}
    assert shown(tick, {"GPU-a": resting})["compare"]["heads"][0][1] == "idle"


def test_heads_and_imbalance_are_of_what_was_recent():
    rows: dict[str, Row] = {"GPU-a": GPU, "GPU-b": HOT}
    found = shown(TWO, rows)["compare"]
    assert found["heads"] == [["working", "ok"], ["slowed: heat", "slowed"]]
    assert found["imbalance"] == ["GPU 1 runs 240 MHz below the other: thermal slowdown."]


def test_a_lost_gpu_has_its_place_and_no_reading():
    states = [gpu_state(index=0), gpu_state("GPU-b", "lost", "Gone.", index=1)]
    found = shown(latest(gpus=[GPU, HOT], states=states))
    assert found["compare"]["heads"][1] == ["lost", "lost"]
    for column in COMPARED_ROWS:
        assert found["readings"][f"gpu.{column}"]["GPU-b"][2] is None
    assert all(of[1] == [0, ""] for of in found["compare"]["marks"].values())


def test_captions_that_are_not_in_view_are_not_sent_and_the_rest_is_as_ever():
    single, both = snapshot(TWO, {}), shown(TWO)
    for metric, readings in orjson.loads(orjson.dumps(single["readings"])).items():
        column = metric.removeprefix("gpu.")
        short = metric.startswith("gpu.") and column in COMPARED_ROWS
        for device, reading in readings.items():
            kept = both["readings"][metric][device]
            assert kept == (reading[: len(kept)] if short else reading)
            assert len(kept) >= 5
    rest = {name: value for name, value in both.items() if name not in {"readings", "compare"}}
    assert rest == {
        name: value
        for name, value in orjson.loads(orjson.dumps(single)).items()
        if name != "readings"
    }


@pytest.mark.parametrize(
    ("column", "off", "text"),
    [
        ("utilization_percent", 12.4, "+12 %"),
        ("utilization_percent", -0.4, ""),
        ("power_watts", -1234.0, f"{MINUS}1,234 W"),
        ("memory_used_bytes", 1.9 * GIB, "+1.9 GiB"),
        ("memory_used_bytes", 0.01 * GIB, ""),
        ("pcie_tx_bytes_per_second", -159.2 * (1 << 20), f"{MINUS}159 MiB/s"),
        ("pcie_tx_bytes_per_second", 1.257 * GIB, "+1.26 GiB/s"),
        ("pcie_tx_bytes_per_second", 999.9 * (1 << 20), "+1000 MiB/s"),
        ("pcie_link_generation", -1.4, f"{MINUS}1.4"),
        ("ecc_corrected_count", 3.0, "+3"),
        ("pcie_tx_bytes_per_second", 0.0, ""),
    ],
)
def test_a_distance_is_short_and_in_the_unit_of_its_value(column: str, off: float, text: str):
    assert distance(GPU_TABLE[column], off, GPU) == text


def test_sixteen_gpus_are_small_on_the_wire():
    gpus: list[Row] = [
        {**HOT, "device": f"GPU-{at:032x}", "index": at, "power_watts": 600.0 + at}
        for at in range(16)
    ]
    states = [gpu_state(str(gpu["device"]), index=gpu["index"]) for gpu in gpus]
    told = orjson.dumps(shown(latest(gpus=gpus, states=states)))
    # A WebSocket compresses it.
    assert len(zlib.compress(told, 1)) < 5_000
    assert len(told) < 24_000


def test_every_row_of_a_card_is_a_column_and_cards_of_the_page_are_among_them():
    assert set(COMPARED_ROWS) <= set(GPU_TABLE.columns)
    assert {"utilization_percent", "memory_clock_mhz"} <= set(SHOWN["gpu"]) & set(COMPARED_ROWS)


def buffer(**columns: list[float | None]) -> Buffer:
    """A GPU's rows that end at the tick, one a second."""
    found = Buffer(GPU_TABLE)
    count = len(next(iter(columns.values())))
    for at in range(count):
        values = {column: of[at] for column, of in columns.items()}
        found.append(TICK - 1000 * (count - 1 - at), [{"device": "GPU-a", **values}])
    return found


def test_what_is_recent_is_ten_seconds_without_gaps():
    rows = buffer(
        utilization_percent=[100.0] * 5 + [0.0] * 4 + [None] + [50.0] * 5,
        sm_clock_mhz=[300.0] * 5 + [1000.0] * 5 + [2000.0] * 5,
        clock_event_reasons=[0x80] * 5 + [0, 0, 0, 0x20, 0, None, 0, 0x4, 0, 0],
    )
    found = recent(latest(), rows)["GPU-a"]
    assert found["utilization_percent"] == pytest.approx(250 / 9)
    assert found["sm_clock_mhz"] == 1500.0
    assert found["clock_event_reasons"] == 0x24
    assert isinstance(found["clock_event_reasons"], int)
    assert found["memory_used_bytes"] == GPU["memory_used_bytes"]


def test_what_was_never_reported_stays_missing_and_who_does_not_answer_is_left_out():
    gone = [gpu_state(status="lost")]
    assert recent(latest(states=gone), buffer(sm_clock_mhz=[1.0])) == {}
    missing: Row = {"device": "GPU-a", "utilization_percent": None}
    found = recent(latest(gpus=[missing]), buffer(utilization_percent=[None, None]))
    assert found == {"GPU-a": missing}
    assert np.isnan(buffer(utilization_percent=[None]).columns()["utilization_percent"]).all()
