"""The page's scripts are fetched once: Dash's tags put right, so that a second load is told 304.

Dash gives a script that is loaded later a tag without quotes. nginx drops such a tag when it
compresses, and 2 MB came anew with each load of the page. The page itself is asked for each time.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.access.address import is_page
from monitor.api.caching import CHECKED

_FILES = "/_dash-component-suites/"
_LAYOUT = frozenset({"/_dash-layout", "/_dash-dependencies"})


class TaggedFiles:
    """Between the page's files and whoever fetches them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on: a tag is in quotes for HTTP (RFC 9110, 8.8.3) and bare for Dash."""
        path = scope.get("path", "")
        file = _FILES in path
        if scope["type"] != "http" or not (file or path in _LAYOUT or is_page(path)):
            await self._app(scope, receive, send)
            return
        keeping = b"no-cache" if file else CHECKED["Cache-Control"].encode()

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [_quoted(name, value) for name, value in message.get("headers", ())]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", keeping))
                message = {**message, "headers": headers}
            await send(message)

        headers = [
            (name, _bare(value) if file and name == b"if-none-match" else value)
            for name, value in scope["headers"]
        ]
        await self._app({**scope, "headers": headers}, receive, send_tagged)


def _quoted(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, b'"%s"' % value if name == b"etag" and not value.endswith(b'"') else value


def _bare(tag: bytes) -> bytes:
    return tag.strip().removeprefix(b"W/").strip(b'"')
