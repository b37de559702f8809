"""The recorder alone: CPU, memory, lateness and missed ticks over real seconds.

Eight stub GPUs through the real pynvml and the full host at 1 Hz. The first seconds, in which it
starts, do not count. CPU is what Linux accounts to the process; lateness is what the recorder
notes of each tick. Run `python -m benchmarks.recorder [--seconds 300] [--pcie-delay 20]`.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, table
from benchmarks.processes import (
    ask,
    cpu_seconds,
    machine,
    recorder_pid,
    resident_mb,
    running,
    wait_for,
)

_START_SECONDS = 10


@dataclass(frozen=True)
class Recording:
    """How a recorder did."""

    cpu_percent: float
    resident_mb: float
    growth_percent: float
    lateness_p50_ms: float
    lateness_p99_ms: float
    missed: int
    ticks: int


@contextlib.contextmanager
def recording(pcie_delay_ms: int = 0) -> Iterator[Path]:
    """A data folder that a recorder of eight GPUs writes to."""
    with (
        machine(pcie_delay_ms) as (data, options, variables),
        running(["-m", "monitor", "record", *options], variables),
    ):
        yield data


def observe(data: Path, seconds: int) -> Recording:
    """The recorder of this folder, watched for some seconds once it has started."""
    pid = wait_for(lambda: recorder_pid(data))
    time.sleep(_START_SECONDS)
    first, began, cpu = time.time(), time.monotonic(), cpu_seconds(pid)
    resident = []
    while time.monotonic() < began + seconds:
        resident.append(resident_mb(pid))
        time.sleep(1)
    cpu_percent = 100 * (cpu_seconds(pid) - cpu) / (time.monotonic() - began)
    rows = ask(
        data,
        "SELECT time, lateness_seconds, missed_count FROM recorder WHERE time >= ? ORDER BY time",
        round(first * 1000),
    )
    times, lateness, _ = np.array(rows, float).T
    half = len(resident) // 2
    return Recording(
        cpu_percent,
        max(resident),
        100 * (np.median(resident[half:]) / np.median(resident[:half]) - 1),
        float(np.quantile(lateness, 0.5) * 1000),
        float(np.quantile(lateness, 0.99) * 1000),
        # Gaps in what was written, whatever the recorder itself has counted.
        round((times[-1] - times[0]) / 1000) + 1 - len(times),
        len(times),
    )


def alone(seconds: int) -> list[Figure]:
    """The recorder by itself."""
    with recording() as data:
        seen = observe(data, seconds)
    return [
        Figure("recorder, CPU of one core", 1, seen.cpu_percent, "%"),
        Figure("recorder, resident memory", 160, seen.resident_mb, "MB"),
        Figure("recorder, its growth from first to second half", 2, seen.growth_percent, "%"),
        Figure("recorder, tick lateness p50", 5, seen.lateness_p50_ms, "ms"),
        Figure("recorder, tick lateness p99", 5, seen.lateness_p99_ms, "ms"),
        Figure(f"recorder, ticks missed of {seen.ticks}", 0, seen.missed),
    ]


def slow_pcie(seconds: int, delay_ms: int = 20) -> list[Figure]:
    """The same with PCIe counters that block."""
    with recording(delay_ms) as data:
        seen = observe(data, seconds)
        took = ask(data, "SELECT tick_seconds FROM recorder")
    name = f"PCIe reads that block {delay_ms} ms"
    return [
        Figure(f"{name}, tick lateness p99", 5, seen.lateness_p99_ms, "ms"),
        Figure(f"{name}, ticks missed of {seen.ticks}", 0, seen.missed),
        Figure(f"{name}, a tick takes p99", 320, 1000 * float(np.quantile(took, 0.99)), "ms"),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--pcie-delay", type=int, default=0, help="ms")
    given = parser.parse_args()
    if given.pcie_delay:
        print(table(slow_pcie(given.seconds, given.pcie_delay)))
    else:
        print(table(alone(given.seconds)))


if __name__ == "__main__":
    main()
