"""Threads for calls that may hang: each holds up itself alone, and none is waited for long."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


class Lane:
    """A daemon thread that does one job at a time. Its owner alone calls `start` and `stop`."""

    def __init__(self, name: str) -> None:
        self.busy_since: float | None = None
        self._name = name
        self._thread: threading.Thread | None = None
        self._job: Callable[[], None] | None = None
        self._done: Callable[[], None] = _nothing
        # Held while there is nothing to do: cheaper to wake by than a condition.
        self._idle = threading.Lock()
        self._idle.acquire()

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self.busy_since is not None

    def start(
        self, job: Callable[[], None], now: float, done: Callable[[], None] = _nothing
    ) -> bool:
        """Begin `job`, then call `done`. False, and nothing begun, while the last one goes on."""
        if self.busy_since is not None:
            return False
        self.busy_since, self._job, self._done = now, job, done
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._idle.release()
        return True

    def stop(self) -> None:
        """Let the thread end, unless its job never does."""
        if self._thread is not None and self.busy_since is None:
            self._thread, self._job = None, None
            self._idle.release()

    def _work(self) -> None:
        while True:
            self._idle.acquire()
            job, done = self._job, self._done
            if job is None:
                return
            try:
                job()
            except Exception:
                log.exception("%s: a reading failed in a way no one foresaw.", self._name)
            self.busy_since = None
            done()


class Countdown:
    """Opens when `count` jobs are done. A job that is late counts down what no one awaits now."""

    def __init__(self, count: int) -> None:
        self._left = itertools.count(count - 1, -1)
        self._closed = threading.Lock()
        if count:
            self._closed.acquire()

    def done(self) -> None:
        """One more is done."""
        if next(self._left) == 0:
            self._closed.release()

    def wait(self, seconds: float) -> bool:
        """Whether all were done within `seconds`."""
        if opened := self._closed.acquire(timeout=max(0.0, seconds)):
            self._closed.release()
        return opened
