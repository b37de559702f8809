"""A path of the API: GET and HEAD, tags to ask again with, and a problem for every error."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from monitor.api.caching import checked
from monitor.api.problems import ProblemRoute, Refusal


class SystemRoute(ProblemRoute):
    """What each path below /api/v1/system is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, whose answer is not sent where the client has it already."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return checked(request.headers, await handle(request))

        return answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; HEAD as GET, and a method that there is not with those that there are."""
        allowed = set(self.methods or ())
        method = scope["method"]
        if method == "HEAD" and "GET" in allowed:
            await _head(super().handle, scope, receive, send)
        elif method in allowed:
            await super().handle(scope, receive, send)
        else:
            known = sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))
            detail = f"{method} is not answered here; {' and '.join(known)} are."
            refusal = Refusal(405, "method-not-allowed", "Method not allowed", detail)
            await refusal.response({"Allow": ", ".join(known)})(scope, receive, send)


class _Enough(OSError):
    """The head is sent; nothing more has to be made."""


async def _head(
    handle: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise _Enough
        await send(message)

    try:
        await handle({**scope, "method": "GET"}, receive, send_head)
    except (_Enough, ClientDisconnect):
        return
