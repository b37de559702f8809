"""The WebSocket: all that is current, pushed at each tick."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from monitor.api.encode import encoded
from monitor.api.problems import Refusal
from monitor.queries.current import Current

GOING_AWAY, TOO_BIG = 1001, 1009
WRONG_ORIGIN, UNKNOWN_GPU, BAD_PARAMETERS = 4403, 4404, 4422

_LOOK_SECONDS = 5.0
# What a client says is not needed; one that says a lot is told to go.
_LONGEST_FRAME = 4096
_MOST_GPUS = 64
# A close reason has 123 bytes at most (RFC 6455, 5.5).
_LONGEST_REASON = 123


def stream(current: Current) -> APIRouter:
    """`/ws/system-metrics`."""
    router = APIRouter()

    @router.websocket("/ws/system-metrics")
    async def push(socket: WebSocket) -> None:
        if not is_own_origin(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(WRONG_ORIGIN)
            return
        await socket.accept()
        asked = socket.query_params.getlist("gpu")
        if len(asked) > _MOST_GPUS:
            await socket.close(BAD_PARAMETERS, f"gpu: {_MOST_GPUS} at most")
            return
        await _first(_send(socket, current, asked), _listen(socket))

    return router


def is_own_origin(origin: str | None, host: str | None) -> bool:
    """Whether a page of this very server asks; what is no browser sends no Origin."""
    return origin is None or (host is not None and urlsplit(origin).netloc.lower() == host.lower())


async def _first(*works: Coroutine[None, None, None]) -> None:
    """Until one ends, or this is cancelled; then none of them goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _send(socket: WebSocket, current: Current, asked: Sequence[str]) -> None:
    """Send each tick. Whoever is slow finds the newest when the one before has gone out."""
    sent = 0
    try:
        while not current.ended:
            latest = await current.next(sent, _LOOK_SECONDS)
            if latest.sequence <= sent:
                continue
            tick = encoded(current)
            sent = tick.latest.sequence
            if tick.latest.time is None or not tick.latest.recorder:
                continue  # devices are not known yet
            await socket.send_text(tick.everything(asked).decode())
        await socket.close(GOING_AWAY)
    except Refusal as refusal:
        await socket.close(UNKNOWN_GPU, _short(refusal.detail))
    except WebSocketDisconnect:
        return


async def _listen(socket: WebSocket) -> None:
    """Ends when the client goes. What it says is dropped."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if len(message.get("text") or message.get("bytes") or "") > _LONGEST_FRAME:
            await socket.close(TOO_BIG)
            return


def _short(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
