"""What a tick of 1, 8 and 16 GPUs takes that answer every column: the reading, and all of it.

The GPUs are those of the NVML stub, read through the real pynvml in this process; the whole tick
is that of the sampler, with the host and into live.db. CPU is what the process takes from one tick
to the next, so the readings beside the ticks (PCIe, NVLink, fans) are in it. A tick comes every
0.1 s and is told that a second has passed. Run `python -m benchmarks.gpu_tick [--ticks 100]`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, table
from benchmarks.history_figures import beside
from benchmarks.stub_gpus import some_gpus
from monitor.recording.sampler import Sampler
from monitor.settings import Settings
from monitor.sources.host import HostSource
from monitor.sources.nvml import NvmlSource
from monitor.storage.store import Store
from tests import nvml_stub

_COUNTS = (1, 8, 16)
_WALL_MS, _CPU_MS, _CALLS = 25, 20, 20
_PAUSE_SECONDS = 0.1
# The first ticks open the driver, and find out what it does not know.
_WARM_UP = 5


@dataclass(frozen=True)
class Taken:
    """Milliseconds: of the tick, and of CPU until the next."""

    wall: tuple[float, float]
    cpu: tuple[float, float]


class Seconds:
    """A clock that goes a second further whenever it is told to."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def wall(self) -> float:
        """Seconds since 1970."""
        return self.now

    monotonic = elapsed = wall


def gpu_tick(ticks: int) -> list[Figure]:
    """Wall and CPU time of a tick, and how many calls of NVML it makes."""
    if nvml_stub.compiler() is None:
        print(nvml_stub.NO_COMPILER, file=sys.stderr)
        return [Figure("a tick of 16 GPUs", _WALL_MS, None, "ms")]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as made:
        folder = Path(made)
        stub = nvml_stub.load(nvml_stub.build(folder))
        for count in _COUNTS:
            name = f"{count} GPU{'s' if count > 1 else ''}"
            stub.use(some_gpus(count, folder / f"{count}.txt"))
            with _nvml() as gpus:
                figures += _figures(f"{name}, read", _taken(gpus.sample, ticks))
                calls = _calls(stub, gpus) / count
                figures.append(Figure(f"{name}, NVML calls per GPU and tick", _CALLS, calls))
            with _sampler(folder / str(count)) as tick:
                limits = (_WALL_MS, _CPU_MS) if count == max(_COUNTS) else None
                figures += _figures(f"{name}, whole tick", _taken(tick, ticks), limits)
    return figures


@contextlib.contextmanager
def _nvml() -> Iterator[NvmlSource]:
    source = NvmlSource(Path("/"))
    try:
        yield source
    finally:
        source.close()


@contextlib.contextmanager
def _sampler(data: Path) -> Iterator[Callable[[float], None]]:
    """A call that records the tick of that second."""
    data.mkdir()
    clock = Seconds()
    store = Store(Settings(data=str(data)), clock)
    with _nvml() as gpus:
        host = HostSource()
        sampler = Sampler((gpus, host), store, 1.0, clock)

        def tick(at: float) -> None:
            clock.now = float(int(clock.now) + 1)
            sampler.tick()

        yield tick
        host.close()
    store.close()


def _taken(tick: Callable[[float], object], ticks: int) -> Taken:
    walls, cpus = [], []
    for at in range(_WARM_UP + ticks):
        cpu, wall = time.process_time(), time.perf_counter()
        tick(float(at))
        walls.append(time.perf_counter() - wall)
        time.sleep(_PAUSE_SECONDS)
        cpus.append(time.process_time() - cpu)
    return Taken(_middle_and_worst(walls), _middle_and_worst(cpus))


def _middle_and_worst(seconds: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, ms."""
    median, worst = np.quantile(seconds[_WARM_UP:], (0.5, 0.99)) * 1000
    return float(median), float(worst)


def _figures(what: str, taken: Taken, limits: tuple[float, float] | None = None) -> list[Figure]:
    figures = []
    for kind, (median, worst), limit in zip(
        ("wall", "CPU"), (taken.wall, taken.cpu), limits or (None, None), strict=True
    ):
        for name, measured in ((f"{kind} p50", median), (f"{kind} p99", worst)):
            whole = f"{what}, {name}"
            figure = beside(whole, measured, "ms")
            figures.append(figure if limit is None else Figure(whole, limit, measured, "ms"))
    return figures


def _calls(stub: nvml_stub.Stub, gpus: NvmlSource) -> int:
    """Of a tick that comes too early for what is read beside it once a second."""
    gpus.sample(1000.0)
    while not gpus.idle:
        time.sleep(0.001)
    with stub.listening() as asked:
        gpus.sample(1000.1)
    return sum(
        each.times
        for each in asked
        # Of a GPU; and of the tick, not of the lists of processes that are read beside it.
        if each.place >= 0 and each.function.startswith("nvml") and "Process" not in each.function
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=100)
    print(table(gpu_tick(parser.parse_args().ticks)))


if __name__ == "__main__":
    main()
