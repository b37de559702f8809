"""Small stand-ins for what comes in through an argument."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.base import DeviceState, Rows, SourceState


class FakeClock:
    """Clocks that a test sets. `step` moves the wall alone; `suspend` what goes on in a sleep."""

    def __init__(self, wall: float) -> None:
        self._wall = wall
        self._monotonic = 1000.0
        self._elapsed = 1000.0

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def elapsed(self) -> float:
        return self._elapsed

    def run(self, seconds: float) -> None:
        self._wall += seconds
        self._monotonic += seconds
        self._elapsed += seconds

    def step(self, seconds: float) -> None:
        self._wall += seconds

    def suspend(self, seconds: float) -> None:
        self._wall += seconds
        self._elapsed += seconds


class FakeSource:
    """One GPU whose power counts the ticks."""

    name = "fake"

    def __init__(self) -> None:
        self.ticks = 0

    def sample(self, monotonic: float) -> Rows:
        self.ticks += 1
        return {"gpu": [{"device": "GPU-1", "index": 0, "power_watts": float(self.ticks)}]}

    def devices(self) -> Sequence[DeviceState]:
        return _DEVICES

    def state(self) -> SourceState:
        return SourceState(self.name, ok=True)

    def close(self) -> None: ...


_DEVICES = (DeviceState("gpu", "GPU-1", facts={"index": 0, "name": "Fake"}),)
