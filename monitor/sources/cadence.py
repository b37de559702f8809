"""When a table that is read less often than each tick is read, and when its rows are recorded."""

from __future__ import annotations

import math

# Ticks may begin a little before their second by the wall clock.
_EARLY = 0.05


class Cadence:
    """Rows go with the first tick in each `every` seconds of the wall clock.

    That is each tick where the interval is longer. They are read beside the tick before, so that
    no tick waits for them.
    """

    def __init__(self, every: float, interval: float) -> None:
        self._every = every
        self._interval = interval
        self._begun = False
        self._shown: int | None = None

    @property
    def seconds(self) -> float:
        """From one reading to the next."""
        return max(self._every, self._interval)

    def shows(self, wall: float) -> bool:
        """Whether the tick at `wall` has the rows; asked once a tick, before `reads`."""
        span = self._span(wall)
        if not self._begun or span == self._shown:
            return False
        self._shown = span
        return True

    def reads(self, wall: float) -> bool:
        """Whether to begin a reading beside the tick at `wall`."""
        due = not self._begun or self._span(wall + self._interval) != self._span(wall)
        self._begun = True
        return due

    def _span(self, wall: float) -> int:
        return math.floor((wall + _EARLY) / self._every)
