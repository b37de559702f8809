"""Every figure in one table: `make bench`. Seven minutes or so; run nothing else beside it."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable

from benchmarks.compare import compare
from benchmarks.figures import Figure, table
from benchmarks.history import history
from benchmarks.latency import latency
from benchmarks.page import page
from benchmarks.processes import ROOT
from benchmarks.recorder import alone, slow_pcie
from benchmarks.under_load import under_load


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of each part that takes its time")
    seconds = parser.parse_args().seconds
    parts: dict[str, Callable[[], list[Figure]]] = {
        "the recorder": lambda: alone(seconds),
        "slow PCIe": lambda: slow_pcie(seconds // 2),
        "full load": lambda: under_load(seconds),
        "latency": lambda: latency(seconds // 2),
        "storage": storage,
        "the history": history,
        "the page": page,
        "Compare": lambda: compare(seconds // 2),
    }
    figures: list[Figure] = []
    for name, measure in parts.items():
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        figures += measure()
    print(f"On {os.cpu_count()} cores:", file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
