"""One tick: read every source, and hand the rows to live.db and the buffers."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from monitor.recording.clock import Clock
from monitor.sources.base import Row, Rows, Source, SourceState

log = logging.getLogger(__name__)

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Wall clocks are slewed by NTP: a tick may be read a little before its second by this clock.
_EARLY = 0.05


class Sink(Protocol):
    """Where ticks go. No call raises."""

    def newest(self) -> int:
        """No tick recorded is later (ms since 1970); 0 before the first."""
        ...

    def covers(self, time: int) -> bool:
        """Whether the tick at `time` (ms since 1970) is recorded already."""
        ...

    def add(self, time: int, rows: Rows) -> None:
        """Take the rows of a tick."""
        ...


class Sampler:
    """Reads the sources on each tick. `tick` is called from one thread at a time."""

    def __init__(
        self,
        sources: Sequence[Source],
        sink: Sink,
        interval: float,
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.missed = 0
        self.clock_message = ""
        self._sources = sources
        self._sink = sink
        self._interval = interval
        self._clock = clock
        self._on_change = on_change
        self._last_tick: int | None = None
        self._last_due = (0, 0.0, 0.0)  # tick, wall clock, monotonic clock
        self._last_cpu = (clock.monotonic(), _cpu_seconds())
        self._states: list[SourceState] = []

    def states(self) -> list[SourceState]:
        """How each source is."""
        return [source.state() for source in self._sources]

    def tick(self) -> None:
        """Read and record the tick that is due now."""
        wall, began = self._clock.wall(), self._clock.monotonic()
        steps = math.floor(wall / self._interval + _EARLY)
        time = round(steps * self._interval * 1000)
        self._count_missed(time, wall, began)
        if self._repeats(time):
            return
        rows: dict[str, Sequence[Row]] = {}
        for source in self._sources:
            rows.update(source.sample(began))
        rows["recorder"] = [self._own_row(wall, time, began)]
        self._sink.add(time, rows)
        self._last_tick = time
        self._tell_states()

    def _count_missed(self, time: int, wall: float, now: float) -> None:
        if self._last_tick is not None:
            tick, wall_then, then = self._last_due
            steps = (time - tick) / 1000 / self._interval
            if abs((wall - wall_then) - (now - then)) > self._interval / 2:
                # The wall clock was set, or the machine slept: neither skips a tick.
                steps = (now - then) / self._interval
            self.missed += max(0, round(steps) - 1)
        self._last_due = time, wall, now

    def _repeats(self, time: int) -> bool:
        """Whether this second was recorded before: after a step back, or as the last was late."""
        repeats = time == self._last_tick or self._sink.covers(time)
        set_back = repeats and time < self._sink.newest()
        message = "The clock was set back; this time is recorded already." if set_back else ""
        if message != self.clock_message:
            self.clock_message = message
            if message:
                log.warning("%s Recording goes on past it.", message)
            self._on_change()
        return repeats

    def _own_row(self, wall: float, time: int, began: float) -> Row:
        now, cpu = self._clock.monotonic(), _cpu_seconds()
        last, last_cpu = self._last_cpu
        self._last_cpu = (now, cpu)
        return {
            "device": "host",
            "cpu_percent": 100 * (cpu - last_cpu) / (now - last) if now > last else None,
            "memory_bytes": _resident_bytes(),
            "tick_seconds": now - began,
            "lateness_seconds": max(0.0, wall - time / 1000),
            "missed_count": self.missed,
        }

    def _tell_states(self) -> None:
        states = self.states()
        if states != self._states:
            self._states = states
            self._on_change()


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return None
