"""Current values over HTTP: 50 clients without a pause, one worker, while it records.

Asked are `gpu-metrics`, which is answered from bytes, and one GPU of it, which goes the whole way
through FastAPI. The clients share the cores with the server, so its CPU per answer is told too. Run
`python -m benchmarks.requests_per_second [--seconds 20]`.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.figures import Figure, machine_speed, table
from benchmarks.processes import Served, helper, lateness, serving

CLIENTS = 50
_PATH = "/api/v1/system/gpu-metrics"


def requests_per_second(seconds: int) -> list[Figure]:
    """Every figure."""
    with serving() as served:
        return [
            *_asked(served, _PATH, "gpu-metrics", seconds, 1500, 80),
            *_asked(served, f"{_PATH}?gpu=0", "gpu-metrics?gpu=0", seconds, 0, 1000),
        ]


def _asked(
    served: Served, path: str, name: str, seconds: int, least: float, most: float
) -> list[Figure]:
    with helper("benchmarks.asking", path, served.port, CLIENTS, seconds) as asking:
        began, cpu = float(asking.line()), served.cpu_seconds()
        ended = float(asking.line())
        cpu = served.cpu_seconds() - cpu
        found = asking.result()
    late, missed = lateness(served.data, began)
    name = f"{name}, {CLIENTS} clients"
    return [
        Figure(f"{name}: answers a second", least, found["answers"] / (ended - began), "", True),
        Figure(f"{name}: p99", most, found["p99"], "ms"),
        Figure(f"{name}: CPU of an answer", 1, 1000 * cpu / found["answers"], "ms"),
        Figure(f"{name}: answers that are not 200", 0, found["bad"]),
        Figure(f"{name}: tick lateness p99", 10, late, "ms"),
        Figure(f"{name}: ticks missed", 0, missed),
    ]


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    figures = requests_per_second(parser.parse_args().seconds)
    print(machine_speed(), file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
