"""Whether there is anything current to export: old values must not pass as new ones."""

from __future__ import annotations

from monitor.api.health import FRESH_INTERVALS, last_tick_age
from monitor.queries.latest import Latest


def is_fresh(latest: Latest) -> bool:
    """Whether the newest tick is at most five intervals old."""
    age, interval = last_tick_age(latest), latest.recorder.get("interval")
    seconds = interval if isinstance(interval, (int, float)) else 1.0
    return age is not None and age <= FRESH_INTERVALS * seconds
