"""Clients that behave badly: fifty that read nothing, and a thousand that come and go at once.

Those that read nothing shake hands and leave all unread, until the server lets them go
(docs/websocket.md). Memory is the web process's, before and after. Run
`python -m benchmarks.crowd [--seconds 60]`; the issue asks for 600.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time

from benchmarks.figures import Figure, machine_speed, table
from benchmarks.processes import Served, lateness, serving
from benchmarks.raw_socket import RawSocket, connect

UNREAD, DROPPED = 50, 1000
_AT_ONCE = 25
_PATH = "/ws/system-metrics"
_HELLO = (
    f"GET {_PATH} HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def crowd(seconds: int) -> list[Figure]:
    """Every figure."""
    with serving() as served:
        asyncio.run(_come_and_go(served.port, 4 * _AT_ONCE))  # what the first ones cost
        before, began = _settled_mb(served), time.time()
        asyncio.run(_come_and_go(served.port, DROPPED))
        dropped = _settled_mb(served) - before
        late_dropped = lateness(served.data, began)
        unread, late_unread = _read_nothing(served, seconds)
    came, quiet = f"{DROPPED:,} that come and go", f"{UNREAD} that read nothing for {seconds} s"
    return [
        Figure(f"{came}: growth of memory", 5, dropped, "MB"),
        Figure(f"{came}: tick lateness p99", 10, late_dropped[0], "ms"),
        Figure(f"{came}: ticks missed", 0, late_dropped[1]),
        Figure(f"{quiet}: growth of memory after their buffers", 5, unread, "MB"),
        Figure(f"{quiet}: tick lateness p99", 10, late_unread[0], "ms"),
        Figure(f"{quiet}: ticks missed", 0, late_unread[1]),
    ]


async def _come_and_go(port: int, count: int) -> None:
    """Each is there for one tick, and then gone without a goodbye."""

    async def one() -> None:
        got: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heard(socket: RawSocket, _: bytes, __: float) -> None:
            if not got.done():
                got.set_result(None)

        made = await connect(_PATH, port, heard)
        await got
        made.transport.abort()

    for _ in range(count // _AT_ONCE):
        await asyncio.gather(*(one() for _ in range(_AT_ONCE)))


def _read_nothing(served: Served, seconds: int) -> tuple[float, tuple[float, int]]:
    """MB that the server grew by once their buffers were full; lateness and ticks missed."""
    began = time.time()
    clients = [_silent(served.port) for _ in range(UNREAD)]
    deadline = time.monotonic() + seconds
    time.sleep(min(20, seconds / 2))
    full = served.resident_mb()
    most = full
    while time.monotonic() < deadline:
        time.sleep(1)
        most = max(most, served.resident_mb())
    late = lateness(served.data, began)
    for client in clients:
        client.close()
    return most - full, late


def _silent(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    client.connect(("127.0.0.1", port))
    client.sendall((_HELLO % port).encode())
    return client


def _settled_mb(served: Served) -> float:
    """Memory, once it stands still for three seconds or has moved for fifteen."""
    seen = [served.resident_mb()]
    for _ in range(15):
        time.sleep(1)
        seen.append(served.resident_mb())
        if len(seen) > 3 and max(seen[-4:]) - min(seen[-4:]) < 0.2:
            break
    return seen[-1]


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    figures = crowd(parser.parse_args().seconds)
    print(machine_speed(), file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
