"""The WebSocket of a real server, followed by a real client."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from monitor.listening import prepare
from tests.faults.apps import WebProcess
from tests.faults.recorders import wait_for


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


def test_a_program_is_sent_its_ticks_plain_and_the_page_compressed(web: WebProcess) -> None:
    async def extensions(path: str) -> str | None:
        url, own = web.url.replace("http", "ws") + path, web.url.rstrip("/")
        async with websockets.connect(url, origin=own, compression="deflate") as socket:
            return socket.response.headers.get("Sec-WebSocket-Extensions")

    assert asyncio.run(extensions("ws/system-metrics")) is None
    assert "permessage-deflate" in (asyncio.run(extensions("_dash-ws-callback")) or "")


class Stalled:
    """A client that shakes hands, and then reads nothing until it is told to."""

    def __init__(self, web: WebProcess) -> None:
        host, _, port = web.url.rstrip("/").rpartition("/")[2].partition(":")
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect((host, int(port)))
        self._socket.settimeout(20)
        self._socket.sendall(
            f"GET /ws/system-metrics HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass

    def read(self) -> str:
        """The time of the next tick that it has."""
        while True:
            kind, length = self._file.read(2)
            if length == 126:
                length = int.from_bytes(self._file.read(2))
            payload = self._file.read(length)
            if kind == 0x81:
                return str(json.loads(payload)["time"])

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def memory(web: WebProcess) -> int:
    pages = int(Path(f"/proc/{web.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_who_reads_nothing_costs_no_memory_keeps_nobody_waiting_and_finds_the_newest(
    tmp_path: Path,
) -> None:
    web = WebProcess(tmp_path, "--gpu-source", "demo", "--interval", "0.1")
    try:
        wait_for(lambda: (web.get("api/v1/system/all") or {}).get("gpus"))
        asyncio.run(ticks(address(web), 2))
        slow = [Stalled(web) for _ in range(20)]
        asyncio.run(ticks(address(web), 18))  # their buffers are full
        before = memory(web)
        seen = [message["time"] for message in asyncio.run(ticks(address(web), 40))]
        assert len(set(seen)) == 40
        # Kept for each of them it were 10 MB.
        assert memory(web) - before < 5_000_000
        got = [slow[0].read()]
        while got[-1] < seen[-1]:
            got.append(slow[0].read())
        assert len(got) < 30
        for client in slow:
            client.close()
    finally:
        web.stop()


def test_a_connection_inherits_that_a_client_that_is_gone_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        prepare(listening)
        with (
            socket.create_connection(listening.getsockname()),
            listening.accept()[0] as accepted,
        ):
            read = accepted.getsockopt
            assert read(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
            assert read(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 65_536
