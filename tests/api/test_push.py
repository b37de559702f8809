"""The WebSocket's endpoint, driven message by message over a real live.db."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.api.stream import BAD_PARAMETERS, GOING_AWAY, TOO_BIG
from monitor.metrics import TABLES
from monitor.sources.base import DeviceState
from tests.api.test_current_values import FIRST, NOW, SECOND, Served, full_row, note

HOST = b"monitor.example:8050"
LONG = 10.0


class Wire:
    """A client as ASGI has it. While `open` is clear, it takes nothing more."""

    def __init__(self, served: Served, query: str = "") -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.blocked = asyncio.Event()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.say("websocket.connect")
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/ws/system-metrics",
            "raw_path": b"/ws/system-metrics",
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", HOST)],
            "subprotocols": [],
        }
        self.task = asyncio.ensure_future(served.client.app(scope, self._said.get, self._send))

    def say(self, kind: str, **more: object) -> None:
        self._said.put_nowait({"type": kind, **more})

    async def _send(self, message: dict[str, Any]) -> None:
        if not self.open.is_set():
            self.blocked.set()
            await self.open.wait()
        self._heard.put_nowait(message)

    async def hear(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._heard.get(), LONG)

    async def hear_tick(self) -> dict[str, Any]:
        return json.loads((await self.hear())["text"])

    async def accepted(self) -> Wire:
        assert (await self.hear())["type"] == "websocket.accept"
        return self

    async def ended(self) -> None:
        await asyncio.wait_for(self.task, LONG)


def write(served: Served, second: int) -> None:
    rows = [{**full_row(TABLES["gpu"], FIRST), "power_watts": float(second)}]
    rows.append({"device": SECOND, "index": 1})
    served.journal.append(NOW + 1000 * second, {"gpu": rows, "host": [{"device": "host"}]})


async def taken(served: Served, second: int) -> None:
    """Write a tick, and wait until the follower has it."""
    write(served, second)
    while served.follower.latest.time != NOW + 1000 * second:
        await asyncio.wait_for(served.follower.next(served.follower.latest.sequence), LONG)


def drive(folder: Path, act: Callable[[Served], Awaitable[None]]) -> None:
    """Run `act` while a follower's own thread follows what it writes."""
    served = Served(folder)

    async def run() -> None:
        served.journal.put_note("recorder", note())
        served.journal.put_devices(
            [
                DeviceState("gpu", FIRST, facts={"index": 0}),
                DeviceState("gpu", SECOND, facts={"index": 1}),
            ]
        )
        served.follower.start(asyncio.get_running_loop())
        await taken(served, 0)
        before = asyncio.all_tasks()
        await act(served)
        assert asyncio.all_tasks() == before, "a task is left behind"

    try:
        asyncio.run(run())
    finally:
        if not served.follower.stopped:
            served.follower.stop()
        served.journal.close()


def test_each_tick_is_pushed_as_all_gives_it(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        for second in range(3):
            if second:
                await taken(served, second)
            tick = await wire.hear_tick()
            assert tick["gpus"][0]["power_watts"] == second
            assert tick == served.get("all")
        wire.say("websocket.disconnect", code=1000)
        await wire.ended()

    drive(tmp_path, act)


@pytest.mark.parametrize(
    ("query", "devices"),
    [("gpu=1", [SECOND]), (f"gpu={FIRST}", [FIRST]), ("gpu=1&gpu=0", [FIRST, SECOND])],
)
def test_a_filter_holds_for_every_tick(tmp_path: Path, query: str, devices: list[str]) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, query).accepted()
        for second in range(2):
            if second:
                await taken(served, second)
            assert [gpu["device"] for gpu in (await wire.hear_tick())["gpus"]] == devices
        wire.say("websocket.disconnect", code=1000)
        await wire.ended()

    drive(tmp_path, act)


def test_a_client_that_goes_ends_everything_made_for_it(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.say("websocket.disconnect", code=1006)
        await wire.ended()

    drive(tmp_path, act)


def test_a_client_that_goes_in_the_middle_of_a_tick_ends_it_too(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.open.clear()
        await taken(served, 1)
        await asyncio.wait_for(wire.blocked.wait(), LONG)
        wire.say("websocket.disconnect", code=1006)
        await wire.ended()

    drive(tmp_path, act)


def test_a_handler_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.task.cancel()
        await asyncio.wait([wire.task], timeout=LONG)
        assert wire.task.cancelled()

    drive(tmp_path, act)


def test_a_slow_client_gets_the_newest_and_not_what_it_missed(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.open.clear()
        await taken(served, 1)
        await asyncio.wait_for(wire.blocked.wait(), LONG)
        for second in (2, 3, 4):
            await taken(served, second)
        wire.open.set()
        got = [(await wire.hear_tick())["gpus"][0]["power_watts"] for _ in range(2)]
        assert got == [1.0, 4.0]
        wire.say("websocket.disconnect", code=1000)
        await wire.ended()

    drive(tmp_path, act)


def test_a_frame_that_is_long_ends_it(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.say("websocket.receive", text="x" * 4097)
        assert (await wire.hear())["code"] == TOO_BIG
        await wire.ended()

    drive(tmp_path, act)


def test_too_many_gpus_are_refused(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, "&".join(["gpu=0"] * 65)).accepted()
        assert (await wire.hear())["code"] == BAD_PARAMETERS
        await wire.ended()

    drive(tmp_path, act)


def test_a_server_that_goes_says_so(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        served.follower.stop()
        assert (await wire.hear())["code"] == GOING_AWAY
        await wire.ended()

    drive(tmp_path, act)
