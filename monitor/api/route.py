"""A path of the API: tags to ask again with, and a problem for every error."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from monitor.api.caching import checked
from monitor.api.problems import ProblemRoute, Refusal, not_allowed, not_found

STREAM = "/ws/system-metrics"
"""Where the WebSocket is."""
NO_PAGES = (
    *("/api", "/api/{path:path}", "/metrics/{path:path}", "/ws", "/ws/{path:path}"),
    *("/_dash{path:path}", "/_reload{path:path}", "/assets", "/bootstrap"),
)
"""Below these there is what programs ask for, and no page."""


class SystemRoute(ProblemRoute):
    """What each path of the API is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, whose answer is not sent where the client has it already."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return checked(request.headers, await handle(request))

        return answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a method that there is not with those that there are."""
        allowed = set(self.methods or ())
        if scope["method"] in allowed:
            await super().handle(scope, receive, send)
        else:
            refusal = not_allowed(scope["method"], allowed)
            await refusal.response()(scope, receive, send)


class Nowhere(ProblemRoute):
    """A path where there is nothing, whichever method asks."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """404; 426 where there is a WebSocket."""
        path = scope["path"]
        refusal = upgrade_needed() if path == STREAM else not_found(path)
        await refusal.response()(scope, receive, send)


def upgrade_needed() -> Refusal:
    """426."""
    detail = f"{STREAM} is a WebSocket: connect to it with the scheme ws or wss."
    headers = {"Upgrade": "websocket"}
    return Refusal(426, "websocket-needed", "A WebSocket is here", detail, headers=headers)


def nowhere(*paths: str) -> APIRouter:
    """Routes to nothing: Dash, which comes last, answers every other path with its page."""
    router = APIRouter(route_class=Nowhere, include_in_schema=False)
    for path in paths:
        router.add_api_route(path, _nothing, methods=["GET"])
    return router


async def _nothing() -> None:
    """Is not asked: the route has answered."""
