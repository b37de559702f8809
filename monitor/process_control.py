"""Signals to processes: only to this user's own, and never to another that got the same id."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping
from contextlib import closing
from typing import Literal

from monitor.sources.processes import running

Action = Literal["pause", "resume", "terminate", "kill"]

SIGNALS: Mapping[Action, signal.Signals] = {
    "pause": signal.SIGSTOP,
    "resume": signal.SIGCONT,
    "terminate": signal.SIGTERM,
    "kill": signal.SIGKILL,
}

NotSentKind = Literal[
    "process-gone", "process-unseen", "process-changed", "other-user", "not-permitted"
]


class NotSent(Exception):
    """No signal was sent; the text says why."""

    def __init__(self, kind: NotSentKind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class _Handle:
    """A process by what Linux holds on to: it stays that process when its id is used again."""

    def __init__(self, pid: int) -> None:
        try:
            self._file = os.pidfd_open(pid)
        except ProcessLookupError:
            raise NotSent("process-gone", f"Process {pid} has ended.") from None
        except OSError as error:
            raise NotSent("not-permitted", f"Process {pid}: {error.strerror}.") from None

    def send(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._file, number)

    def has_ended(self) -> bool:
        return bool(select.select([self._file], [], [], 0)[0])

    def close(self) -> None:
        os.close(self._file)


def send(action: Action, pid: int, started: int) -> None:
    """Send it to process `pid` that began at `started`, in seconds since 1970.

    NotSent says why it was not. The handle is taken before the start is compared: what is found
    then is what is hit.
    """
    with closing(_Handle(pid)) as handle:
        found = running(pid)
        if found is None and not handle.has_ended():
            why = f"Process {pid} runs, but nothing of it can be seen from here."
            raise NotSent("process-unseen", why)
        if found is None:
            raise NotSent("process-gone", f"Process {pid} has ended.")
        if found.started != started:
            raise NotSent("process-changed", f"Process {pid} is another one by now.")
        if found.uid != os.geteuid():
            raise NotSent("other-user", f"Process {pid} is another user's.")
        try:
            handle.send(SIGNALS[action])
        except ProcessLookupError:
            raise NotSent("process-gone", f"Process {pid} has ended.") from None
        except PermissionError:
            raise NotSent("not-permitted", f"Linux does not permit it for process {pid}.") from None
