"""The WebSocket of a real server, followed by a real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.faults.apps import WebProcess


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    process = WebProcess(tmp_path_factory.mktemp("data"), "--gpu-source", "demo")
    process.recorder_pid()
    yield process
    process.stop()


def address(web: WebProcess, query: str = "") -> str:
    return web.url.replace("http", "ws") + f"ws/system-metrics{query}"


async def ticks(url: str, count: int, **options: object) -> list[dict]:
    async with websockets.connect(url, **options) as socket:
        return [json.loads(await asyncio.wait_for(socket.recv(), 10)) for _ in range(count)]


def test_each_tick_is_pushed(web: WebProcess) -> None:
    received = asyncio.run(ticks(address(web), 3))
    seconds = [message["time"] for message in received]
    assert seconds == sorted(set(seconds))
    assert len(received[0]["gpus"]) == 8
    assert received[0]["host"]["memory_total_bytes"] > 0


def test_only_the_gpus_asked_for_are_pushed(web: WebProcess) -> None:
    (message,) = asyncio.run(ticks(address(web, "?gpu=2&gpu=5"), 1))
    assert [gpu["index"] for gpu in message["gpus"]] == [2, 5]


def test_an_unknown_gpu_closes_with_the_reason(web: WebProcess) -> None:
    with pytest.raises(ConnectionClosed, match="No GPU is '99'"):
        asyncio.run(ticks(address(web, "?gpu=99"), 1))


def test_another_origin_is_refused(web: WebProcess) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        asyncio.run(ticks(address(web), 1, origin="http://elsewhere.example"))
    own = web.url.rstrip("/")
    assert asyncio.run(ticks(address(web), 1, origin=own))
