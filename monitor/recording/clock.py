"""The three clocks a recorder needs, as one argument: wall, monotonic, and time since boot."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def wall(self) -> float:
        """Seconds since 1970, UTC. May step."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step and stand still while the machine sleeps."""
        ...

    def elapsed(self) -> float:
        """Seconds that never step and go on while the machine sleeps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC."""
        return time.monotonic()

    def elapsed(self) -> float:
        """CLOCK_BOOTTIME where the system has it."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class PatientClock:
    """Wall time that a step forward cannot hurry: what pruning goes by.

    Never ahead of the wall clock, and never ahead of the time that has really gone by since the
    start. A clock set a day ahead by mistake thus prunes nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.wall()
        self._elapsed = clock.elapsed()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return min(self._clock.wall(), self._wall + self._clock.elapsed() - self._elapsed)
