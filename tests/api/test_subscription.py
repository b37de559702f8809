"""What a client says over the WebSocket, driven message by message over a real live.db."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from monitor.api import audience
from monitor.api.encode import encoded
from monitor.api.stream import BAD_PARAMETERS, SILENT, TALKATIVE
from tests.api.test_current_values import FIRST, SECOND, Served
from tests.api.test_push import LONG, Wire, drive, taken

MACHINE = {"host", "cores", "zones", "rails", "disks", "interfaces"}
PARTS = {
    "": {"time", "gpus", "processes"} | MACHINE,
    "only=gpus": {"time", "gpus", "processes"},
    "only=host": {"time"} | MACHINE,
}


def says(wire: Wire, message: object) -> None:
    wire.say("websocket.receive", text=json.dumps(message))


async def closed(wire: Wire) -> int:
    """The code that it is closed with, whatever is sent before."""

    async def heard() -> int:
        while (said := await wire.hear())["type"] == "websocket.send":
            pass
        return int(said["code"])

    return await asyncio.wait_for(heard(), LONG)


async def goodbye(wire: Wire) -> None:
    wire.say("websocket.disconnect", code=1000)
    await wire.ended()


@pytest.mark.parametrize("query", PARTS)
def test_a_part_is_pushed_with_what_it_has_and_nothing_else(tmp_path: Path, query: str) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, query).accepted()
        tick = await wire.hear_tick()
        assert set(tick) == PARTS[query]
        whole = served.get("all")
        assert tick == {part: whole[part] for part in tick}
        await goodbye(wire)

    drive(tmp_path, act)


def test_some_gpus_alone(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, "only=gpus&gpu=1").accepted()
        tick = await wire.hear_tick()
        assert set(tick) == PARTS["only=gpus"]
        assert [gpu["device"] for gpu in tick["gpus"]] == [SECOND]
        await goodbye(wire)

    drive(tmp_path, act)


@pytest.mark.parametrize(
    ("message", "gpus"),
    [
        ({"gpu": [1]}, [SECOND]),
        ({"gpu": [FIRST, "1"]}, [FIRST, SECOND]),
        ({}, [FIRST, SECOND]),
        ({"only": "host"}, None),
    ],
)
def test_a_subscription_is_changed_by_a_message_and_its_tick_comes_at_once(
    tmp_path: Path, message: dict[str, Any], gpus: list[str] | None
) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, "gpu=0").accepted()
        await wire.hear_tick()
        says(wire, {"subscribe": message})
        agreed = (await wire.hear_tick())["subscribed"]
        named = [str(gpu) for gpu in message.get("gpu", [])]
        assert agreed == {"gpu": named, "only": message.get("only")}
        for second in range(2):
            if second:
                await taken(served, second)
            tick = await wire.hear_tick()
            found = [gpu["device"] for gpu in tick["gpus"]] if "gpus" in tick else None
            assert found == gpus
        await goodbye(wire)

    drive(tmp_path, act)


BAD = [
    ("hello", "JSON"),
    ("[1]", "Input should be an object"),
    ("{}", "either subscribe or ping"),
    ('{"subscribe": {}, "ping": 1}', "either subscribe or ping"),
    ('{"subscrib": {}}', "subscrib: Extra inputs are not permitted"),
    ('{"subscribe": {"gpus": [0]}}', "subscribe.gpus: Extra inputs are not permitted"),
    ('{"subscribe": {"gpu": 0}}', "subscribe.gpu: Input should be a valid array"),
    ('{"subscribe": {"gpu": [true]}}', "subscribe.gpu.0: Input should be a valid string"),
    ('{"subscribe": {"only": "disks"}}', "subscribe.only: Input should be 'gpus' or 'host'"),
    ('{"subscribe": {"gpu": [0], "only": "host"}}', "left out where only is host"),
    ('{"subscribe": {"gpu": [9]}}', "No GPU is '9'. There are: 0 (GPU-aaaa)"),
    (json.dumps({"subscribe": {"gpu": [0] * 65}}), "at most 64 items"),
    ('{"ping": {"a": 1}}', "ping"),
    (None, "text, not binary"),
]


def test_a_bad_message_is_answered_with_what_is_allowed_and_changes_nothing(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served, "gpu=1").accepted()
        await wire.hear_tick()
        for text, part in BAD:
            if text is None:
                wire.say("websocket.receive", bytes=b"\x00")
            else:
                wire.say("websocket.receive", text=text)
            error = (await wire.hear_tick())["error"]
            assert part in error["detail"]
            assert error["status"] in (404, 422)
            assert error["type"].startswith("/problems/")
            if error["status"] == 422:
                assert '{"subscribe": {"gpu": [0, 2], "only": "gpus"}}' in error["detail"]
        await taken(served, 1)
        assert [gpu["device"] for gpu in (await wire.hear_tick())["gpus"]] == [SECOND]
        await goodbye(wire)

    drive(tmp_path, act)


def test_an_address_that_asks_for_what_there_is_not_is_told(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        for query in ("gpus=0", "only=disks", "only=host&gpu=0", "gpu="):
            wire = await Wire(served, query).accepted()
            said = await wire.hear()
            assert said["code"] == BAD_PARAMETERS
            assert query.split("=")[0] in said["reason"]
            await wire.ended()

    drive(tmp_path, act)


def test_a_ping_is_answered_with_what_it_said(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        for ping in (7, "noon"):
            says(wire, {"ping": ping})
            assert await wire.hear_tick() == {"pong": ping}
        await goodbye(wire)

    drive(tmp_path, act)


def test_without_ticks_the_server_says_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "HEARTBEAT_SECONDS", 0.05)

    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        assert set(await wire.hear_tick()) == {"heartbeat"}
        await taken(served, 1)
        while "heartbeat" in (message := await wire.hear_tick()):
            pass
        assert message["gpus"]
        await goodbye(wire)

    drive(tmp_path, act)


def test_a_client_that_has_pinged_and_is_silent_has_gone_and_one_that_never_did_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(audience, "HEARTBEAT_SECONDS", 0.02)

    async def act(served: Served) -> None:
        plain = await Wire(served).accepted()
        wire = await Wire(served).accepted()
        says(wire, {"ping": 1})
        assert await closed(wire) == SILENT
        await wire.ended()
        assert not plain.task.done()
        await goodbye(plain)

    drive(tmp_path, act)


def test_a_client_that_takes_nothing_any_more_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(audience, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr("monitor.api.stream._GOODBYE_SECONDS", 0.05)

    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        await wire.hear_tick()
        wire.open.clear()
        await wire.ended()

    drive(tmp_path, act)


def test_a_client_that_talks_without_end_is_told_to_go(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        wire = await Wire(served).accepted()
        for _ in range(31):
            says(wire, {"ping": 1})
        assert await closed(wire) == TALKATIVE
        await wire.ended()

    drive(tmp_path, act)


def test_those_who_want_the_same_are_sent_the_very_same_text(tmp_path: Path) -> None:
    async def act(served: Served) -> None:
        await taken(served, 1)
        tick = encoded(served.current)
        for asked, other in (((), ()), (("0",), (FIRST,)), (("0", "1"), ("1", FIRST))):
            assert tick.pushed(asked, None) is tick.pushed(other, None)
            assert tick.pushed(asked, "gpus") is tick.pushed(other, "gpus")
        assert tick.pushed((), "host") is tick.pushed((), "host")

    drive(tmp_path, act)
