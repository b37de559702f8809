"""One process holds the lock, and any death lets go of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.recording.lock import AlreadyRecording, acquire, is_held, wait_until_free

HOLDER = """
import sys
from pathlib import Path
from monitor.recording.lock import acquire
lock = acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recorder.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_it_is_held_from_acquire_to_release(path: Path) -> None:
    assert not is_held(path)
    lock = acquire(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)


def test_who_comes_second_is_told_which_lock(path: Path, holder: subprocess.Popen[bytes]) -> None:
    assert is_held(path)
    with pytest.raises(AlreadyRecording, match=r"another process holds .*recorder\.lock"):
        acquire(path, patience=0.05)


def test_a_killed_holder_lets_go(path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()
    assert not is_held(path)
    acquire(path, patience=0).release()


def test_patience_outlasts_a_look(path: Path) -> None:
    looking = acquire(path)
    threading.Timer(0.1, looking.release).start()
    acquire(path).release()


def test_waiting_ends_when_the_holder_does(path: Path, holder: subprocess.Popen[bytes]) -> None:
    assert not wait_until_free(path, 0.05)
    threading.Timer(0.1, holder.stdin.close).start()
    began = time.monotonic()
    assert wait_until_free(path, 10)
    assert time.monotonic() - began >= 0.1
