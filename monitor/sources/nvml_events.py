"""XID errors: the driver reports them as events, so they are counted as they come."""

from __future__ import annotations

import contextlib
import ctypes
import threading

import pynvml

from monitor.sources.lane import Lane
from monitor.sources.nvml_errors import FAILURES
from monitor.sources.nvml_reader import Handle

_XID = pynvml.nvmlEventTypeXidCriticalError
# Zero might mean "for ever" to some driver; this much the thread can sleep.
_WAIT_MS = 1
_AT_MOST = 100
# More numbers than drivers have; a broken one might make them up without end.
_MOST_WAITING = 500


class XidEvents:
    """XIDs by UUID since recording began. They go on through sessions, the event set does not.

    A row has room for one number, so of several that come at once the others wait for the ticks
    that follow. They are counted when they are taken: a count grows by those of that number.
    """

    def __init__(self) -> None:
        self.lane = Lane("nvml-events")
        self._set: Handle = None
        self._uuids: dict[int, str] = {}
        self._counts: dict[str, int] = {}
        self._last: dict[str, int] = {}
        # By UUID the numbers in order of arrival, and how often each came.
        self._waiting: dict[str, dict[int, int]] = {}
        self._lock = threading.Lock()

    def count(self, uuid: str) -> int | None:
        """XIDs of that GPU that were taken; None where the driver reports none."""
        return self._counts.get(uuid)

    def last(self, uuid: str) -> int | None:
        """The number of the newest XID of that GPU."""
        return self._last.get(uuid)

    def take(self, uuid: str) -> int | None:
        """The number that has waited longest, all of its kind with it; None where none waits."""
        with self._lock:
            waiting = self._waiting.get(uuid)
            if not waiting:
                return None
            xid = next(iter(waiting))
            self._counts[uuid] += waiting.pop(xid)
            return xid

    def open(self) -> None:
        """Begin a session's event set."""
        self._uuids = {}
        self._set = None
        with contextlib.suppress(*FAILURES):
            self._set = pynvml.nvmlEventSetCreate()

    def listen(self, handle: Handle, uuid: str) -> None:
        """Have that GPU's XIDs reported, if the driver can."""
        if self._set is None:
            return
        with contextlib.suppress(*FAILURES):
            pynvml.nvmlDeviceRegisterEvents(handle, _XID, self._set)
            self._uuids[_address(handle)] = uuid
            self._counts.setdefault(uuid, 0)

    def poll(self, now: float) -> None:
        """Collect what has come, on the lane: if the call hangs, nothing comes."""
        if self._uuids:
            self.lane.start(self._collect, now)

    def close(self) -> None:
        """Give the event set back."""
        given, self._set, self._uuids = self._set, None, {}
        if given is not None:
            with contextlib.suppress(*FAILURES):
                pynvml.nvmlEventSetFree(given)

    def _collect(self) -> None:
        with contextlib.suppress(*FAILURES):  # TIMEOUT: no more for now
            for _ in range(_AT_MOST):
                event = pynvml.nvmlEventSetWait_v2(self._set, _WAIT_MS)
                uuid = self._uuids.get(_address(event.device))
                if uuid is not None and event.eventType == _XID:
                    self._came(uuid, event.eventData)

    def _came(self, uuid: str, xid: int) -> None:
        with self._lock:
            self._last[uuid] = xid
            waiting = self._waiting.setdefault(uuid, {})
            if xid in waiting or len(waiting) < _MOST_WAITING:
                waiting[xid] = waiting.get(xid, 0) + 1


def _address(handle: Handle) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
