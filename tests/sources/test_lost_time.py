"""Seconds lost to each clock event reason: what is counted, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.sources.clock_reasons import CLOCK_REASONS, OTHERS
from monitor.sources.lost_time import LostTime

CAP, SW_THERMAL, HW_THERMAL = 0x4, 0x20, 0x40


def lost(
    ticks: Sequence[tuple[float, int | None]], interval: float = 1.0
) -> list[tuple[object, object]]:
    """(seconds of power cap, seconds of software thermal) after each (time, mask)."""
    time = LostTime(interval)
    rows = [time.counted("GPU-a", mask, now) for now, mask in ticks]
    return [
        (row.get("sw_power_cap_seconds"), row.get("sw_thermal_slowdown_seconds")) for row in rows
    ]


def test_the_time_since_the_tick_before_counts_for_each_bit() -> None:
    assert lost([(0, CAP), (1, CAP), (2, CAP | SW_THERMAL), (3, 0), (4, SW_THERMAL)]) == [
        *((0, 0), (1, 0), (2, 1), (2, 1), (2, 2)),
    ]


def test_a_tick_that_was_left_out_is_bridged_and_a_gap_is_not() -> None:
    assert lost([(0, CAP), (2, CAP), (60, CAP), (61, CAP)]) == [(0, 0), (2, 0), (2, 0), (3, 0)]
    assert lost([(0, CAP), (2, CAP)], interval=0.5) == [(0, 0), (0, 0)]
    assert lost([(0, CAP), (2, CAP)], interval=5.0) == [(0, 0), (2, 0)]


def test_a_tick_without_a_mask_tells_nothing_and_loses_nothing() -> None:
    assert lost([(0, CAP), (1, None), (2, CAP)]) == [(0, 0), (None, None), (2, 0)]


def test_time_that_stands_still_or_goes_back_counts_for_nothing() -> None:
    assert lost([(5, CAP), (5, CAP), (4, CAP), (5, CAP)]) == [(0, 0), (0, 0), (0, 0), (1, 0)]


def test_each_gpu_has_counters_of_its_own() -> None:
    time = LostTime(1.0)
    for now in (0.0, 1.0):
        a, b = time.counted("GPU-a", HW_THERMAL, now), time.counted("GPU-b", 0, now)
    assert (a["hw_thermal_slowdown_seconds"], b["hw_thermal_slowdown_seconds"]) == (1.0, 0.0)


def test_every_unknown_reason_counts_once_for_all() -> None:
    time = LostTime(1.0)
    time.counted("GPU-a", 0, 0.0)
    row = time.counted("GPU-a", 0x100000 | 0x8000 | CAP, 1.0)
    assert (row["other_reason_seconds"], row["sw_power_cap_seconds"]) == (1.0, 1.0)


@pytest.mark.parametrize("reason", [*CLOCK_REASONS, OTHERS], ids=lambda reason: reason.name)
def test_a_reason_counts_in_its_own_column_alone(reason) -> None:
    time = LostTime(1.0)
    time.counted("GPU-a", reason.bit, 0.0)
    row = time.counted("GPU-a", reason.bit, 1.0)
    assert {column for column, seconds in row.items() if seconds} == {reason.column} - {None}


def test_what_was_told_does_not_change_later() -> None:
    time = LostTime(1.0)
    first = time.counted("GPU-a", CAP, 0.0)
    time.counted("GPU-a", CAP, 1.0)
    assert first["sw_power_cap_seconds"] == 0.0
