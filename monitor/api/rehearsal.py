"""The first question of a kind takes three times as long as the next: one is asked by nobody.

FastAPI makes what checks a path's parameters when it is first asked for, and threads start then.
"""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.types import ASGIApp, Message

_ASKED = (
    ("/api/v1/system/gpu-metrics/history", b"start=-1s&metrics=power_watts"),
    ("/api/v1/system/metrics/history", b"start=-1s&metrics=cpu_percent"),
)


async def rehearse(server: FastAPI) -> None:
    """Ask the paths to the past, behind the gate, and throw the answers away, errors too."""
    paths = AsyncExitStackMiddleware(server.router)
    with contextlib.suppress(Exception):
        await asyncio.gather(*(_ask(paths, server, *asked) for asked in _ASKED))


async def _ask(paths: ASGIApp, server: FastAPI, path: str, query: bytes) -> None:
    scope = {
        "type": "http",
        "app": server,
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": [],
        "client": None,
    }
    await paths(scope, _nothing, _forget)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _forget(_: Message) -> None:
    """The answer is for nobody."""
