"""Driving the NVML source through time that passes only when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.sources.base import DeviceState, Row
from monitor.sources.nvml import NvmlSource
from tests.nvml_stub.fixtures import World, within

NOWHERE = Path("/nonexistent")
BEGAN = 1_800_000_000.0
"""What the wall clock shows at 0 s."""


class Ticking:
    """A clock that is a second on at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Drive:
    """A source, and rows by UUID. Ticks end when nothing is under way, hung calls apart.

    `wall` is the clock that the source goes by: it stands at the time of the last tick.
    """

    def __init__(self, source: NvmlSource, wall: list[float]) -> None:
        self.source = source
        self.processes: list[Row] | None = None  # of the last tick, None where it had no such rows
        self._wall = wall

    def tick(self, at: float, *, hangs: bool = False) -> dict[str, Row]:
        """The rows of the tick at `at` seconds."""
        self._wall[0] = BEGAN + at
        sampled = self.source.sample(at)
        rows = sampled["gpu"]
        self.processes = list(sampled["process"]) if "process" in sampled else None
        assert hangs or within(5, lambda: self.source.idle)
        return {str(row["device"]): row for row in rows}

    def run(self, start: int, stop: int) -> dict[str, Row]:
        """The rows of the last tick of some, one a second."""
        rows: dict[str, Row] = {}
        for at in range(start, stop):
            rows = self.tick(float(at))
        return rows

    def state(self, device: str) -> DeviceState:
        """How a device is."""
        return {state.device: state for state in self.source.devices()}[device]

    def names(self) -> set[str]:
        """Every device that the source speaks of."""
        return {state.device for state in self.source.devices()}


@contextmanager
def driving(
    world: World,
    root: Path = NOWHERE,
    clock: Callable[[], float] = lambda: 0.0,
    expected: str = "",
    deadline: float | None = None,
    interval: float = 1.0,
) -> Iterator[Drive]:
    """A source that is closed in the end, and used the library well but for what is `expected`."""
    wall = [BEGAN]
    source = NvmlSource(root, interval, clock=clock, deadline=deadline, wall=lambda: wall[0])
    drive = Drive(source, wall)
    try:
        yield drive
    finally:
        drive.source.close()
        misuse = world.stub.misuse()
    assert {kind for kind, count in misuse.items() if count} == {expected} - {""}


def uuid(index: int) -> str:
    """A GPU of the worlds with eight."""
    return f"GPU-0000000{index}-5f2e-8c41-b7d0-6a1b3c5d7e9f"
