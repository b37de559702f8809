"""Which viewers are looking: a hidden or forgotten tab is sent nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from dash import Dash, Input, State

from layouts import ids

# The page says that it is there every 20 s; a closed tab that shares its socket says nothing.
_FORGOTTEN_SECONDS = 60.0


class Presence:
    """Who looks at the page, by the id that each load of it has."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._comparing: set[str] = set()
        self._came = asyncio.Event()

    def looks(self, viewer: str) -> bool:
        """Whether this viewer can see the page now."""
        return time.monotonic() - self._seen.get(viewer, -_FORGOTTEN_SECONDS) < _FORGOTTEN_SECONDS

    def compares(self, viewer: str) -> bool:
        """Whether this viewer sees all GPUs side by side."""
        return viewer in self._comparing

    def says(self, viewer: str, *, visible: bool, compares: bool | None = None) -> None:
        """Take the viewer's own word for it; where `compares` is not said it stays as it was."""
        if compares:
            self._comparing.add(viewer)
        elif compares is not None:
            self._comparing.discard(viewer)
        if visible:
            self._seen[viewer] = time.monotonic()
            self._came.set()
            self._came = asyncio.Event()
        else:
            self._seen.pop(viewer, None)

    def forget(self, viewer: str) -> None:
        """The viewer's connection is gone."""
        self._comparing.discard(viewer)
        self._seen.pop(viewer, None)

    async def someone_comes(self, timeout: float) -> None:
        """Wait until some viewer looks again."""
        try:
            await asyncio.wait_for(self._came.wait(), timeout)
        except TimeoutError:
            return


def register(app: Dash, presence: Presence) -> None:
    """Connect the page's word with the push, over the same socket and so the same process."""

    @app.callback(Input(ids.PRESENT, "data"), State(ids.VIEWER, "data"), websocket=True)
    async def present(word: dict[str, Any] | None, viewer: str) -> None:
        word = word or {}
        presence.says(
            viewer, visible=bool(word.get("visible")), compares=word.get("mode") == "compare"
        )
