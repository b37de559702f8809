"""Seconds that GPUs lost to each reason for lower clocks, counted from the mask of each tick."""

from __future__ import annotations

from monitor.sources.base import Row, Value
from monitor.sources.clock_reasons import COUNTED

_COUNTED = [(reason.bit, column) for column, reason in COUNTED.items()]
# In intervals: a tick that was left out is bridged, what is longer is a gap.
_LONGEST = 2.5


class LostTime:
    """Counters by UUID since recording began. They go on through sessions with the driver."""

    def __init__(self, interval: float) -> None:
        self._longest = _LONGEST * interval
        self._counts: dict[str, dict[str, float]] = {}
        self._last: dict[str, float] = {}

    def is_gap(self, before: float | None, now: float) -> bool:
        """Whether what was seen before says nothing of the time since. In seconds."""
        return before is None or now - before > self._longest

    def counted(self, uuid: str, mask: Value, now: float) -> Row:
        """The counters, with the time since the last mask added to those whose bit is set.

        `now` is in seconds. Nothing is added after a gap, and nothing is told without a mask.
        """
        if not isinstance(mask, int):
            return {}
        counts = self._counts.setdefault(uuid, {column: 0.0 for _, column in _COUNTED})
        last = self._last.get(uuid)
        self._last[uuid] = now
        if last is not None and last < now and not self.is_gap(last, now):
            for bit, column in _COUNTED:
                if mask & bit:
                    counts[column] += now - last
        return dict(counts)
