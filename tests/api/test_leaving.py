"""A process that is to end closes its WebSockets, whoever serves them."""

from __future__ import annotations

import asyncio
from typing import Any

from monitor.api.leaving import GOING_AWAY, Leaving, ToldSockets

SOCKET = {"type": "websocket"}


class Client:
    """A WebSocket's other end."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []

    async def take(self, message: dict[str, Any]) -> None:
        self.heard.append(message)


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message["text"]})
    await send({"type": "websocket.send", "text": "too late"})


def test_a_socket_is_served_until_the_process_is_to_end() -> None:
    async def play() -> list[dict[str, Any]]:
        client, leaving = Client(), Leaving()
        served = asyncio.ensure_future(
            ToldSockets(_echo, leaving)(SOCKET, client.said.get, client.take)
        )
        for word in ("one", "two"):
            client.said.put_nowait({"type": "websocket.receive", "text": word})
        while len(client.heard) < 2:
            await asyncio.sleep(0)
        leaving.say()
        await asyncio.wait_for(served, 10)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return client.heard

    assert asyncio.run(play()) == [
        {"type": "websocket.send", "text": "one"},
        {"type": "websocket.send", "text": "two"},
        {"type": "websocket.close", "code": GOING_AWAY},
    ]


def test_one_whose_client_goes_first_leaves_nothing_behind() -> None:
    async def play() -> list[dict[str, Any]]:
        client = Client()
        client.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(
            ToldSockets(_echo, Leaving())(SOCKET, client.said.get, client.take), 10
        )
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return client.heard

    assert asyncio.run(play()) == [{"type": "websocket.send", "text": "too late"}]


def test_a_request_ends_by_itself() -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send(await receive())

    async def play() -> list[dict[str, Any]]:
        client, leaving = Client(), Leaving()
        leaving.say()
        client.said.put_nowait({"type": "http.request"})
        await asyncio.wait_for(
            ToldSockets(answer, leaving)({"type": "http"}, client.said.get, client.take), 10
        )
        return client.heard

    assert asyncio.run(play()) == [{"type": "http.request"}]
