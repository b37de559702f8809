"""A web process that is to end tells its WebSockets so: browsers then turn to another one.

A server waits for open connections before it ends, and a WebSocket is never done by itself.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GOING_AWAY = 1001


class Leaving:
    """Whether this process is to end."""

    def __init__(self) -> None:
        self._said = asyncio.Event()

    def say(self) -> None:
        """It is, from now on. Called in the event loop."""
        self._said.set()

    async def said(self) -> None:
        """Wait until it is."""
        await self._said.wait()


class ToldSockets:
    """Closes each WebSocket once the process is to end, whoever serves it."""

    def __init__(self, app: ASGIApp, leaving: Leaving) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        socket = _Socket(receive, send, self._leaving)
        await self._app(scope, socket.receive, socket.send)


class _Socket:
    """One WebSocket: to the application, leaving looks as if the client had gone."""

    def __init__(self, receive: Receive, send: Send, leaving: Leaving) -> None:
        self._receive = receive
        self._send = send
        self._leaving = leaving
        self._closed = False

    async def receive(self) -> Message:
        heard = asyncio.ensure_future(self._receive())
        left = asyncio.ensure_future(self._leaving.said())
        try:
            await asyncio.wait({heard, left}, return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                return heard.result()
            self._closed = True
            await self._send({"type": "websocket.close", "code": GOING_AWAY})
            return {"type": "websocket.disconnect", "code": GOING_AWAY}
        finally:
            heard.cancel()
            left.cancel()

    async def send(self, message: Message) -> None:
        # A push that was under way comes too late.
        if not self._closed:
            await self._send(message)
