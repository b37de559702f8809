"""The WebSocket behind gunicorn's own ASGI worker, which speaks the protocol by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
import websockets

from tests.faults.recorders import ROOT, wait_for

TOKEN = "a-token-of-this-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("data")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    variables = {
        "MONITOR_DATA": str(folder / "data"),
        "MONITOR_GPU_SOURCE": "demo",
        "MONITOR_TOKEN": TOKEN,
    }
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-k", "asgi"),
                "-b",
                f"127.0.0.1:{port}",
                "app:server",
            ],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(lambda: _has_gpus(port), 40)
            yield port
        finally:
            process.terminate()
            process.wait(30)
    assert "Traceback" not in (folder / "log.txt").read_text()


def _has_gpus(port: int) -> bool:
    with contextlib.suppress(OSError):
        url = f"http://127.0.0.1:{port}/api/v1/system/gpu-list"
        asked = urllib.request.Request(url, headers=BEARER)
        return bool(json.load(urllib.request.urlopen(asked, timeout=5)).get("gpus"))
    return False


async def _until(socket: websockets.ClientConnection, key: str) -> dict:
    async with asyncio.timeout(20):
        while key not in (message := json.loads(await socket.recv())):
            pass
    return message


def test_ticks_pings_and_a_changed_subscription(port: int) -> None:
    async def talk() -> None:
        url = f"ws://127.0.0.1:{port}/ws/system-metrics?gpu=1"
        async with websockets.connect(url, additional_headers=BEARER) as socket:
            assert [gpu["index"] for gpu in (await _until(socket, "gpus"))["gpus"]] == [1]
            await socket.send('{"ping": "noon"}')
            assert await _until(socket, "pong") == {"pong": "noon"}
            await socket.send('{"subscribe": {"only": "host"}}')
            assert (await _until(socket, "subscribed"))["subscribed"]["only"] == "host"
            assert "gpus" not in await _until(socket, "host")
            await socket.send("what?")
            assert "only" in (await _until(socket, "error"))["error"]["detail"]

    asyncio.run(talk())


def test_a_goodbye_says_why(port: int) -> None:
    async def talk() -> None:
        url = f"ws://127.0.0.1:{port}/ws/system-metrics?gpu=99"
        async with websockets.connect(url, additional_headers=BEARER) as socket:
            with pytest.raises(websockets.ConnectionClosed, match="No GPU is '99'"):
                await asyncio.wait_for(socket.recv(), 20)

    asyncio.run(talk())
