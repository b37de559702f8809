"""Readings change each tick: pushed over the socket, asked for where the socket fails."""

from __future__ import annotations

import time
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update, set_props

from callbacks.presence import Presence
from layouts import ids
from monitor.queries.current import Current

# A push that has nothing to send comes back this often to look whether its viewer has gone.
_LOOK_SECONDS = 5.0
# Who is always slow would be slower for being told all that it missed each time.
_CATCH_UP_SECONDS = 10.0


def register(app: Dash, current: Current, presence: Presence) -> None:
    """Connect the snapshot store with the follower, and the page with the store."""

    # No Input: Dash starts such a callback with the page, and anew when its socket reconnects.
    @app.callback(State(ids.VIEWER, "data"), websocket=True, persistent=True)
    async def push(viewer: str) -> None:
        socket = ctx.websocket
        if socket is None:
            return
        presence.says(viewer, visible=True)
        sent, behind, caught_up = -1, False, float("-inf")
        try:
            while not socket.is_shutdown and not current.ended:
                if not presence.looks(viewer):
                    caught_up = float("-inf")
                    await presence.someone_comes(_LOOK_SECONDS)
                    continue
                latest = await current.next(sent, _LOOK_SECONDS)
                if latest.sequence > sent and presence.looks(viewer):
                    behind |= latest.sequence > sent + 1  # hidden, or slower than the ticks
                    sent = latest.sequence
                    if behind and time.monotonic() - caught_up >= _CATCH_UP_SECONDS:
                        # A page that has just come is busy, and drops what comes meanwhile.
                        behind = caught_up == float("-inf")
                        caught_up = time.monotonic()
                        set_props(ids.BACKLOG, {"data": current.backlog()})
                    told = current.encoded_snapshot(
                        compared=presence.compares(viewer), more=presence.wants_more(viewer)
                    )
                    set_props(ids.SNAPSHOT, {"data": told})
        finally:
            presence.forget(viewer)

    @app.callback(
        Output(ids.SNAPSHOT, "data"),
        Output(ids.BACKLOG, "data"),
        Input(ids.POLL, "n_intervals"),
        State(ids.SHOWN, "data"),
        State(ids.MODE, "data"),
        State(ids.MORE, "data"),
        prevent_initial_call=True,
    )
    async def poll(
        _: int | None, shown: dict[str, Any] | None, mode: str | None, more: bool | None
    ) -> tuple[Any, Any]:
        latest = current.latest
        seen = (shown or {}).get("time")
        behind = latest.time is not None and (seen is None or latest.time - seen > 5000)
        if seen is not None and latest.time == seen:
            # Nothing newer: the answer still tells the page that the server is there.
            return {"time": seen, "via": "poll"}, no_update
        found = current.snapshot(compared=mode == "compare", more=bool(more))
        return {**found, "via": "poll"}, current.backlog() if behind else no_update

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("live", "show"),
        Output(ids.SHOWN, "data"),
        Input(ids.SNAPSHOT, "data"),
        Input(ids.BACKLOG, "data"),
        State(ids.DEVICES, "data"),
    )
