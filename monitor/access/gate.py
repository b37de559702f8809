"""The gate: every request and WebSocket goes through it, before anything else sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.access import address, bodies, denied
from monitor.access.answers import answer, failed, no_file, refuse
from monitor.access.callers import Caller, Callers
from monitor.access.desk import SAFE, Desk
from monitor.access.door import Door, Guest
from monitor.access.frames import guarded
from monitor.access.headers import EMBED, LONGEST_QUERY, Pairs, Policies, read
from monitor.access.hosts import TrustedHosts
from monitor.access.limits import Buckets, Open, share
from monitor.access.logs import hide_tokens
from monitor.access.origins import check_origin
from monitor.access.roles import give_role
from monitor.access.sessions import RENEWED_SECONDS
from monitor.access.updates import FILES, UPDATE, Updates
from monitor.api.problems import Refusal
from monitor.settings import Settings

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A client may send what it may send in this many seconds at once: a page comes with many files.
_BURST_SECONDS = 10


class Gate:
    """ASGI middleware. What it refuses, it answers itself."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        scripts: Sequence[str],
        callbacks: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._app = app
        self._updates = Updates(callbacks)
        self.door = Door(settings)
        self._desk = Desk(self.door)
        self._callers = Callers(settings.trusted_proxies)
        self._hosts = TrustedHosts(settings.trusted_hosts, settings.host.lower())
        self._policies = Policies(scripts, settings.frame_ancestors)
        rate = settings.rate_limit
        self._rate = Buckets(rate, max(1.0, rate * _BURST_SECONDS)) if rate else None
        most = settings.max_connections
        self._open = Open(most, share(most))
        hide_tokens()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = {}
        path: str = scope["path"]
        try:
            headers = read(scope["headers"])
            caller = self._known(scope, headers)
            if self._desk.serves(scope, headers):
                response = await self._desk.sign_in(scope, headers, caller, receive)
                await answer(response, scope, send)
                return
            guest = self._admit(scope, headers, caller)
            if scope["method"] not in SAFE or b"transfer-encoding" in headers:
                receive = await self._bounded(path, headers, receive)
            self._enter(caller)
        except Refusal as refusal:
            await refuse(refusal, scope, headers, send, form=bool(self.door.tokens))
            return
        try:
            await self._through(scope, receive, send, self._added(path, guest, caller))
        finally:
            self._open.leave(caller.client)

    async def _through(self, scope: Scope, receive: Receive, send: Send, added: Pairs) -> None:
        started = replaced = False
        path: str = scope["path"]

        async def with_headers(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                # Dash fails at a file that it does not have.
                replaced = message["status"] == 500 and path.startswith(FILES)
                if replaced:
                    await answer(no_file(), scope, send)
                message["headers"] = [*message.get("headers", ()), *added]
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            if not started:
                await answer(failed(), scope, send)
            raise

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = read(scope["headers"])
            caller = self._known(scope, headers)
            self._admit(scope, headers, caller)
            self._enter(caller)
        except Refusal as refusal:
            await refuse(refusal, scope, {}, send)
            return
        try:
            await self._app(scope, guarded(scope["path"], self._updates, receive, send), send)
        finally:
            self._open.leave(caller.client)

    def _known(self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> Caller:
        """Who asks, by a name that is ours, and not too often."""
        if len(scope["query_string"]) > LONGEST_QUERY:
            raise denied.query_too_long(LONGEST_QUERY)
        if _CONTROL.search(scope["path"]):
            raise denied.bad_path()
        caller = self._callers.of(scope, headers)
        self._hosts.check(headers.get(b"host", b""))
        if caller.through_proxy and caller.forwarded:
            if b"x-forwarded-host" in headers:
                self._hosts.check(headers[b"x-forwarded-host"])
                headers[b"host"] = headers[b"x-forwarded-host"]
                kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope["headers"] = [*kept, (b"host", headers[b"host"])]
            if caller.secure:
                scope["scheme"] = "https" if scope["type"] == "http" else "wss"
            if caller.address:
                scope["client"] = (caller.address, 0)
        if self._rate is not None and not caller.local and (wait := self._rate.take(caller.client)):
            raise denied.too_many_requests(wait)
        return caller

    def _admit(
        self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes], caller: Caller
    ) -> Guest:
        if address.has_token(scope["query_string"]):
            scope["query_string"] = address.without_token(scope["query_string"])[1]
            raise denied.token_in_address()
        guest = self.door.admit(headers, caller)
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            # A browser names the origin with each WebSocket; what names none is a program. It
            # sends a cookie by itself, whichever page asks.
            must = scope["type"] == "http" and guest.ambient
            check_origin(headers, caller, must=must)
        give_role(scope, guest.role)
        return guest

    async def _bounded(self, path: str, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """What receives a body that is not too large, and one that Dash understands."""
        bodies.check_length(headers)
        update = path == UPDATE
        if not update and b"content-length" in headers and b"transfer-encoding" not in headers:
            return receive  # the server holds the client to it
        body = await bodies.whole(receive)
        if update:
            self._updates.check(body, headers.get(b"content-type", b""))
        return bodies.again(body, receive)

    def _enter(self, caller: Caller) -> None:
        if self._open.full():
            raise denied.no_room()
        if not caller.local and self._open.has_share(caller.client):
            raise denied.too_many_open()
        self._open.enter(caller.client)

    def _added(self, path: str, guest: Guest, caller: Caller) -> Pairs:
        added = self._policies.of(path)
        old = guest.session and time.time() - guest.session.since > RENEWED_SECONDS
        # A frame's address has its token in it.
        if guest.session and old and address.is_page(path) and path != EMBED:
            cookie = self.door.cookie(guest.session.role, caller)
            added = [*added, (b"set-cookie", cookie.encode())]
        return added
