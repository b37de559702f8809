"""The real processes that are measured, and what Linux says of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tests import nvml_stub

ROOT = Path(__file__).parents[1]
GPUS = 8

Answer = TypeVar("Answer")


@contextlib.contextmanager
def machine(pcie_delay_ms: int = 0) -> Iterator[tuple[Path, list[str], dict[str, str]]]:
    """A data folder, and the options and variables that show eight GPUs there.

    They answer through the real pynvml where there is a C compiler, and are simulated elsewhere.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        data = ["--data", str(folder / "data")]
        if nvml_stub.compiler() is None:
            print(f"{nvml_stub.NO_COMPILER} Simulated GPUs are measured.", file=sys.stderr)
            yield folder / "data", [*data, "--gpu-source", "demo"], dict(os.environ)
            return
        scenario = nvml_stub.Scenario("eight_h100_uneven", folder / "scenario.txt")
        for direction in ("tx", "rx") if pcie_delay_ms else ():
            for gpu in range(GPUS):
                scenario.set(f"gpu {gpu}", f"pcie_{direction}_kb.delay_ms", pcie_delay_ms)
        variables = scenario.environment(nvml_stub.build(folder))
        yield folder / "data", [*data, "--gpu-source", "nvml"], variables


@contextlib.contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """`python <command>`, ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(ready: Callable[[], Answer | None], seconds: float = 30.0) -> Answer:
    """The first answer that is true; TimeoutError when none comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ready():
            return answer
        time.sleep(0.005)
    raise TimeoutError(f"nothing after {seconds:.0f} s")


def ask(data: Path, query: str, *values: object) -> list[tuple[float, ...]]:
    """Rows of live.db; none while there is no such file or table."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{data / 'live.db'}?mode=ro", uri=True, timeout=5)
        ) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


def recorder_pid(data: Path) -> int | None:
    """The process that records into the folder, once it has recorded something."""
    if not ask(data, "SELECT time FROM recorder LIMIT 1"):
        return None
    rows = ask(data, "SELECT json_extract(value, '$.pid') FROM notes WHERE name = 'recorder'")
    return int(rows[0][0]) if rows else None


def cpu_seconds(pid: int) -> float:
    """CPU time used so far, in user code and the kernel, by all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory, in MB of a million bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Served:
    """The whole program with eight GPUs, which record."""

    port: int
    pid: int
    data: Path

    def cpu_seconds(self) -> float:
        """CPU time that its web process has used."""
        return cpu_seconds(self.pid)

    def resident_mb(self) -> float:
        """Memory of its web process."""
        return resident_mb(self.pid)


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    """`python app.py`, once it has recorded something."""
    port = free_port()
    with (
        machine() as (data, options, variables),
        running(["app.py", "--port", str(port), *options], variables) as process,
    ):
        wait_for(lambda: recorder_pid(data))
        yield Served(port, process.pid, data)


class Helper:
    """A process that makes the load, and says on its lines what it does and saw."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout
        return self._process.stdout.readline()

    def result(self) -> dict[str, Any]:
        """The line that is JSON."""
        found: dict[str, Any] = json.loads(self.line())
        return found


@contextlib.contextmanager
def helper(module: str, *arguments: object) -> Iterator[Helper]:
    """`python -m module arguments`, ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Helper(process)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout:
            process.stdout.close()


def lateness(data: Path, since: float) -> tuple[float, int]:
    """p99 of how late ticks were since then, in ms, and how many are missing."""
    rows = ask(
        data, "SELECT time, lateness_seconds FROM recorder WHERE time >= ?", round(1000 * since)
    )
    times, late = np.array(rows, float).T
    missed = round((times.max() - times.min()) / 1000) + 1 - len(times)
    return 1000 * float(np.quantile(late, 0.99)), missed
