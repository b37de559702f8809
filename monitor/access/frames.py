"""What comes over a WebSocket has a greatest size; Dash's own takes JSON objects alone."""

from __future__ import annotations

import orjson
from starlette.types import Message, Receive, Send

LARGEST = 1024 * 1024
TOO_BIG, NOT_UNDERSTOOD = 1009, 1007
_DASH = "/_dash-ws-callback"


def guarded(path: str, receive: Receive, send: Send) -> Receive:
    """What receives from this WebSocket, and closes it at a message that may not be."""
    dash = path.endswith(_DASH)

    async def take() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        said = message.get("text") or message.get("bytes") or ""
        code = 0
        if len(said) > LARGEST:
            code = TOO_BIG
        elif dash and not _is_request(said):
            code = NOT_UNDERSTOOD
        if not code:
            return message
        await send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}

    return take


def _is_request(said: str | bytes) -> bool:
    try:
        found = orjson.loads(said)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get("payload", {}), dict | None)
