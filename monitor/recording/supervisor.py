"""In a web process: starts a recorder when nobody records, watches it, starts another."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from monitor.recording.lock import is_held, owned
from monitor.settings import SECRET_VARIABLES

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1
# Its own recorder, while it lives: each look costs a tenth of a millisecond.
_LIVING_SECONDS = 0.3
# gunicorn tells all its old workers at once to retire: none of them is to follow another.
_RETIRING_SECONDS = 0.5
# A recorder that ends this soon did not start properly; the next try waits longer and longer.
_SHORT_LIFE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 30.0


class Supervisor:
    """Keeps one recorder going per data folder, whichever web process owns it.

    The recorder's standard input is a pipe from here: when this process dies, however it dies,
    the recorder reads its end, flushes, and ends. Whoever has the turn, a lock beside the
    recorder's, owns the recorder: when it retires or dies, the next to have the turn starts a
    recorder, which loads its libraries while the one before still records or ends.
    """

    def __init__(self, lock: Path, command: Sequence[str]) -> None:
        self._lock = lock
        self._turn = FileLock(lock.with_suffix(".starting"), thread_local=False)
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._complained = ""
        self._stop = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    @property
    def owned_pid(self) -> int | None:
        """The recorder that this process started, None where another process owns it."""
        child = self._child
        return child.pid if child and child.poll() is None else None

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def retire(self) -> None:
        """Start no recorder any more. One that this process started goes on until `stop`.

        Another web process has its turn from now on: its recorder waits for that one to end.
        """
        self._stop.set()

    def stop(self, patience: float = 10.0) -> None:
        """End the recorder that this process started, after it has flushed."""
        self._stop.set()
        self._ending.set()
        # It has not been started where another program records (--no-record).
        if self._thread.is_alive():
            self._thread.join()
        if self._child is None:
            return
        if self._child.stdin:
            self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            log.warning("The recorder did not end within %.0f s and was killed.", patience)
            self._child.kill()
            self._child.wait()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
                self._complained = ""
            except OSError as error:  # no memory for a process, no such folder
                self._turn.release(force=True)
                if str(error) != self._complained:
                    self._complained = str(error)
                    log.warning("A recorder cannot be started now: %s.", error)
            self._stop.wait(_LOOK_SECONDS if self._child is None else _LIVING_SECONDS)
        self._ending.wait(_RETIRING_SECONDS)
        self._turn.release(force=True)

    def _look(self) -> None:
        if self._child is not None:
            status = self._child.poll()
            if status is None:
                return
            self._buried(status)
        if self._pause_over() and self._takes_turn():
            self._started = time.monotonic()
            # What a token is for, the recorder has no part in.
            kept = {name: os.environ[name] for name in os.environ if name not in SECRET_VARIABLES}
            self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=kept)

    def _takes_turn(self) -> bool:
        """Whether no other web process has it, and nobody records who will go on to.

        Whoever looks holds the lock for an instant: it would seem to be held to others that look.
        """
        try:
            self._turn.acquire(timeout=0)
        except Timeout:
            return False
        if is_held(self._lock) and not is_held(owned(self._lock)):
            self._turn.release(force=True)
            return False
        return True

    def _buried(self, status: int) -> None:
        assert self._child is not None
        lived = time.monotonic() - self._started
        self._failures = self._failures + 1 if lived < _SHORT_LIFE_SECONDS else 0
        # It ends well when another has been quicker to take the lock.
        level = logging.WARNING if status else logging.DEBUG
        log.log(level, "The recorder (pid %d) %s.", self._child.pid, _how_it_ended(status))
        if self._child.stdin:
            self._child.stdin.close()
        self._child = None
        self._turn.release(force=True)

    def _pause_over(self) -> bool:
        pause = (
            min(_LONGEST_PAUSE_SECONDS, 2.0 ** (self._failures - 2)) if self._failures > 1 else 0
        )
        return time.monotonic() - self._started >= pause


def record_command(arguments: Sequence[str]) -> list[str]:
    """How a web process starts a recorder that ends with it."""
    return [sys.executable, "-m", "monitor", "record", "--until-stdin-closes", *arguments]


def _how_it_ended(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
