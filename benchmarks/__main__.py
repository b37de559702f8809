"""Every figure in one table: `make bench`. Ten minutes or so; run nothing else beside it."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable

from benchmarks.compare import compare
from benchmarks.crowd import crowd
from benchmarks.figures import Figure, machine_speed, table
from benchmarks.first_load import first_load
from benchmarks.gpu_rivals import gpu_rivals
from benchmarks.gpu_tick import gpu_tick
from benchmarks.history import history
from benchmarks.latency import latency
from benchmarks.page import page
from benchmarks.process_table import process_table
from benchmarks.processes import ROOT
from benchmarks.prometheus import prometheus
from benchmarks.recorder import alone, slow_pcie
from benchmarks.requests_per_second import requests_per_second
from benchmarks.under_load import under_load
from benchmarks.viewers import viewers


def storage() -> list[Figure]:
    """What `benchmarks.storage` prints, beside what must be reached."""
    printed = subprocess.run(
        [sys.executable, "-m", "benchmarks.storage"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    eight = "8 GPUs and the host"
    return [
        _found("closed hour file, a sample", 0.6, "bytes", r"this .* ([\d.]+) bytes a s", printed),
        _found(
            "flush and roll-up, hour full", 150, "ms", rf"flush, {eight}: full hour (\d+)", printed
        ),
        _found(
            "flush that closes the hour", 150, "ms", rf"flush, {eight}.*closing it (\d+)", printed
        ),
        _found("recovery of an hour", 500, "ms", rf"db, {eight}.*flush it (\d+)", printed),
    ]


def _found(what: str, limit: float, unit: str, pattern: str, text: str) -> Figure:
    found = re.search(pattern, text)
    return Figure(what, limit, float(found[1]) if found else None, unit)


def main() -> int:
    """Print the table; exit status 1 where a figure is not reached."""
    parts: dict[str, Callable[[int], list[Figure]]] = {
        "the recorder": alone,
        "slow PCIe": lambda seconds: slow_pcie(seconds // 2),
        "many GPUs": lambda _: gpu_tick(100),
        "nvitop and gpustat": gpu_rivals,
        "full load": under_load,
        "latency": lambda seconds: latency(seconds // 2),
        "storage": lambda _: storage(),
        "the history": lambda _: history(),
        "the page": lambda _: page(),
        "the table of processes": lambda _: process_table(),
        "Prometheus": lambda _: prometheus(),
        "Compare": lambda seconds: compare(seconds // 2),
        "viewers": lambda seconds: viewers(seconds // 2),
        "requests": lambda seconds: requests_per_second(seconds // 3),
        "a rude crowd": crowd,
        "first load": lambda _: first_load(),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of each part that takes its time")
    parser.add_argument("--only", action="append", choices=parts, help="a part; may come again")
    given = parser.parse_args()
    figures: list[Figure] = []
    for name in given.only or parts:
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        figures += parts[name](given.seconds)
    print(f"On {os.cpu_count()} cores. {machine_speed()}", file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
