"""A real recorder process for a test, and what it has written."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> object:
    """The first true answer of `condition`; an AssertionError when none comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {condition}")


class RecorderProcess:
    """`python -m monitor record` on a data folder."""

    def __init__(self, data: Path, *options: str, log: Path | None = None) -> None:
        self.data = data
        self._log = open(log or os.devnull, "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "record", "--data", str(data), *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        self._log.close()
        return status


@contextlib.contextmanager
def recording(data: Path, *options: str, log: Path | None = None) -> Iterator[RecorderProcess]:
    """A recorder that is surely gone afterwards."""
    recorder = RecorderProcess(data, *options, log=log)
    try:
        yield recorder
    finally:
        if recorder.process.poll() is None:
            recorder.kill()


def ticks_in_live_db(data: Path, table: str = "recorder") -> list[int]:
    """Times in ms, in order of arrival; empty while there is no such file or table."""
    with contextlib.suppress(sqlite3.Error):
        database = sqlite3.connect(f"file:{data / 'live.db'}?mode=ro", uri=True, timeout=5)
        try:
            return [
                time for (time,) in database.execute(f"SELECT time FROM {table} ORDER BY rowid")
            ]
        finally:
            database.close()
    return []


def newest_in_live_db(data: Path) -> int:
    """The latest tick; 0 while there is none."""
    return max(ticks_in_live_db(data), default=0)


def parquet_files(data: Path, table: str = "*", tier: str = "*") -> list[Path]:
    """Every Parquet file, each of which opens."""
    files = sorted(data.glob(f"{table}/tier={tier}/host=*/*.parquet"))
    for file in files:
        pq.ParquetFile(file).read()
    return files


def rows_in_parquet(data: Path, table: str, tier: str = "1s") -> list[tuple[int, str]]:
    """(time in ms, device) of every row."""
    found: list[tuple[int, str]] = []
    for file in parquet_files(data, table, tier):
        rows = pq.ParquetFile(file).read(columns=["time", "device"])
        times = [round(moment.timestamp() * 1000) for moment in rows.column("time").to_pylist()]
        found += zip(times, rows.column("device").to_pylist(), strict=True)
    return found
