"""The recorder while 20 clients keep its web process, and the machine, as busy as they can.

The whole program runs as users run it; the clients are a process of their own on the same cores.
Run `python -m benchmarks.under_load [--seconds 60]`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.figures import Figure, table
from benchmarks.processes import ROOT, free_port, machine, recorder_pid, running, wait_for
from benchmarks.recorder import observe

_CLIENTS = 20


def under_load(seconds: int) -> list[Figure]:
    """Lateness and missed ticks under full load."""
    port = free_port()
    # Longer than what is observed, which begins ten seconds late.
    load = [*("-m", "benchmarks.clients"), *map(str, (port, _CLIENTS, seconds + 12))]
    with (
        machine() as (data, options, variables),
        running(["app.py", "--port", str(port), *options], variables),
    ):
        wait_for(lambda: recorder_pid(data))
        clients = subprocess.Popen(
            [sys.executable, *load], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        seen = observe(data, seconds)
        answers = int(clients.communicate()[0])
    name = f"{_CLIENTS} clients, {answers / (seconds + 12):.0f} answers a second"
    return [
        Figure(f"{name}: tick lateness p50", 10, seen.lateness_p50_ms, "ms"),
        Figure(f"{name}: tick lateness p99", 10, seen.lateness_p99_ms, "ms"),
        Figure(f"{name}: ticks missed of {seen.ticks}", 0, seen.missed),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    print(table(under_load(parser.parse_args().seconds)))


if __name__ == "__main__":
    main()
