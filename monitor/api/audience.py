"""Who watches the WebSocket: one task wakes all at each tick, and finds those who have gone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from monitor.queries.current import Current

HEARTBEAT_SECONDS = 15.0
"""After so long without a tick, viewers are told that the server is there."""
SILENT_SECONDS = 60.0
"""A client that has pinged and then says nothing for so long has gone; so has one that for so
long takes nothing of what is sent."""


class Viewer:
    """What the audience has to know of a connection; times are on the monotonic clock."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()
        self.gone = asyncio.Event()
        self.beats = 0
        self.pinged: float | None = None
        self.sending: float | None = None

    def look(self, now: float) -> None:
        """Notice where it has gone without a goodbye."""
        for since in (self.pinged, self.sending):
            if since is not None and now - since > SILENT_SECONDS:
                self.gone.set()


class Audience:
    """All viewers of this process. It has a task while there are any."""

    def __init__(self, current: Current, clock: Callable[[], float] = time.monotonic) -> None:
        self._current = current
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self._ringing: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[Viewer]:
        """One viewer more; its bell has rung, as there may be a tick already."""
        viewer = Viewer()
        viewer.bell.set()
        self._viewers.add(viewer)
        if self._ringing is None:
            self._ringing = asyncio.create_task(self._ring())
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            if not self._viewers and self._ringing is not None:
                ringing, self._ringing = self._ringing, None
                ringing.cancel()
                await asyncio.gather(ringing, return_exceptions=True)

    async def _ring(self) -> None:
        seen = self._current.latest.sequence
        while not self._current.ended:
            latest = await self._current.next(seen, HEARTBEAT_SECONDS)
            silent = latest.sequence == seen and not self._current.ended
            seen = latest.sequence
            for viewer in self._viewers:
                viewer.beats += silent
                viewer.bell.set()
                viewer.look(self._clock())
