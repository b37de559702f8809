"""HEAD is answered as GET is, without the body, whoever serves the path."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Middleware: below it, nobody is asked with HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise _Enough

        try:
            await self._app({**scope, "method": "GET"}, receive, send_head)
        except (_Enough, ClientDisconnect):
            return


class _Enough(OSError):
    """The head is sent; nothing more has to be made."""
