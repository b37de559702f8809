"""What came to a counter in a span. One that starts anew, as after a restart, is no loss."""

from __future__ import annotations

import numpy as np

from monitor.queries.series import Line
from monitor.storage.buffer import Floats, Int64s


def growths(line: Line, column: str) -> tuple[Int64s, Floats]:
    """(times, growth) of each point of the line at which the counter stands higher than before."""
    values = np.asarray(line.columns[column], np.float64)
    known = ~np.isnan(values)
    steps = np.diff(values[known])
    grown = steps > 0
    return line.times[known][1:][grown], steps[grown]


def growth(line: Line | None, column: str) -> float | None:
    """The sum of it over the line; None where the counter was not read."""
    if line is None or np.isnan(line.columns[column]).all():
        return None
    return float(growths(line, column)[1].sum())
