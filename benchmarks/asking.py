"""Clients that ask one path over and over, on connections that stay open.

Each is an asyncio protocol that counts bytes, so that asking costs a fraction of answering. Run by
`benchmarks.requests_per_second` as `python -m benchmarks.asking PATH PORT COUNT SECONDS`: it prints
when measuring begins and ends, and what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import numpy as np

_SETTLE_SECONDS = 2


class Client(asyncio.Protocol):
    """Asks as soon as it has been answered; `taken` are the seconds that each answer took."""

    def __init__(self, request: bytes, taken: list[float]) -> None:
        self._request = request
        self._taken = taken
        self._left = 0
        self._head = b""
        self.bad = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Ask again at the end of an answer."""
        if not self._left:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self.bad += b" 200 " not in head[:16]
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            self._left = int(length) - len(body)
            self._head = b""
        else:
            self._left -= len(data)
        if not self._left:
            self._taken.append(time.perf_counter() - self._began)
            self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)


async def ask(path: str, port: int, count: int, seconds: int) -> None:
    """Ask, and print what came of it."""
    taken: list[float] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Client(request, taken), "127.0.0.1", port)
        for _ in range(count)
    ]
    await asyncio.sleep(_SETTLE_SECONDS)
    taken.clear()
    print(time.time(), flush=True)
    await asyncio.sleep(seconds)
    print(time.time(), flush=True)
    found = {
        "answers": len(taken),
        "p50": 1000 * float(np.quantile(taken, 0.5)),
        "p99": 1000 * float(np.quantile(taken, 0.99)),
        "bad": sum(client.bad for _, client in made),
        "cpu": time.process_time(),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(ask(sys.argv[1], *map(int, sys.argv[2:])))
