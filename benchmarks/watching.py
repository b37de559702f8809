"""The viewers of `benchmarks.viewers`, as a process of their own.

A delivery is the time from the second that a tick is of until its last byte is with a viewer. Run
as `python -m benchmarks.watching KIND PORT COUNT SECONDS`: it prints when measuring begins and
ends, and what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.clients import Connection
from benchmarks.raw_socket import RawSocket, connect

_SETTLE_SECONDS = 5
# As the page does.
_PRESENT_SECONDS = 20


class Seen:
    """What all viewers have got since it was cleared."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """From now on."""
        self.taken: list[float] = []
        self.ticks: dict[float, int] = {}
        self.bytes = 0

    def tick(self, tick: float, size: int, arrived: float) -> None:
        """A viewer has a tick."""
        self.taken.append(1000 * (arrived - tick))
        self.ticks[tick] = self.ticks.get(tick, 0) + 1
        self.bytes += size

    def figures(self, count: int) -> dict[str, float | int]:
        """Quantiles in ms; ticks that were due to someone and did not come."""
        whole = sorted(self.ticks)[1:-1]
        due = count * len(whole)
        return {
            "p50": float(np.quantile(self.taken, 0.5)),
            "p99": float(np.quantile(self.taken, 0.99)),
            "due": due,
            "missed": due - sum(self.ticks[tick] for tick in whole),
            "kilobytes": self.bytes / len(self.taken) / 1000,
        }


async def _viewer(port: int, _: int, seen: Seen) -> RawSocket:
    def heard(_: RawSocket, message: bytes, arrived: float) -> None:
        head, found, rest = message[:80].partition(b'"time":"')
        if found and len(head) < 5:
            tick = datetime.fromisoformat(rest[: rest.index(b'"')].decode()).timestamp()
            seen.tick(tick, len(message), arrived)

    return await connect("/ws/system-metrics", port, heard)


def _dashboard(
    callbacks: dict[str, str],
) -> Callable[[int, int, Seen], Awaitable[RawSocket]]:
    async def dashboard(port: int, number: int, seen: Seen) -> RawSocket:
        def heard(_: RawSocket, message: bytes, arrived: float) -> None:
            if b'"snapshot"' not in message:
                return
            sent = json.loads(message)
            for one in sent if isinstance(sent, list) else [sent]:
                if one["payload"].get("componentId") == "snapshot":
                    tick = one["payload"]["props"]["data"]["time"] / 1000
                    seen.tick(tick, len(message), arrived)

        socket = await connect("/_dash-ws-callback", port, heard)
        socket.say(_request(callbacks["push"], number))
        asyncio.get_running_loop().call_soon(_present, socket, callbacks["present"], number)
        return socket

    return dashboard


def _present(socket: RawSocket, output: str, number: int) -> None:
    if socket.closed:
        return
    word = {"visible": True, "mode": "single"}
    socket.say(_request(output, number, [{"id": "present", "property": "data", "value": word}]))
    asyncio.get_running_loop().call_later(_PRESENT_SECONDS, _present, socket, output, number)


def _request(output: str, number: int, inputs: list[dict[str, Any]] | None = None) -> object:
    return {
        "type": "callback_request",
        "rendererId": f"renderer-{number}",
        "requestId": f"request-{time.monotonic_ns()}",
        "payload": {
            "output": output,
            "outputs": [],
            "inputs": inputs or [],
            "state": [{"id": "viewer", "property": "data", "value": f"viewer-{number}"}],
            "changedPropIds": ["present.data"] if inputs else [],
        },
    }


async def _dash_callbacks(port: int) -> dict[str, str]:
    async with Connection(port) as connection:
        _, body = await connection.get("/_dash-dependencies")
    sockets = [callback for callback in json.loads(body) if callback.get("websocket")]
    return {
        "push": next(one["output"] for one in sockets if one["persistent"]),
        "present": next(one["output"] for one in sockets if one["inputs"]),
    }


async def watch(kind: str, port: int, count: int, seconds: int) -> None:
    """Open all, let them settle, and print what they saw."""
    seen = Seen()
    opener = _dashboard(await _dash_callbacks(port)) if kind == "dashboards" else _viewer
    sockets = [await opener(port, number, seen) for number in range(count)]
    await asyncio.sleep(_SETTLE_SECONDS)
    seen.clear()
    print(time.time(), flush=True)
    await asyncio.sleep(seconds)
    print(time.time(), flush=True)
    closed = sum(socket.closed for socket in sockets)
    print(json.dumps({**seen.figures(count), "closed": closed}), flush=True)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], *map(int, sys.argv[2:])))
