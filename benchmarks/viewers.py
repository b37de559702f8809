"""Many who watch: 200 WebSocket clients, and 100 open dashboards on Dash's own socket.

The program runs as users run it, with one worker and the recorder; the viewers are a process of
their own on the same cores (`benchmarks.watching`). CPU is what Linux accounts to the web process.
Run `python -m benchmarks.viewers [--seconds 30]`.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.figures import Figure, machine_speed, table
from benchmarks.processes import helper, lateness, serving

VIEWERS, DASHBOARDS = 200, 100


def viewers(seconds: int) -> list[Figure]:
    """Every figure."""
    return [
        *_watched("viewers", f"{VIEWERS} WebSocket viewers", VIEWERS, seconds, 12),
        *_watched("dashboards", f"{DASHBOARDS} open dashboards", DASHBOARDS, seconds, 10),
    ]


def _watched(kind: str, name: str, count: int, seconds: int, share: float) -> list[Figure]:
    with serving() as served:
        with helper("benchmarks.watching", kind, served.port, count, seconds) as watching:
            began, cpu = float(watching.line()), served.cpu_seconds()
            ended = float(watching.line())
            cpu = served.cpu_seconds() - cpu
            found = watching.result()
        late, missed = lateness(served.data, began)
    return [
        Figure(f"{name}: CPU of one core", share, 100 * cpu / (ended - began), "%"),
        Figure(f"{name}: delivery p50", 100, found["p50"], "ms"),
        Figure(f"{name}: delivery p99", 100, found["p99"], "ms"),
        Figure(f"{name}: ticks not delivered of {found['due']}", 0, found["missed"]),
        Figure(f"{name}: a tick on the wire", 50, found["kilobytes"], "kB"),
        Figure(f"{name}: tick lateness p99", 10, late, "ms"),
        Figure(f"{name}: ticks missed", 0, missed),
    ]


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    figures = viewers(parser.parse_args().seconds)
    print(machine_speed(), file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
