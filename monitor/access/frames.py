"""What comes over a WebSocket has a greatest size; Dash's own takes what a page says."""

from __future__ import annotations

from starlette.types import Message, Receive, Send

from monitor.access.updates import SOCKET, Updates

LARGEST = 1024 * 1024
TOO_BIG, NOT_UNDERSTOOD = 1009, 1007


def guarded(path: str, updates: Updates, receive: Receive, send: Send) -> Receive:
    """What receives from this WebSocket, and closes it at a message that may not be."""
    dash = path == SOCKET

    async def take() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        said = message.get("text") or message.get("bytes") or ""
        code = 0
        if len(said) > LARGEST:
            code = TOO_BIG
        elif dash and not updates.knows_message(said):
            code = NOT_UNDERSTOOD
        if not code:
            return message
        await send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}

    return take
