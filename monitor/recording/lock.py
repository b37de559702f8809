"""One recorder per data folder and host: whoever holds `recorder.lock`. Released by any death."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


class AlreadyRecording(RuntimeError):
    """Another process holds the lock."""


def acquire(
    path: Path, patience: float = 0.5, given_up: Callable[[], bool] = lambda: False
) -> FileLock:
    """Hold the lock until the process ends; AlreadyRecording when another keeps it.

    `patience` outlasts the instant in which a web process looks whether the lock is held. Once it
    is `given_up`, it is waited for no longer.
    """
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=patience, poll_interval=0.02, cancel_check=given_up)
    except Timeout:
        raise AlreadyRecording(f"already recording: another process holds {path}") from None
    return lock


def is_held(path: Path) -> bool:
    """Whether some process records into this folder now."""
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def owned(path: Path) -> Path:
    """The lock held beside it by a recorder that ends with the web process that started it."""
    return path.with_suffix(".owned")


def wait_until_free(path: Path, patience: float) -> bool:
    """True as soon as nobody holds the lock, False after `patience` seconds."""
    deadline = time.monotonic() + patience
    while is_held(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
