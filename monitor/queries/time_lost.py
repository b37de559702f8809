"""Seconds that a GPU lost to a clock event reason in a span."""

from __future__ import annotations

import math

from monitor.queries.growth import growth
from monitor.queries.series import SAMPLES, Line
from monitor.sources.clock_reasons import ClockReason


def seconds_lost(line: Line | None, reason: ClockReason, start: int, step: int) -> float | None:
    """Since `start` (ms since 1970), of a line with a point each `step` ms; None if not counted.

    Recording may have begun in the first point, whose counter grew from zero then: of that point
    it is no more than the time it stands for.
    """
    if line is None or reason.column is None:
        return None
    lost = growth(line, reason.column)
    if lost is None or line.times[0] + step <= start:
        return lost
    first, mask = line.columns[reason.column][0], line.columns["clock_event_reasons"][0]
    if SAMPLES not in line.columns or math.isnan(first) or math.isnan(mask):
        return lost
    return lost + (min(float(first), step / 1000) if int(mask) & reason.bit else 0.0)
