"""Compare with sixteen GPUs, live at 1 Hz, one viewer in headless Chromium.

The GPUs are the stand-in for NVIDIA's library, and each has other values every second. CPU is what
Linux accounts to the web process, with everything that it does meanwhile; bytes are those that
come over the WebSocket. Run `python -m benchmarks.compare [--seconds 30]`.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver

from benchmarks.figures import Figure, table
from benchmarks.page import chromium
from benchmarks.processes import cpu_seconds, free_port, recorder_pid, running, wait_for
from tests import nvml_stub
from tests.browser.wire import Wire

_GPUS = 16
_START_SECONDS = 8
_WORLDS = 5
# Every card has its readings, and every chart is drawn.
_SHOWN = """
const cards = [...document.querySelectorAll("#compare-grid > *")];
return cards.length === arguments[0] && document.getElementById("trends").dataset.drawn
  && cards.every((card) => card.querySelector("[data-metric]")?.dataset.value);
"""
# Notes long tasks and each tick that was painted.
_WATCH = """
window.longest = 0;
window.painted = new Set();
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  window.longest = Math.max(window.longest, entry.duration);
})).observe({ type: "longtask" });
const paint = window.compare.paint;
window.compare.paint = (snapshot) => { paint(snapshot); window.painted.add(snapshot.time); };
"""


def compare(seconds: int) -> list[Figure]:
    """Every figure of Compare."""
    if nvml_stub.compiler() is None:
        print(nvml_stub.NO_COMPILER, file=sys.stderr)
        return []
    with _app() as (pid, wire), chromium() as chrome:
        chrome.get(f"http://127.0.0.1:{wire.port}/?mode=compare")
        wait_for(lambda: chrome.execute_script(_SHOWN, _GPUS), 120)
        _pause(_START_SECONDS)
        chrome.execute_script(_WATCH)
        cpu, sent = cpu_seconds(pid), wire.socket_bytes
        wait_for(lambda: _painted(chrome) >= seconds, 4 * seconds)
        ticks = _painted(chrome)
        cpu, sent = cpu_seconds(pid) - cpu, wire.socket_bytes - sent
        longest = chrome.execute_script("return window.longest")
    name = f"Compare, {_GPUS} GPUs"
    return [
        Figure(f"{name}: server CPU of a tick", 15, 1000 * cpu / ticks, "ms"),
        Figure(f"{name}: a tick on the wire", 20, sent / ticks / 1000, "kB"),
        Figure(f"{name}: longest task in {ticks} ticks", 50, longest, "ms"),
    ]


def _painted(chrome: webdriver.Chrome) -> int:
    return int(chrome.execute_script("return window.painted.size"))


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


@contextlib.contextmanager
def _app() -> Iterator[tuple[int, Wire]]:
    """Process of the program with sixteen GPUs that never stand still, and a wire to it."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder, port, done = Path(name), free_port(), threading.Event()
        scenario = sixteen(folder / "scenario.txt")
        variables = scenario.environment(nvml_stub.build(folder))
        options = ["--data", str(folder / "data"), "--gpu-source", "nvml", "--port", str(port)]
        changes = threading.Thread(target=_stir, args=(scenario, done))
        try:
            with running(["app.py", *options], variables) as process:
                wait_for(lambda: recorder_pid(folder / "data"))
                changes.start()
                wire = Wire(port)
                yield process.pid, wire
                wire.close()
        finally:
            done.set()
            if changes.is_alive():
                changes.join()


def sixteen(path: Path) -> nvml_stub.Scenario:
    """Eight H100s twice over."""
    scenario = nvml_stub.Scenario("eight_h100_uneven", path)
    for number in range(_GPUS // 2, _GPUS):
        values = scenario.values(f"gpu {number - _GPUS // 2}")
        uuid, bus = values["uuid"], values["pci_bus_id"]
        scenario.add(
            f"gpu {number}", **{**values, "uuid": f"{uuid[:-2]}ff", "pci_bus_id": f"{bus[:-1]}1"}
        )
    return scenario


def _stir(scenario: nvml_stub.Scenario, done: threading.Event) -> None:
    """Other readings each second; each world is written in one step, as the stand-in reads it."""
    chance = random.Random(1)
    worlds = [_world(scenario, chance) for _ in range(_WORLDS)]
    for world in itertools.cycle(worlds):
        if done.wait(1.0):
            return
        fresh = scenario.path.with_suffix(".fresh")
        fresh.write_text(world)
        fresh.replace(scenario.path)


def _world(scenario: nvml_stub.Scenario, chance: random.Random) -> str:
    for number in range(_GPUS):
        gpu, busy = f"gpu {number}", chance.randint(80, 100)
        scenario.set(gpu, "utilization", f"{busy} {busy // 2}")
        scenario.set(gpu, "temperature", chance.randint(55, 75))
        scenario.set(gpu, "power_mw", chance.randint(550_000, 690_000))
        scenario.set(gpu, "clock_sm", chance.randint(1600, 1800))
    return scenario.path.read_text()


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    figures = compare(parser.parse_args().seconds)
    print(f"On {os.cpu_count()} cores:", file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
