"""What is asked of Dash: a request of the page, or refused before Dash fails at it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from starlette.websockets import WebSocketDisconnect

from monitor.access import frames
from monitor.access.updates import UPDATE
from tests.access.gated import ASKED, client

MANY = {
    "output": "many.children",
    "outputs": [[{"id": {"type": "a"}, "property": "children"}]],
    "inputs": [[{"id": {"type": "a"}, "property": "data", "value": 1}]],
    "changedPropIds": [],
}
DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]
JSON = {"Content-Type": "application/json"}
WRONG = [
    None,
    5,
    [],
    {},
    {"output": 5},
    {**ASKED, "output": "theme.data", "inputs": [], "state": []},
    {**ASKED, "output": "elsewhere.data"},
    {**ASKED, "inputs": []},
    {**ASKED, "inputs": "poll"},
    {**ASKED, "inputs": [5]},
    {**ASKED, "inputs": [{"id": "poll", "property": "disabled"}]},
    {**ASKED, "inputs": [{"id": {"a": 1}, "property": "n_intervals"}]},
    {**ASKED, "state": None},
    {**ASKED, "state": ASKED["state"] * 2},
    {**ASKED, "changedPropIds": [5]},
    {**ASKED, "changedPropIds": "poll.n_intervals"},
    {**ASKED, "outputs": 5},
    {**ASKED, "outputs": [{"id": 5, "property": "data"}]},
    {**ASKED, "outputs": DEEP},
    {**MANY, "inputs": [[5]]},
]


@pytest.mark.parametrize("asked", [ASKED, MANY], ids=["one", "many"])
def test_the_page_is_understood(asked: dict[str, object]) -> None:
    body = orjson.dumps(asked)
    assert client().post(UPDATE, content=body, headers=JSON).text == str(len(body))


@pytest.mark.parametrize("asked", WRONG, ids=lambda asked: str(asked)[:80])
def test_what_no_page_asks_is_refused(asked: object) -> None:
    answer = client().post(UPDATE, content=orjson.dumps(asked), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-update")


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert client().post(UPDATE, content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_any_page_may_send_unasked_is_refused(kind: str) -> None:
    headers = {"Content-Type": kind}
    assert client().post(UPDATE, content=orjson.dumps(ASKED), headers=headers).status_code == 400


def closes(message: object) -> int:
    """With which code the socket is closed; 0 where the message got through."""
    with client().websocket_connect("ws://localhost/_dash-ws-callback") as socket:
        socket.receive_text()
        socket.send_text(orjson.dumps(message).decode())
        try:
            socket.receive_text()
        except WebSocketDisconnect as closed:
            return closed.code
        return 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "callback_request", "requestId": "1", "payload": ASKED}, 0),
        ({"type": "callback_request", "payload": ASKED}, frames.NOT_UNDERSTOOD),
        ({"type": "callback_request", "requestId": "1", "payload": MANY}, frames.NOT_UNDERSTOOD),
        ({"type": "callback_request", "requestId": [], "payload": ASKED}, frames.NOT_UNDERSTOOD),
        ({"type": "unheard-of"}, 0),
    ],
    ids=["known", "without id", "not over a socket", "odd id", "unknown kind"],
)
def test_a_socket_is_closed_at_what_no_page_says(message: object, code: int) -> None:
    assert closes(message) == code
