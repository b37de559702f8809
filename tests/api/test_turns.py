"""Nobody waits for queries of the history but other queries, and only so many of them may wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import orjson
import pytest
from fastapi import Response

from monitor.access.limits import share
from monitor.api import history
from monitor.api.turns import MOST, THREADS
from monitor.queries.formats import Piece
from monitor.queries.latest import iso
from tests.api.test_history import BEGIN, Past

PATIENCE = 30
SHARE = share(MOST)
HISTORY = "gpu-metrics/history"
FILE = f"format=csv&start={iso(1000 * BEGIN)}"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    made = Past(tmp_path_factory.mktemp("past"))
    yield made
    made.close()


class Asked:
    """A request; it takes what is sent only once it `reads`, and `goes` in the middle."""

    def __init__(self, past: Past, path: str, query: str = "", client: str = "10.0.0.1") -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.began, self.reads, self.goes = asyncio.Event(), asyncio.Event(), asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/api/v1/system/{path}",
            "query_string": query.encode(),
            "headers": [],
            "client": (client, 1),
        }
        self.task = asyncio.create_task(past.client.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, object]:
        await self.goes.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            self.began.set()
        else:
            await self.reads.wait()
            self.body += message.get("body", b"")

    async def answer(self) -> int:
        """The status, when all of it has come."""
        self.reads.set()
        async with asyncio.timeout(PATIENCE):
            await self.task
        return self.status


def test_what_is_current_waits_for_no_query(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    async def ask() -> None:
        busy, loop = asyncio.Semaphore(0), asyncio.get_running_loop()

        def slow(*_: object) -> Response:
            loop.call_soon_threadsafe(busy.release)
            go.wait()
            return Response()

        monkeypatch.setattr(history, "_answer", slow)
        clients = [f"10.0.0.{number}" for number in range(MOST // SHARE)]
        held = [Asked(past, HISTORY, client=name) for name in clients for _ in range(SHARE)]
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in range(THREADS):
                    await busy.acquire()
            assert await Asked(past, "health").answer() == 503  # no recorder says that it runs
            assert await Asked(past, "gpu-list").answer() == 200
        finally:
            go.set()
        assert [await one.answer() for one in held] == [200] * MOST

    asyncio.run(ask())


@pytest.mark.parametrize("clients", [["10.0.0.1"], [f"10.0.1.{at}" for at in range(MOST // SHARE)]])
def test_only_so_many_wait_of_one_client_and_in_all(
    past: Past, monkeypatch: pytest.MonkeyPatch, clients: list[str]
) -> None:
    # Whoever is asked first comes first.
    go = threading.Event()
    monkeypatch.setattr(history, "_answer", lambda *_: Response() if go.wait(PATIENCE) else None)

    async def ask() -> None:
        held = [Asked(past, HISTORY, client=name) for name in clients for _ in range(SHARE)]
        name = clients[0] if len(clients) == 1 else "10.0.2.1"
        try:
            refused = Asked(past, HISTORY, client=name)
            assert await refused.answer() == 429
            assert refused.headers[b"retry-after"] == b"1"
            assert refused.headers[b"content-type"] == b"application/problem+json"
            assert orjson.loads(refused.body)["type"] == "/problems/too-many-queries"
        finally:
            go.set()
        assert [await one.answer() for one in held] == [200] * len(held)
        assert await Asked(past, HISTORY, client=name).answer() == 200

    asyncio.run(ask())


def leaves(asked: Asked) -> None:
    asked.goes.set()


def reads(asked: Asked) -> None:
    asked.reads.set()


@pytest.mark.parametrize("end", [leaves, reads])
def test_a_file_keeps_its_place_until_its_end_or_its_client_goes(
    past: Past, monkeypatch: pytest.MonkeyPatch, end: Callable[[Asked], None]
) -> None:
    closed: list[int] = []

    def pieces(*_: object) -> Iterator[Piece]:
        try:
            for _ in range(3):
                yield Piece(b"x" * 1_000_000, 0.5)
        finally:
            closed.append(1)

    monkeypatch.setattr(history, "written", pieces)

    async def ask() -> None:
        async with asyncio.timeout(PATIENCE):
            held = [Asked(past, HISTORY, FILE) for _ in range(SHARE)]
            for one in held:
                await one.began.wait()
            assert await Asked(past, HISTORY).answer() == 429
            end(held[0])
            await held[0].task
            assert closed == [1]
            assert await Asked(past, HISTORY).answer() == 200
            for one in held[1:]:
                assert await one.answer() == 200

    asyncio.run(ask())


def test_what_fails_leaves_its_place(past: Past) -> None:
    for _ in range(2 * MOST):
        past.refused(HISTORY, 422, start="never")
        past.refused("metrics/history", 422, table="disk", device="/nowhere")
    past.get(HISTORY, metrics="power_watts")
