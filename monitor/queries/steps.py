"""How far apart points lie, so that a span has no more of them than are wanted."""

from __future__ import annotations

from itertools import chain, count

_DAY = 86_400
# Steps that people count in, in seconds; beyond them, whole days.
_MINUTES = (60, 90, 120, 180, 300, 600, 900, 1200, 1800)
_HOURS = (3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, _DAY)
_STEPS = (1, 2, 5, 10, 15, 20, 30, *_MINUTES, *_HOURS)


def fitting_step(start: int, end: int, step: int, max_points: int | None, *, raw: bool) -> int:
    """The smallest multiple of `step` (ms) people count in with at most so many in the span.

    `step` itself counts buckets or, where `raw`, ticks. ValueError for less than two points: no
    step keeps every span out of two buckets.
    """
    if max_points is None or points(start, end, step, raw=raw) <= max_points:
        return step
    if max_points < 2:
        raise ValueError(f"max_points is at least 2, not {max_points}")
    for seconds in chain(_STEPS, (days * _DAY for days in count(2))):
        wanted = seconds * 1000
        if wanted > step and wanted % step == 0 and points(start, end, wanted) <= max_points:
            return wanted
    raise AssertionError("some number of days is longer than the span")


def points(start: int, end: int, step: int, *, raw: bool = False) -> int:
    """How many ticks that lie `step` apart, or buckets of that length, the span can have."""
    return -(-(end - start) // step) if raw else (end - 1) // step - start // step + 1
