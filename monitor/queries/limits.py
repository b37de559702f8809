"""Where a metric is full, and where it warns, for one device."""

from __future__ import annotations

from collections.abc import Mapping

from monitor import units
from monitor.metrics import Metric
from monitor.sources.base import Row


def full_scale(metric: Metric, row: Row, facts: Mapping[str, object]) -> float | None:
    """Where the metric's bar is full for this row, None where nothing says."""
    if metric.unit is units.PERCENT:
        return 100.0
    if isinstance(metric.full, str):
        of_row: object = row.get(metric.full)
        full = facts.get(metric.full) if of_row is None else of_row
        return float(full) if isinstance(full, (int, float)) else None
    return metric.full


def warning(metric: Metric, row: Row, facts: Mapping[str, object]) -> float | None:
    """The value, in its unit, from which on it warns; None where it never does."""
    if metric.warn_at is None:
        return None
    limit = metric.warn_at.of(facts)
    if not metric.warn_at.share:
        return limit
    full = full_scale(metric, row, facts)
    return limit / 100 * full if full else None
