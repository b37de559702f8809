"""A table read every 2 s has its rows once in each 2 s, whatever the interval."""

from __future__ import annotations

import pytest

from monitor.sources.cadence import Cadence


def shown(interval: float, ticks: int, start: float = 100.0) -> tuple[list[float], list[float]]:
    """When rows were recorded, and when they were read, as seconds since the start."""
    cadence = Cadence(2.0, interval)
    recorded, read = [], []
    for tick in range(ticks):
        wall = start + tick * interval
        if cadence.shows(wall):
            recorded.append(wall - start)
        if cadence.reads(wall):
            read.append(wall - start)
    return recorded, read


@pytest.mark.parametrize(
    ("interval", "start", "recorded", "read"),
    [
        (1.0, 100.0, [1, 2, 4, 6], [0, 1, 3, 5, 7]),
        (1.0, 101.0, [1, 3, 5, 7], [0, 2, 4, 6]),
        (1.0, 100.97, [1, 3, 5, 7], [0, 2, 4, 6]),
        (0.5, 100.0, [0.5, 2], [0, 1.5, 3.5]),
        (5.0, 100.0, [5, 10, 15, 20, 25, 30, 35], [0, 5, 10, 15, 20, 25, 30, 35]),
    ],
)
def test_rows_come_once_in_each_span_and_are_read_beside_the_tick_before(
    interval: float, start: float, recorded: list[float], read: list[float]
) -> None:
    assert shown(interval, 8, start) == (pytest.approx(recorded), pytest.approx(read))


def test_a_tick_that_is_missed_moves_the_rows_to_the_next() -> None:
    cadence = Cadence(2.0, 1.0)
    assert not cadence.shows(101.0)
    assert cadence.reads(101.0)
    assert cadence.shows(103.0)  # 102 was missed
    assert cadence.shows(104.0)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    cadence = Cadence(2.0, 1.0)
    cadence.reads(1000.0)
    assert cadence.shows(1002.0)
    assert cadence.shows(500.0)


def test_a_reading_lasts_till_the_next() -> None:
    assert Cadence(2.0, 0.5).seconds == 2.0
    assert Cadence(2.0, 5.0).seconds == 5.0
