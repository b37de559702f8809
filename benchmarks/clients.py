"""Clients that ask one after another without a pause, over connections that stay open.

Run by `under_load` as a process of its own: `python -m benchmarks.clients PORT COUNT SECONDS`.
"""

from __future__ import annotations

import asyncio
import sys
import time

PATHS = (
    "/api/v1/system/all",
    "/api/v1/system/gpu-metrics",
    "/api/v1/system/metrics",
    "/api/v1/system/storage",
    "/_dash-layout",
    "/_dash-dependencies",
)


class Connection:
    """An HTTP/1.1 connection that asks one thing at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        return int(head.split()[1]), await self._reader.readexactly(length)


async def hammer(port: int, count: int, seconds: float) -> int:
    """How many answers all clients got together."""
    deadline = time.monotonic() + seconds

    async def client(first: int) -> int:
        answers = 0
        async with Connection(port) as connection:
            while time.monotonic() < deadline:
                await connection.get(PATHS[(first + answers) % len(PATHS)])
                answers += 1
        return answers

    return sum(await asyncio.gather(*map(client, range(count))))


if __name__ == "__main__":
    print(asyncio.run(hammer(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
