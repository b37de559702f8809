"""How often, how much, how many at once; and what each answer tells the browser."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from monitor.access import frames
from monitor.access.bodies import LARGEST
from monitor.access.gate import Gate
from monitor.access.known import TRIES
from monitor.access.limits import Buckets, Open, client_of
from tests.access.gated import ACT, BOTH, OPERATOR, VIEWER, WHO, answers, bearer, client, gated

AWAY = "203.0.113.7"
SOCKET = "ws://127.0.0.1:8050/ws/system-metrics"
DASH = "ws://127.0.0.1:8050/_dash-ws-callback"


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    buckets = Buckets(0.5, 3, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 2]
    assert buckets.wait("a") == 2
    assert buckets.take("b") == 0
    now[0] = 2.0
    assert buckets.wait("a") == 0
    assert [buckets.take("a") for _ in range(2)] == [0, 2]
    now[0] = 1000.0
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 2]


def test_remembered_clients_are_bounded_and_the_busy_one_stays() -> None:
    buckets = Buckets(0.001, 1, most=10, clock=lambda: 0.0)
    buckets.take("busy")
    for number in range(1000):
        buckets.take(str(number))
        assert buckets.take("busy")
    assert len(buckets) == 10


def test_what_is_open_is_counted_and_forgotten() -> None:
    held = Open(3, 2)
    for name in ("a", "a", "b"):
        held.enter(name)
    assert held.full()
    assert held.has_share("a")
    assert not held.has_share("b")
    for name in ("a", "b", "a"):
        held.leave(name)
    assert (held.total, held._of) == (0, {})


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_one_client_is_an_address_or_a_network(address: str, counted: str) -> None:
    assert client_of(address) == counted


def gate_of(found: TestClient) -> Gate:
    """What stands before the application, once it has been asked something."""
    found.get(WHO)
    gate: Gate = found.app.middleware_stack.app
    return gate


def stand_still(found: TestClient) -> None:
    """No bucket fills again."""
    gate = gate_of(found)
    for buckets in (gate.door.tries, gate._rate):
        if buckets is not None:
            buckets._clock = lambda: 0.0
            buckets._left.clear()


def test_wrong_tokens_are_slow_to_try_and_leave_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = client(*BOTH, "--rate-limit", "0", peer=AWAY)
    found.get("/", params={"token": VIEWER})
    stand_still(found)
    wrong = [(AWAY, bearer(f"wrong-token-{number}")) for number in range(10_000)]
    with caplog.at_level(logging.DEBUG):
        statuses = answers(found.app, wrong)
        # As long as it lasts, the right one is not told from a wrong one.
        limited = found.get(WHO, headers=bearer(OPERATOR))
    assert statuses == [401] * TRIES + [429] * (10_000 - TRIES)
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "10"
    assert limited.json()["type"] == "/problems/too-many-tries"
    assert found.get("/", params={"token": OPERATOR}).status_code == 429
    assert found.post("/", data={"token": OPERATOR}).status_code == 429
    told = [
        record.getMessage() for record in caplog.records if "wrong token" in record.getMessage()
    ]
    assert len(told) == statuses.count(401)
    assert told[0] == f"A wrong token came from {AWAY}."
    assert "wrong-token-" not in caplog.text
    # Who has signed in from there is not locked out, nor is anyone elsewhere.
    assert found.get(WHO).json()["role"] == "VIEWER"


def test_wrong_tokens_from_everywhere_are_remembered_for_a_bounded_number() -> None:
    app = gated(*BOTH)
    chains = [f"198.{number // 250}.{number % 250}.1" for number in range(5000)]
    tries = [("127.0.0.1", {**bearer("wrong"), "X-Forwarded-For": chain}) for chain in chains]
    assert set(answers(app, tries)) == {401}
    gate = app.middleware_stack.app
    assert (len(gate.door.tries), len(gate._rate)) == (4096, 4096)


def test_requests_of_one_client_are_limited_and_this_machine_is_not() -> None:
    found = client(*BOTH, "--rate-limit", "0.2", peer=AWAY)
    stand_still(found)
    statuses = [found.get(WHO, headers=bearer(OPERATOR)).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    limited = found.get(WHO, headers=bearer(OPERATOR))
    assert limited.json()["type"] == "/problems/too-many-requests"
    assert limited.headers["retry-after"] == "5"
    own = client(*BOTH, "--rate-limit", "0.2")
    assert {own.get(WHO, headers=bearer(OPERATOR)).status_code for _ in range(9)} == {200}
    stand_still(own)
    through = {**bearer(OPERATOR), "X-Forwarded-For": AWAY}
    assert [own.get(WHO, headers=through).status_code for _ in range(3)] == [200, 200, 429]
    unlimited = client(*BOTH, "--rate-limit", "0", peer=AWAY)
    assert {unlimited.get(WHO, headers=bearer(OPERATOR)).status_code for _ in range(9)} == {200}


def test_a_page_and_fifty_clients_of_one_host_are_within_the_limit() -> None:
    assert set(answers(gated(*BOTH), [(AWAY, bearer(OPERATOR))] * 500)) == {200}


@contextlib.contextmanager
def sockets(found: TestClient, number: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            socket = stack.enter_context(found.websocket_connect(SOCKET, headers=bearer(OPERATOR)))
            socket.receive_text()
        yield


def refused_socket(found: TestClient) -> tuple[int, str]:
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        found.websocket_connect(SOCKET, headers=bearer(OPERATOR)),
    ):
        pass
    return refused.value.status_code, refused.value.json()["type"]


def test_one_client_has_its_share_of_what_is_open() -> None:
    found = client(*BOTH, "--max-connections", "32", peer=AWAY)
    with sockets(found, 8):
        assert refused_socket(found) == (429, "/problems/too-many-open")
        assert found.get(WHO, headers=bearer(OPERATOR)).status_code == 429
    with sockets(found, 8):
        pass


def test_there_is_an_end_to_what_is_open() -> None:
    found = client(*BOTH, "--max-connections", "16")
    with sockets(found, 16):
        assert refused_socket(found) == (503, "/problems/no-room")
        full = found.get(WHO, headers=bearer(OPERATOR))
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    assert found.get(WHO, headers=bearer(OPERATOR)).status_code == 200


def test_a_stranger_is_not_another_client_for_saying_so() -> None:
    found = client(*BOTH, "--rate-limit", "0.2", peer=AWAY)
    stand_still(found)
    said = [{**bearer(OPERATOR), "X-Forwarded-For": f"198.51.100.{number}"} for number in range(3)]
    assert [found.get(WHO, headers=headers).status_code for headers in said] == [200, 200, 429]


def test_what_has_been_answered_is_no_longer_open() -> None:
    found = client("--max-connections", "16", raise_server_exceptions=False)
    assert {found.get("/api/v1/fault").status_code for _ in range(20)} == {500}
    assert {found.get(WHO).status_code for _ in range(20)} == {200}
    assert gate_of(found)._open.total == 0


def test_a_body_has_a_greatest_size_announced_or_not() -> None:
    found = client()
    whole = found.post(ACT, content=b"x" * LARGEST)
    assert whole.text == str(LARGEST)
    announced = found.post(ACT, content=b"x" * (LARGEST + 1))
    assert (announced.status_code, announced.json()["type"]) == (413, "/problems/body-too-large")
    assert announced.headers["connection"] == "close"
    parts = found.post(ACT, content=(b"x" * 1000 for _ in range(3)))
    assert parts.text == "3000"
    unannounced = found.post(ACT, content=(b"x" * 65_536 for _ in range(LARGEST // 65_536 + 1)))
    assert unannounced.status_code == 413
    for wrong in ("-1", "1e3", "+5", "0x10", "", "9" * 30):
        answer = found.post(ACT, content=b"", headers={"Content-Length": wrong})
        assert answer.status_code in {400, 413}, wrong


def test_a_form_to_sign_in_is_small() -> None:
    refused = client(*BOTH).post("/", data={"token": "x" * 5000})
    assert refused.status_code == 413


def test_addresses_and_headers_have_a_greatest_size() -> None:
    found = client()
    assert found.get(WHO, params={"gpu": "x" * 8000}).status_code == 200
    assert found.get(WHO, params={"gpu": "x" * 9000}).status_code == 414
    assert found.get(WHO, headers={"X-Long": "x" * 30_000}).status_code == 200
    assert found.get(WHO, headers={"X-Long": "x" * 33_000}).status_code == 431
    many = [("X-Many", "x" * 20) for _ in range(2000)]
    assert found.get(WHO, headers=many).status_code == 431


@pytest.mark.parametrize("path", ["/assets/%00", "/a%0d%0aSet-Cookie:x", "/%7f"])
def test_a_path_has_no_control_characters(path: str) -> None:
    assert client().get(path).status_code == 400


@pytest.mark.parametrize(
    ("url", "said", "code"),
    [
        (SOCKET, "x" * (frames.LARGEST + 1), frames.TOO_BIG),
        (DASH, '{"type":"heartbeat","pad":"' + "x" * frames.LARGEST + '"}', frames.TOO_BIG),
        (DASH, "nonsense", frames.NOT_UNDERSTOOD),
        (DASH, "[]", frames.NOT_UNDERSTOOD),
        (DASH, '"text"', frames.NOT_UNDERSTOOD),
        (DASH, '{"type":"callback_request","payload":5}', frames.NOT_UNDERSTOOD),
        (DASH, '{"type":"callback_request"}', frames.NOT_UNDERSTOOD),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_frame_that_may_not_be_closes_the_socket(url: str, said: str, code: int) -> None:
    with client().websocket_connect(url) as socket:
        socket.receive_text()
        socket.send_text('{"type":"heartbeat"}')
        assert socket.receive_text() == '{"type":"heartbeat"}'
        socket.send_text(said)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert closed.value.code == code


EVERY = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


@pytest.mark.parametrize("path", ["/", WHO, "/nothing", "/api/v1/fault", "/x?token=no", "/metrics"])
@pytest.mark.parametrize("options", [(), BOTH], ids=["open", "closed"])
def test_every_answer_tells_the_browser_what_to_refuse(path: str, options: tuple[str]) -> None:
    for accept in ("*/*", "text/html"):
        found = client(*options, raise_server_exceptions=False)
        headers = found.get(path, headers={"Accept": accept}).headers
        assert EVERY.items() <= dict(headers).items()
        policy = headers["content-security-policy"]
        assert policy.count("frame-ancestors 'none'") == 1
        assert "unsafe-eval" not in policy
        [scripts] = [p for p in policy.split("; ") if p.startswith(("script-src", "default-src"))][
            -1:
        ]
        assert "unsafe-inline" not in scripts


def test_a_fault_is_told_and_not_what_it_was() -> None:
    answer = client(raise_server_exceptions=False).get("/api/v1/fault")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "purpose" not in answer.text


def test_only_named_origins_frame_and_only_what_is_for_it() -> None:
    found = client("--frame-ancestors", "https://wiki.example.org,http://10.0.0.9:3000")
    listed = "frame-ancestors 'self' https://wiki.example.org http://10.0.0.9:3000"
    assert found.get("/embed").headers["content-security-policy"].endswith(listed)
    assert found.get("/").headers["content-security-policy"].endswith("frame-ancestors 'none'")
    without = client().get("/embed").headers["content-security-policy"]
    assert without.endswith("frame-ancestors 'self'")


def test_who_has_the_token_is_let_in_beside_who_has_a_wrong_one() -> None:
    right, wrong = bearer(OPERATOR), bearer("misconfigured")
    app = gated(*BOTH)
    asked = [("10.0.0.8", right), *[("10.0.0.8", wrong)] * 200, ("10.0.0.8", right)]
    found = answers(app, asked)
    assert found == [200, *[401] * 10, *[429] * 190, 200]
    # Another right token is no better than a wrong one: a guess is not told that it was right.
    assert answers(app, [("10.0.0.8", bearer(VIEWER))]) == [429]
    assert answers(app, [("10.0.0.8", right)]) == [200]


def test_guesses_beside_a_right_token_are_slow_too() -> None:
    asked = [("10.0.0.8", bearer(OPERATOR))]
    asked += [("10.0.0.8", bearer(f"guess-number-{number}")) for number in range(1000)]
    asked += [("10.0.0.8", bearer(OPERATOR))]
    found = answers(gated(*BOTH), asked)
    assert found == [200, *[401] * 10, *[429] * 991]
