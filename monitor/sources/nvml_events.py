"""XID errors: the driver reports them as events, so they are counted as they come."""

from __future__ import annotations

import contextlib
import ctypes

import pynvml

from monitor.sources.lane import Lane
from monitor.sources.nvml_errors import FAILURES
from monitor.sources.nvml_reader import Handle

_XID = pynvml.nvmlEventTypeXidCriticalError
# Zero might mean "for ever" to some driver; this much the thread can sleep.
_WAIT_MS = 1
_AT_MOST = 100


class XidEvents:
    """Counts by UUID since recording began. They go on through sessions, the event set does not."""

    def __init__(self) -> None:
        self.lane = Lane("nvml-events")
        self._set: Handle = None
        self._uuids: dict[int, str] = {}
        self._counts: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    def count(self, uuid: str) -> int | None:
        """XIDs of that GPU; None where the driver reports none."""
        return self._counts.get(uuid)

    def last(self, uuid: str) -> int | None:
        """The number of the newest XID of that GPU."""
        return self._last.get(uuid)

    def take(self, uuid: str) -> int | None:
        """The number of the newest XID since this was last asked; None where none came."""
        count = self._counts.get(uuid, 0)
        if count == self._taken.get(uuid, 0):
            return None
        self._taken[uuid] = count
        return self._last[uuid]

    def open(self) -> None:
        """Begin a session's event set."""
        self._uuids = {}
        self._set = None
        with contextlib.suppress(*FAILURES):
            self._set = pynvml.nvmlEventSetCreate()

    def listen(self, handle: Handle, uuid: str) -> None:
        """Count the XIDs of that GPU, if the driver can."""
        if self._set is None:
            return
        with contextlib.suppress(*FAILURES):
            pynvml.nvmlDeviceRegisterEvents(handle, _XID, self._set)
            self._uuids[_address(handle)] = uuid
            self._counts.setdefault(uuid, 0)

    def poll(self, now: float) -> None:
        """Count what has come, on the lane: if the call hangs, counts stand still."""
        if self._uuids:
            self.lane.start(self._count, now)

    def close(self) -> None:
        """Give the event set back."""
        given, self._set, self._uuids = self._set, None, {}
        if given is not None:
            with contextlib.suppress(*FAILURES):
                pynvml.nvmlEventSetFree(given)

    def _count(self) -> None:
        with contextlib.suppress(*FAILURES):  # TIMEOUT: no more for now
            for _ in range(_AT_MOST):
                event = pynvml.nvmlEventSetWait_v2(self._set, _WAIT_MS)
                uuid = self._uuids.get(_address(event.device))
                if uuid is not None and event.eventType == _XID:
                    # In this order: whoever sees the count has the number.
                    self._last[uuid] = event.eventData
                    self._counts[uuid] += 1


def _address(handle: Handle) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
