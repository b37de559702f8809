"""A client that costs little beside what it asks: one connection, answers read whole."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LARGEST = 64 << 20
_WARM = 3
_TIMES = 30


class Client:
    """HTTP/1.1 on loopback, over one connection that stays open."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._received = bytearray(_LARGEST)
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def seconds(self, path: str) -> float:
        """How long the answer takes, to its last byte. RuntimeError where it is an error."""
        began = time.perf_counter()
        head, _ = self._ask(path)
        taken = time.perf_counter() - began
        _check(head, path)
        return taken

    def json(self, path: str) -> Any:
        """The answer. RuntimeError where it is an error."""
        head, body = self._ask(path)
        _check(head, path)
        return json.loads(_whole(bytes(body)) if _is_chunked(head) else bytes(body))

    def _ask(self, path: str) -> tuple[bytes, memoryview]:
        """Head and body; the body is there until the next question."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        length = 0
        while (end := self._received.find(_HEAD_END, 0, length)) < 0:
            length = self._receive(length)
        head = bytes(self._received[:end]).lower()
        begin = end + len(_HEAD_END)
        if _is_chunked(head):
            while not self._received.endswith(_LAST_CHUNK, 0, length):
                length = self._receive(length)
        else:
            size = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            while length < begin + size:
                length = self._receive(length)
        return head, memoryview(self._received)[begin:length]

    def _receive(self, length: int) -> int:
        if length == len(self._received):
            raise OverflowError(f"more than {length:,} bytes came")
        count = self._socket.recv_into(memoryview(self._received)[length:])
        if not count:
            raise ConnectionError("the server ended the connection")
        return length + count


@contextlib.contextmanager
def connected(port: int) -> Iterator[Client]:
    """A client that is closed afterwards."""
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


def medians(asked: list[tuple[Client, str]], times: int = _TIMES) -> list[float]:
    """Milliseconds of each, warm. They take turns, so what disturbs one disturbs all."""
    for client, path in asked * _WARM:
        client.seconds(path)
    taken = [[client.seconds(path) for client, path in asked] for _ in range(times)]
    return [1000 * float(median) for median in np.median(taken, axis=0)]


def _is_chunked(head: bytes) -> bool:
    return b"\ntransfer-encoding: chunked" in head


def _check(head: bytes, path: str) -> None:
    if head.split()[1] != b"200":
        raise RuntimeError(f"{path} was answered {head.splitlines()[0].decode()}")


def _whole(chunks: bytes) -> bytes:
    whole = bytearray()
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        whole += rest[:length]
        chunks = rest[length + 2 :] if length else b""
    return bytes(whole)
