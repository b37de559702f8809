"""Readings that may take long or for ever, kept away from the tick."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SlowReading(Generic[T]):
    """Asks in a daemon thread, every `every` seconds; a tick takes the latest answer and goes on.

    A question without an answer, as to a dead file server, blocks that thread alone. The first
    question is asked at once. `ask` may raise OSError or ValueError: then there is no answer.
    """

    def __init__(self, name: str, ask: Callable[[], T], every: float) -> None:
        self._ask = ask
        self._every = every
        self._answer: T | None = None
        self._asked_at = math.nan
        self._due = threading.Event()
        self._answered = threading.Event()
        self._closed = False
        self._due.set()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def latest(self, now: float) -> T | None:
        """The last answer; None before the first, and once a question stays open too long."""
        if math.isnan(self._asked_at):
            self._asked_at = now
        elif now - self._asked_at >= self._every and self._answered.is_set():
            self._asked_at = now
            self._answered.clear()
            self._due.set()
        return self._answer if now - self._asked_at < 2 * self._every else None

    def wait(self, seconds: float) -> bool:
        """Whether the question last asked has its answer, at the latest after `seconds`."""
        return self._answered.wait(max(0.0, seconds))

    def close(self) -> None:
        """Let the thread end when it can. Never waits."""
        self._closed = True
        self._due.set()

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._closed:
                return
            self._due.clear()
            try:
                self._answer = self._ask()
            except (OSError, ValueError):
                self._answer = None
            self._answered.set()
