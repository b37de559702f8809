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
        self._comparing: dict[str, bool] = {}  # whether with more metrics
        self._came = asyncio.Event()

    def looks(self, viewer: str) -> bool:
        """Whether this viewer can see the page now."""
        return time.monotonic() - self._seen.get(viewer, -_FORGOTTEN_SECONDS) < _FORGOTTEN_SECONDS

    def compares(self, viewer: str) -> bool:
        """Whether this viewer sees all GPUs side by side."""
        return viewer in self._comparing

    def wants_more(self, viewer: str) -> bool:
        """Whether this viewer sees more metrics of them."""
        return self._comparing.get(viewer, False)

    def says(
        self, viewer: str, *, visible: bool, compares: bool | None = None, more: bool = False
    ) -> None:
        """Take the viewer's own word for it; where `compares` is not said it stays as it was."""
        if compares:
            self._comparing[viewer] = more
        elif compares is not None:
            self._comparing.pop(viewer, None)
        if visible:
            self._seen[viewer] = time.monotonic()
            self._came.set()
            self._came = asyncio.Event()
        else:
            self._seen.pop(viewer, None)

    def forget(self, viewer: str) -> None:
        """The viewer's connection is gone."""
        self._comparing.pop(viewer, None)
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
            viewer,
            visible=bool(word.get("visible")),
            compares=word.get("mode") == "compare",
            more=bool(word.get("more")),
        )
