"""The WebSocket that pushes everything current at each tick."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from starlette.status import WS_1008_POLICY_VIOLATION

from monitor.api.encode import chosen, encoded, everything
from monitor.api.problems import Problem
from monitor.queries.current import Current
from monitor.queries.latest import Latest

_LOOK_SECONDS = 5.0


def router(current: Current) -> APIRouter:
    """`/ws/system-metrics?gpu=`."""
    routes = APIRouter()

    @routes.websocket("/ws/system-metrics")
    async def system_metrics(
        socket: WebSocket, gpu: Annotated[list[str] | None, Query()] = None
    ) -> None:
        if not _same_origin(socket):
            await socket.close(WS_1008_POLICY_VIOLATION, "The Origin is not this server.")
            return
        await socket.accept()
        reader = asyncio.create_task(_until_gone(socket))
        try:
            await _push(socket, current, tuple(gpu or ()), reader)
        except (WebSocketDisconnect, RuntimeError):
            return  # gone while something was on its way
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    return routes


async def _push(
    socket: WebSocket, current: Current, wanted: tuple[str, ...], reader: asyncio.Task[None]
) -> None:
    sent = -1
    while not reader.done() and not current.ended:
        # Sending waits for a slow client; it then gets the newest tick and not those between.
        latest = await current.next(sent, _LOOK_SECONDS)
        if latest.sequence <= sent or latest.time is None:
            sent = max(sent, latest.sequence)
            continue
        sent = latest.sequence
        await socket.send_text(message(current, wanted).decode())
    if current.ended:
        await socket.close()


def message(current: Current, wanted: tuple[str, ...]) -> bytes:
    """Everything current for these GPUs, encoded once per tick. An unknown GPU gives none."""

    def make(latest: Latest) -> bytes:
        try:
            gpus = chosen(latest, wanted)
        except Problem:
            gpus = []
        return encoded(everything(latest, gpus))

    # Only the message for all is kept: what a client names could be anything.
    return make(current.latest) if wanted else current.once("message", make)


async def _until_gone(socket: WebSocket) -> None:
    """Read and ignore what the client says, until it leaves."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass


def _same_origin(socket: WebSocket) -> bool:
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")
