"""Connections to the real server: how many, how slow, how large, and what they are told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from monitor.access.serving import uvicorn_config
from tests.access.gated import BOTH, OPERATOR, WHO, bearer, gated, settings

LONG = 20.0
GET = f"GET {WHO} HTTP/1.1\r\nHost: localhost\r\n".encode()


@contextlib.contextmanager
def served(*options: str, whole_within: float = 60.0) -> Iterator[int]:
    """The port of the real server."""
    config = uvicorn_config(gated(*options), settings(*options), whole_within)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(LONG)
        listening.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("--max-connections", "16") as port:
        yield port


def said(port: int, *parts: bytes) -> bytes:
    """All that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", port), LONG) as wire:
        # It may close before it has read everything.
        with contextlib.suppress(ConnectionError):
            for part in parts:
                wire.sendall(part)
        found = b""
        with contextlib.suppress(ConnectionError):
            while part := wire.recv(65_536):
                found += part
        return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_the_server_does_not_name_itself(port: int) -> None:
    answer = said(port, GET + b"Connection: close\r\n\r\n")
    assert status(answer) == 200
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"nonsense\r\n\r\n", {400}),
        (b"GET / HTTP/9.9\r\n\r\n", {400}),
        (GET.replace(b"Host: localhost\r\n", b"") + b"\r\n", {400}),
        (GET + b"Host: elsewhere.example\r\n\r\n", {400}),
        (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", {400}),
        (GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", {400}),
        (GET + b"X-Bad\x00: 1\r\n\r\n", {400}),
        (GET + b"X-Split: a\r\n\tfolded\r\n\r\n", {0, 200, 400}),
        (GET + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n", {431}),
        (
            b"POST /api/v1/act HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
            {413},
        ),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_is_no_request_is_refused_and_the_connection_closed(
    port: int, request_: bytes, statuses: set[int]
) -> None:
    with_close = request_.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1)
    assert status(said(port, with_close)) in statuses


def test_a_head_without_an_end_is_not_kept(port: int) -> None:
    answer = said(port, GET + b"X-Long: ", *[b"x" * 16_384] * 64)
    # Where it still sends, the kernel may drop the answer.
    assert status(answer) in {0, 431}


def test_a_request_that_does_not_come_whole_is_dropped() -> None:
    with served(whole_within=0.3) as port:
        for begun in (
            b"",
            GET,
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
        ):
            assert b"200 OK" not in said(port, begun)


def test_a_connection_between_two_requests_is_kept() -> None:
    with (
        served(whole_within=0.7) as port,
        socket.create_connection(("127.0.0.1", port), LONG) as wire,
    ):
        for pause in (1.5, 0.0):
            wire.sendall(GET + b"\r\n")
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
            threading.Event().wait(pause)


def test_one_connection_too_many_is_closed_and_room_comes_back() -> None:
    with served("--max-connections", "16") as port, contextlib.ExitStack() as stack:
        wires = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG))
            for _ in range(16)
        ]
        for wire in wires:
            wire.sendall(GET + b"\r\n")
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        assert said(port, GET + b"\r\n") == b""
        for wire in wires:
            wire.close()
        until_answered(port)


def until_answered(port: int) -> None:
    for _ in range(200):
        if status(said(port, GET + b"Connection: close\r\n\r\n")) == 200:
            return
        threading.Event().wait(0.05)
    pytest.fail("no room came back")


def test_sockets_are_among_the_connections_and_leave_room_when_they_go() -> None:
    with served("--max-connections", "16") as port:
        url = f"ws://localhost:{port}/ws/system-metrics"
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                for _ in range(15):
                    assert stack.enter_context(connect(url)).recv(LONG) == "OPERATOR"
        until_answered(port)


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 401), ({"Origin": "http://elsewhere.example", **bearer(OPERATOR)}, 403)],
)
def test_a_refused_socket_is_told_why(
    headers: dict[str, str], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(*BOTH) as port, pytest.raises(InvalidStatus) as refused:
        connect(f"ws://localhost:{port}/_dash-ws-callback", additional_headers=headers)
    assert refused.value.response.status_code == code
    assert b'"detail":' in (refused.value.response.body or b"")
    # uvicorn would have it that the application forgot to answer.
    assert "handshake" not in capfd.readouterr().err
