"""The WebSocket: what is current, pushed at each tick to whoever has subscribed to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from monitor.api.audience import Audience, Viewer
from monitor.api.encode import encoded
from monitor.api.problems import Refusal
from monitor.api.route import STREAM
from monitor.api.subscription import ALLOWED, Misunderstood, Subscription, asked, heard
from monitor.queries.current import Current
from monitor.queries.latest import iso

GOING_AWAY, TALKATIVE, TOO_BIG = 1001, 1008, 1009
UNKNOWN_GPU, SILENT, BAD_PARAMETERS = 4404, 4408, 4422

# A subscription is short, and so is who says a word now and then.
_LONGEST_FRAME = 4096
_MOST_WORDS, _WORDS_SECONDS = 30, 10.0
_GOODBYE_SECONDS = 1.0
# A close reason has 123 bytes at most (RFC 6455, 5.5).
_LONGEST_REASON = 123

Goodbye = tuple[int, str]
"""Why the server ends a connection: code and reason."""


def stream(current: Current) -> APIRouter:
    """`/ws/system-metrics`."""
    router = APIRouter()
    audience = Audience(current)

    @router.websocket(STREAM)
    async def push(socket: WebSocket) -> None:
        await socket.accept()
        try:
            wanted = asked(socket.query_params.multi_items())
        except Misunderstood as error:
            await _say(socket, (BAD_PARAMETERS, str(error)))
            return
        async with audience.watching() as viewer:
            connection = _Connection(socket, current, viewer, wanted)
            goodbye = await _first(connection.send(), connection.listen(), connection.part())
        if goodbye is not None:
            await _say(socket, goodbye)

    return router


async def _first(*works: Coroutine[None, None, Goodbye | None]) -> Goodbye | None:
    """What the first of them says; on that, or when this is cancelled, none of them goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    said = [task.result() for task in done]
    return None if None in said else said[0]


async def _say(socket: WebSocket, goodbye: Goodbye) -> None:
    code, reason = goodbye
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):  # it may not be taking anything
            await socket.close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        return


class _Connection:
    """One client: what it wants, what it has, and what it is still to be told."""

    def __init__(
        self, socket: WebSocket, current: Current, viewer: Viewer, wanted: Subscription
    ) -> None:
        self._socket = socket
        self._current = current
        self._viewer = viewer
        self._wanted = wanted
        self._sent = 0
        self._beats = 0
        self._replies: list[bytes] = []
        self._words = 0
        self._since = time.monotonic()

    async def send(self) -> Goodbye | None:
        """Send each tick. Whoever is slow finds the newest when the one before has gone out."""
        viewer = self._viewer
        try:
            while not self._current.ended:
                await viewer.bell.wait()
                viewer.bell.clear()
                while self._replies:
                    await self._out(self._replies.pop(0).decode())
                due = self._due()
                if due is not None:
                    await self._out(due)
                elif viewer.beats != self._beats:
                    beat = {"heartbeat": iso(round(time.time() * 1000))}
                    await self._out(orjson.dumps(beat).decode())
                self._beats = viewer.beats
        except Refusal as refusal:
            return UNKNOWN_GPU, refusal.detail
        except WebSocketDisconnect:
            return None
        return GOING_AWAY, ""

    async def listen(self) -> Goodbye | None:
        """Do what the client says, until it goes."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            text = message.get("text")
            if len(text or message.get("bytes") or "") > _LONGEST_FRAME:
                return TOO_BIG, ""
            if not self._may_speak():
                return TALKATIVE, "too many messages"
            self._hear(text)

    async def part(self) -> Goodbye:
        """Ends when the client has gone without a goodbye."""
        await self._viewer.gone.wait()
        return SILENT, "nothing was heard from the client for a minute"

    def _due(self) -> str | None:
        latest = self._current.latest
        # Before the first tick, devices are not known yet.
        if latest.sequence <= self._sent or latest.time is None or not latest.recorder:
            return None
        self._sent = latest.sequence
        return encoded(self._current).pushed(self._wanted.gpu, self._wanted.only)

    async def _out(self, text: str) -> None:
        self._viewer.sending = time.monotonic()
        await self._socket.send_text(text)
        self._viewer.sending = None

    def _may_speak(self) -> bool:
        now = time.monotonic()
        if now - self._since > _WORDS_SECONDS:
            self._since, self._words = now, 0
        self._words += 1
        return self._words <= _MOST_WORDS

    def _hear(self, text: str | None) -> None:
        try:
            if text is None:
                raise Misunderstood(f"A message is text, not binary. {ALLOWED}")
            word = heard(text)
            if word.subscribe is not None:
                self._subscribe(word.subscribe)
            else:
                self._reply({"pong": word.ping})
                self._viewer.pinged = time.monotonic()
        except Misunderstood as error:
            problem = Refusal(422, "bad-message", "The message is not understood", str(error))
            self._reply({"error": problem.body})
        except Refusal as refusal:
            self._reply({"error": refusal.body})

    def _subscribe(self, wanted: Subscription) -> None:
        tick = encoded(self._current)
        if wanted.gpu and tick.latest.time is not None and tick.latest.recorder:
            tick.select(wanted.gpu)  # an unknown one leaves the subscription as it is
        self._wanted, self._sent = wanted, 0
        self._reply({"subscribed": wanted.model_dump()})

    def _reply(self, reply: dict[str, object]) -> None:
        self._replies.append(orjson.dumps(reply))
        self._viewer.bell.set()
