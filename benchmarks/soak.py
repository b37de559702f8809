"""A day of ticks as fast as they go: memory and open files must stay as they were.

86,400 ticks of eight simulated GPUs and this host through the real Sampler and Store, by a clock
that a tick moves on by a second. Run `python -m benchmarks.soak [--ticks 86400]`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, table
from benchmarks.processes import resident_mb
from monitor.recording.sampler import Sampler
from monitor.settings import Settings
from monitor.sources.demo import DemoSource
from monitor.sources.host import HostSource
from monitor.storage.store import Store

_START = 1_795_478_400  # midnight, UTC
_HOUR, _MINUTE, _PRUNE = 3600, 60, 300


class DrivenClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0

    def wall(self) -> float:
        """Seconds since 1970."""
        return float(_START + self.seconds)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return float(self.seconds)

    elapsed = monotonic


def soak(ticks: int) -> list[Figure]:
    """Memory and open files at the end, beside those after the first hour."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return _soak(ticks, Settings(data=str(Path(folder) / "data")))


def _soak(ticks: int, settings: Settings) -> list[Figure]:
    clock = DrivenClock()
    store = Store(settings, clock)
    sources = (DemoSource(wall=clock.wall), HostSource())
    sampler = Sampler(sources, store, 1.0, clock)
    after_hour = (0.0, 0)
    began = time.perf_counter()
    for second in range(1, ticks + 1):
        clock.seconds = second
        sampler.tick()
        if second % _MINUTE == 0:
            store.flush()
        if second % _PRUNE == 0:
            store.prune(clock.wall())
        if second == _HOUR:
            after_hour = _standing()
        if second % _HOUR == 0:
            memory, files = _standing()
            print(f"hour {second // _HOUR:2}: {memory:.1f} MB, {files} files", file=sys.stderr)
    memory, files = _standing()
    took = time.perf_counter() - began
    store.close()
    for source in sources:
        source.close()
    return [
        Figure(f"{ticks:,} ticks, memory at the end", 110, 100 * memory / after_hour[0], "%"),
        Figure("open files more than after an hour", 0, files - after_hour[1]),
        Figure("ticks missed", 0, sampler.missed),
        Figure("a tick with its share of flushes", 10, 1000 * took / ticks, "ms"),
    ]


def _standing() -> tuple[float, int]:
    return resident_mb(os.getpid()), len(list(Path("/proc/self/fd").iterdir()))


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=86_400)
    figures = soak(parser.parse_args().ticks)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
