"""Who records when processes die: there is always one recorder, and never two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.recording.lock import is_held
from monitor.storage.journal import Journal
from tests.faults.apps import WebProcess
from tests.faults.recorders import ROOT, recording, rows_in_parquet, ticks_in_live_db, wait_for

OPTIONS = ("--gpu-source", "demo")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Callable[[], WebProcess]]:
    started: list[WebProcess] = []

    def start() -> WebProcess:
        started.append(WebProcess(tmp_path, *OPTIONS))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def noted_pid(data: Path) -> int:
    """The recorder that live.db names."""
    try:
        journal = Journal(data / "live.db", readonly=True)
    except Exception:  # noqa: BLE001 - not there yet, in whatever way
        return 0
    try:
        return int(str(journal.note("recorder").get("pid", 0)))
    finally:
        journal.close()


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_recorder_is_replaced_at_once(
    tmp_path: Path, web: Callable[[], WebProcess]
) -> None:
    began = time.monotonic()
    web()
    wait_for(lambda: ticks_in_live_db(tmp_path))
    start = time.monotonic() - began
    first = wait_for(lambda: len(ticks_in_live_db(tmp_path)) > 2 and noted_pid(tmp_path))
    os.kill(int(first), signal.SIGKILL)
    killed = time.monotonic()
    second = wait_for(lambda: (pid := noted_pid(tmp_path)) != first and pid)
    took = time.monotonic() - killed
    # Most of it is the new one's own start; test_supervisor.py has the rest.
    assert took < 2 * start, took
    assert alive(int(second))
    count = len(ticks_in_live_db(tmp_path))
    wait_for(lambda: len(ticks_in_live_db(tmp_path)) > count + 1)
    ticks = ticks_in_live_db(tmp_path)
    assert len(ticks) == len(set(ticks))


def test_when_the_owner_dies_the_other_web_process_takes_over(
    tmp_path: Path, web: Callable[[], WebProcess]
) -> None:
    owner = web()
    first = wait_for(lambda: ticks_in_live_db(tmp_path) and noted_pid(tmp_path))
    web()
    assert noted_pid(tmp_path) == first
    owner.kill()
    second = wait_for(lambda: (pid := noted_pid(tmp_path)) != first and pid)
    wait_for(lambda: not alive(int(first)))
    assert alive(int(second))


def test_a_recorder_flushes_and_ends_with_its_web_process(
    tmp_path: Path, web: Callable[[], WebProcess]
) -> None:
    process = web()
    pid = wait_for(lambda: len(ticks_in_live_db(tmp_path)) > 2 and noted_pid(tmp_path))
    process.kill()
    wait_for(lambda: not alive(int(pid)))
    assert not is_held(tmp_path / "recorder.lock")
    ticks = ticks_in_live_db(tmp_path)
    assert set(ticks) == {tick for tick, _ in rows_in_parquet(tmp_path, "recorder")}


def test_a_recorder_by_hand_stays_and_the_web_process_follows_it(
    tmp_path: Path, web: Callable[[], WebProcess]
) -> None:
    with recording(tmp_path, *OPTIONS) as recorder:
        wait_for(lambda: ticks_in_live_db(tmp_path))
        process = web()
        assert noted_pid(tmp_path) == recorder.process.pid
        process.stop()
        count = len(ticks_in_live_db(tmp_path))
        wait_for(lambda: len(ticks_in_live_db(tmp_path)) > count + 1)
        assert recorder.stop() == 0


def test_a_second_recorder_says_so_and_ends(tmp_path: Path) -> None:
    with recording(tmp_path, *OPTIONS) as recorder:
        wait_for(lambda: ticks_in_live_db(tmp_path))
        second = subprocess.run(
            [sys.executable, "-m", "monitor", "record", "--data", str(tmp_path), *OPTIONS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert "lready recording" in second.stderr
        assert second.stderr.count("\n") == 1
        assert noted_pid(tmp_path) == recorder.process.pid
        assert recorder.stop() == 0
    ticks = ticks_in_live_db(tmp_path)
    assert len(ticks) == len(set(ticks))
