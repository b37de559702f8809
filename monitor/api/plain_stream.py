"""uvicorn's WebSocket, compressed for the page and plain for programs.

Compressing a tick for each of 200 viewers costs more than all the rest of sending it, and a program
mostly reads from near by. gunicorn's worker compresses none.
"""

from __future__ import annotations

from starlette.types import Message
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

_PLAIN = "/ws/system-metrics"


class PlainStream(WebSocketsSansIOProtocol):
    """What `uvicorn.Config(ws=...)` takes."""

    def handle_connect(self, event: Request) -> None:
        """Agree on compression, unless a program asks."""
        if event.path.partition("?")[0].endswith(_PLAIN):
            self.conn.available_extensions = ()
        super().handle_connect(event)

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Send it. With an answer instead of a WebSocket the handshake is done; uvicorn forgets."""
        await super().send(message)  # type: ignore[arg-type]
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True
