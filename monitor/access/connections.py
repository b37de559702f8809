"""Connections are bounded too: how many, how long a request may take to come, how large its head.

uvicorn itself waits for ever for a request that has begun, and keeps a head of any size.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from monitor.access.limits import Open, client_of, is_loopback

LARGEST_HEAD = 65_536
WHOLE_WITHIN_SECONDS = 60.0
_TOO_LARGE = (
    b'{"type":"/problems/headers-too-large","title":"Headers too large","status":431,'
    b'"detail":"The head of a request may have 65,536 bytes."}'
)


def bounded(held: Open, whole_within: float = WHOLE_WITHIN_SECONDS) -> type[HttpToolsProtocol]:
    """Uvicorn's HTTP protocol, with at most what may be `held` open."""

    class Bounded(HttpToolsProtocol):
        _client = ""
        _counted = False
        _timer: asyncio.TimerHandle | None = None
        # When the request that is coming began; None between two of them.
        _since: float | None = None
        _in_head = True
        _size = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            self._client = client_of(address)
            own = not address or is_loopback(address)
            # WebSockets are among the connections.
            full = len(self.connections) > held.most
            if full or (not own and held.has_share(self._client)):
                transport.abort()
                return
            held.enter(self._client)
            self._counted = True
            self._since = self.loop.time()
            self._timer = self.loop.call_later(whole_within, self._look)

        def connection_lost(self, exc: Exception | None) -> None:
            self._let_go()
            super().connection_lost(exc)

        def handle_websocket_upgrade(self) -> None:
            self._let_go()
            super().handle_websocket_upgrade()

        def data_received(self, data: bytes) -> None:
            self._size += len(data)
            super().data_received(data)
            if self._in_head and self._size > LARGEST_HEAD and not self.transport.is_closing():
                self._refuse_head()

        def on_message_begin(self) -> None:
            self._in_head, self._since = True, self.loop.time()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head, self._size = False, 0
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._size, self._since = 0, None
            super().on_message_complete()

        def _look(self) -> None:
            since = self._since
            if since is not None and self.loop.time() - since >= whole_within:
                self.transport.abort()
                return
            self._timer = self.loop.call_later(whole_within, self._look)

        def _let_go(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._counted:
                self._counted = False
                held.leave(self._client)

        def _refuse_head(self) -> None:
            head = (
                b"content-type: application/problem+json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n" % len(_TOO_LARGE)
            )
            self.transport.write(STATUS_LINE[431] + head + _TOO_LARGE)
            self.transport.close()

    return Bounded
