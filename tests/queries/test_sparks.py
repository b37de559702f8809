"""Two minutes on the tick's grid, and the highest of an hour."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.metrics import TABLES
from monitor.queries.sparks import SPARKS, Peaks, sparks
from monitor.storage.buffer import Buffer
from tests.queries.ticks import TICK, latest

UTILIZATION = ("gpu", "utilization_percent", "GPU-a")


@pytest.fixture
def buffers() -> dict[str, Buffer]:
    return {name: Buffer(table) for name, table in TABLES.items()}


def row(value: float | None, device: str = "GPU-a") -> dict[str, object]:
    return {"device": device, "utilization_percent": value}


def test_a_line_has_a_null_where_no_reading_was(buffers: dict[str, Buffer]):
    for seconds, value in ((3, 10.0), (2, None), (0, 0.0)):
        buffers["gpu"].append(TICK - seconds * 1000, [row(value)])
    found = sparks(latest(), buffers)
    line = found["lines"]["gpu.utilization_percent"]["GPU-a"]
    assert (found["end"], found["step"], len(line)) == (TICK, 1000, 120)
    assert line[-4:] == [10.0, None, None, 0.0]
    assert line[:-4] == [None] * 116


def test_the_step_is_the_interval(buffers: dict[str, Buffer]):
    buffers["gpu"].append(TICK - 5000, [row(1.0)])
    buffers["gpu"].append(TICK, [row(2.0)])
    found = sparks(latest(recorder={"interval": 5.0}), buffers)
    assert found["step"] == 5000
    assert found["lines"]["gpu.utilization_percent"]["GPU-a"][-2:] == [1.0, 2.0]


def test_before_the_first_tick_there_are_no_lines(buffers: dict[str, Buffer]):
    assert sparks(type(latest())(), buffers)["lines"] == {}


@pytest.mark.parametrize(
    ("read", "written", "both"), [(2.0, 3.0, 5.0), (None, 3.0, 3.0), (None, None, None), (0, 0, 0)]
)
def test_disk_io_is_missing_only_where_both_are(buffers, read, written, both):
    buffers["host"].append(
        TICK,
        [
            {
                "device": "host",
                "disk_read_bytes_per_second": read,
                "disk_write_bytes_per_second": written,
            }
        ],
    )
    lines = sparks(latest(), buffers)["lines"]
    assert lines["host.disk_io_bytes_per_second"]["host"][-1] == both
    peaks = Peaks()
    peaks.load(buffers)
    found = peaks.over(TICK).get("host", {}).get("disk_io_bytes_per_second", {})
    assert found == ({} if both is None else {"host": both})


def test_a_peak_is_forgotten_after_an_hour():
    peaks = Peaks()
    peaks.add("gpu", row(90.0), TICK)
    peaks.add("gpu", row(40.0), TICK + 1_800_000)
    peaks.add("gpu", row(None), TICK + 1_900_000)
    assert peak_of(peaks, TICK + 3_540_000) == 90.0
    assert peak_of(peaks, TICK + 3_720_000) == 40.0
    assert peaks.over(TICK + 7_200_000) == {}


def test_a_peak_of_zero_or_below_is_a_peak():
    peaks = Peaks()
    peaks.add("gpu", row(0.0), TICK)
    assert peak_of(peaks, TICK) == 0.0
    peaks.add("gpu", {"device": "GPU-a", "temperature_celsius": -5.0}, TICK)
    assert peaks.over(TICK)["gpu"]["temperature_celsius"] == {"GPU-a": -5.0}


def test_peaks_from_a_buffer_are_those_of_its_rows_one_by_one(buffers: dict[str, Buffer]):
    random = np.random.default_rng(1)
    one_by_one = Peaks()
    for second in range(300):
        value = None if random.random() < 0.2 else float(random.random() * 100)
        for device in ("GPU-a", "GPU-b"):
            buffers["gpu"].append(TICK + second * 1000, [row(value, device)])
            one_by_one.add("gpu", row(value, device), TICK + second * 1000)
    loaded = Peaks()
    loaded.load(buffers)
    assert loaded.over(TICK + 300_000) == one_by_one.over(TICK + 300_000)


@pytest.mark.parametrize("table", SPARKS)
def test_sparks_are_of_columns_that_exist(table: str):
    assert SPARKS[table]
    for column in SPARKS[table]:
        assert column in TABLES[table].columns or column == "disk_io_bytes_per_second"


def peak_of(peaks: Peaks, time: int) -> float:
    table, column, device = UTILIZATION
    return peaks.over(time)[table][column][device]
