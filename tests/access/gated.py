"""A small application behind the gate: it says who it was asked by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket

from monitor.access.gate import Gate
from monitor.access.roles import require_operator, role_of
from monitor.api.problems import Refusal
from monitor.settings import Settings, load

OPERATOR, VIEWER = "operator-token", "viewer-token"
BOTH = ("--token", OPERATOR, "--viewer-token", VIEWER)
WHO = "/api/v1/who"
ACT = "/api/v1/act"
CALLBACKS: dict[str, dict[str, Any]] = {
    "shown.data": {
        "inputs": [{"id": "poll", "property": "n_intervals"}],
        "state": [{"id": "mode", "property": "data"}],
        "callback": print,
        "websocket": True,
    },
    "many.children": {
        "inputs": [{"id": '{"type":["ALL"]}', "property": "data"}],
        "state": [],
        "callback": print,
    },
    "theme.data": {"inputs": [], "state": []},  # the browser's own
}
ASKED = {
    "output": "shown.data",
    "outputs": {"id": "shown", "property": "data"},
    "inputs": [{"id": "poll", "property": "n_intervals", "value": 1}],
    "state": [{"id": "mode", "property": "data"}],
    "changedPropIds": ["poll.n_intervals"],
}


async def _page(_: Request) -> Response:
    return HTMLResponse("<h1>The page</h1>")


async def _who(request: Request) -> Response:
    client = request.client.host if request.client else ""
    found = {"role": role_of(request).name, "scheme": request.url.scheme, "client": client}
    return Response(orjson.dumps({**found, "host": request.headers["host"]}))


async def _act(request: Request) -> Response:
    try:
        require_operator(request)
    except Refusal as refusal:
        return refusal.response()
    return Response(str(len(await request.body())))


async def _fault(_: Request) -> Response:
    raise RuntimeError("on purpose")


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(role_of(socket).name)
    async for said in socket.iter_text():
        await socket.send_text(said)


def gated(*options: str) -> Starlette:
    """The application, with these settings."""
    return Starlette(
        routes=[
            Route("/", _page),
            Route("/embed", _page),
            Route("/system-monitor", _page),
            Route(WHO, _who),
            Route("/metrics", _who),
            Route("/_dash-update-component", _act, methods=["POST"]),
            Route(ACT, _act, methods=["POST"]),
            Route("/api/v1/fault", _fault),
            WebSocketRoute("/ws/system-metrics", _echo),
            WebSocketRoute("/_dash-ws-callback", _echo),
        ],
        middleware=[
            Middleware(
                Gate,
                settings=settings(*options),
                scripts=["'sha256-abc'"],
                callbacks=CALLBACKS,
            )
        ],
    )


def settings(*options: str) -> Settings:
    return load(options)


def client(
    *options: str, at: str = "http://127.0.0.1:8050", peer: str = "127.0.0.1", **more: Any
) -> TestClient:
    """A client of it, asking from `peer`."""
    return TestClient(
        gated(*options), base_url=at, client=(peer, 50_000), follow_redirects=False, **more
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def answers(app: Starlette, requests: Iterable[tuple[str, dict[str, str]]]) -> list[int]:
    """The status of each, asked one after another from an address and with headers.

    Straight into the application: the test client takes milliseconds for each.
    """
    found: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    async def ask() -> None:
        for peer, headers in requests:
            pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            scope = {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": WHO,
                "raw_path": WHO.encode(),
                "query_string": b"",
                "root_path": "",
                "headers": [(b"host", b"127.0.0.1:8050"), *pairs],
                "client": (peer, 50_000),
                "server": ("127.0.0.1", 8050),
            }
            await app(scope, receive, send)

    asyncio.run(ask())
    return found
