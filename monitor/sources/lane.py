"""Threads for calls that may hang: each holds up itself alone, and none is waited for long."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


def _run(job: Callable[[], None], name: str) -> None:
    try:
        job()
    except Exception:
        log.exception("%s: a reading failed in a way no one foresaw.", name)


class Lane:
    """A daemon thread that does one job at a time. Its owner alone calls `start`."""

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
        """Let the thread end, unless its job never does. From any thread, also from two at once."""
        if self.busy_since is not None:
            return
        thread, self._thread = self._thread, None
        if thread is not None:
            self._job = None
            with contextlib.suppress(RuntimeError):  # the other one has released it
                self._idle.release()

    def _work(self) -> None:
        while True:
            self._idle.acquire()
            job, done = self._job, self._done
            if job is None:
                return
            _run(job, self._name)
            self.busy_since = None
            done()


class Crew:
    """Threads that share a queue of jobs: one as a rule, one more whenever those at work stall.

    One thread does eight short jobs with a fifth of the CPU time of eight threads, which would
    hand the interpreter lock to and fro at each call.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lanes: list[Lane] = []
        self._queue: deque[Callable[[], None]] = deque()

    def add(self, job: Callable[[], None]) -> None:
        """Queue a job. A thread takes it at the next `reinforce`, if none does before."""
        self._queue.append(job)

    def reinforce(self, now: float) -> None:
        """Put one more thread to work, if a job waits."""
        if not self._queue:
            return
        idle = next((lane for lane in self._lanes if not lane.busy), None)
        if idle is None:
            idle = Lane(f"{self._name}-{len(self._lanes)}")
            self._lanes.append(idle)
        idle.start(self._work, now)

    def withdraw(self) -> list[Callable[[], None]]:
        """Take back the jobs that no thread has begun."""
        taken = []
        with contextlib.suppress(IndexError):
            while True:  # one by one: a thread may take the next
                taken.append(self._queue.popleft())
        return taken

    def stop(self) -> None:
        """Let the threads end that are idle."""
        for lane in self._lanes:
            lane.stop()

    def _work(self) -> None:
        while True:
            try:
                job = self._queue.popleft()
            except IndexError:
                return
            _run(job, self._name)


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
