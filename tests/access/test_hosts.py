"""Names, origins and proxies: who may ask, from which page, and who says so."""

from __future__ import annotations

import socket

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from tests.access.gated import ACT, ASKED, BOTH, OPERATOR, WHO, bearer, client

OWN = "http://127.0.0.1:8050"
PUBLIC = ("--trusted-hosts", "gpu.example.org,*.lab.example")
EVERYWHERE = ("--host", "0.0.0.0", *BOTH)
SOCKETS = [f"ws://127.0.0.1:8050/{path}" for path in ("ws/system-metrics", "_dash-ws-callback")]
UPDATE = "/_dash-update-component"


def asks(found: TestClient, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return found.get(WHO, headers={**bearer(OPERATOR), **sent}).status_code


@pytest.mark.parametrize(
    ("options", "host", "status"),
    [
        ((), "127.0.0.1:8050", 200),
        ((), "localhost:1", 200),
        ((), "LOCALHOST", 200),
        ((), "gpu.localhost", 200),
        ((), "[::1]:8050", 200),
        ((), "127.8.8.8", 200),
        ((), f"{socket.gethostname()}:8050", 200),
        ((), "elsewhere.example", 421),
        ((), "localhost.elsewhere.example", 421),
        ((), "127.0.0.1.elsewhere.example", 421),
        ((), "notlocalhost", 421),
        ((), "10.0.0.8", 421),
        (("--host", "10.0.0.8"), "10.0.0.8:8050", 200),
        (EVERYWHERE, "10.0.0.8:8050", 200),
        (EVERYWHERE, "elsewhere.example", 421),
        (PUBLIC, "gpu.example.org", 200),
        (PUBLIC, "gpu.example.org.:443", 200),
        (PUBLIC, "a.lab.example", 200),
        (PUBLIC, "lab.example", 421),
        (PUBLIC, "xlab.example", 421),
        (PUBLIC, "127.0.0.1", 200),
        (PUBLIC, "10.0.0.8", 421),
        ((), "", 400),
        ((), "a b", 400),
        ((), "user@localhost", 400),
        ((), "localhost/x", 400),
        ((), "localhost:x", 400),
        ((), "localhost:8050, elsewhere.example", 400),
    ],
    ids=str,
)
def test_a_name_is_ours_or_refused(options: tuple[str, ...], host: str, status: int) -> None:
    # Who may come in is not asked before.
    found = client(*BOTH, *options)
    answer = found.get(WHO, headers={**bearer(OPERATOR), "Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert found.get(WHO, headers={"Host": host}).status_code == status


@pytest.mark.parametrize("name", ["Host", "Authorization", "Origin"])
def test_what_could_be_read_in_two_ways_is_refused(name: str) -> None:
    answer = client(*BOTH).get(WHO, headers=[(name, "localhost"), (name, "localhost")])
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-header")


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (OWN, True),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:8051", False),
        ("http://localhost:8050", False),
        ("http://127.0.0.1:8050.elsewhere.example", False),
        ("http://elsewhere.example#http://127.0.0.1:8050", False),
        ("http://elsewhere.example@127.0.0.1:8050", False),
        ("file://127.0.0.1:8050", False),
        ("null", False),
        ("é", False),
    ],
)
def test_only_our_own_page_may_ask(origin: str, *, own: bool) -> None:
    found = client()
    headers = {"Origin": origin.encode("latin-1")}
    assert (found.post(ACT, headers=headers).status_code == 200) is own
    assert (found.post(UPDATE, json=ASKED, headers=headers).status_code == 200) is own
    assert found.get(WHO, headers=headers).status_code == 200
    for path in SOCKETS:
        if own:
            with found.websocket_connect(path, headers=headers) as socket:
                assert socket.receive_text() == "OPERATOR"
        else:
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                found.websocket_connect(path, headers=headers),
            ):
                pass
            assert refused.value.status_code == 403


def test_a_default_port_may_be_written() -> None:
    found = client(at="http://localhost")
    assert found.post(ACT, headers={"Origin": "http://localhost:80"}).status_code == 200
    assert found.post(ACT, headers={"Origin": "https://localhost:80"}).status_code == 403


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)],
)
def test_without_an_origin_the_browser_says_whose_page_asks(site: str, status: int) -> None:
    assert client().post(ACT, headers={"Sec-Fetch-Site": site}).status_code == status


def test_a_cookie_alone_changes_nothing_and_a_bearer_token_does() -> None:
    found = client(*BOTH)
    assert found.post(ACT, headers=bearer(OPERATOR)).status_code == 200
    found.get("/", params={"token": OPERATOR})
    refused = found.post(ACT)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/other-origin")
    assert found.post(ACT, headers={"Origin": OWN}).status_code == 200
    assert found.post(ACT, headers={"Origin": "http://e.example"}).status_code == 403
    # A program on this machine sends nothing by itself.
    assert client().post(ACT).status_code == 200


@pytest.mark.parametrize("path", SOCKETS)
def test_a_socket_needs_a_token_too(path: str) -> None:
    found = client(*BOTH)
    with pytest.raises(WebSocketDenialResponse) as refused, found.websocket_connect(path):
        pass
    assert refused.value.status_code == 401
    with found.websocket_connect(path, headers=bearer(OPERATOR)) as socket:
        assert socket.receive_text() == "OPERATOR"
    found.get("/", params={"token": "viewer-token"})
    with found.websocket_connect(path) as socket:
        assert socket.receive_text() == "VIEWER"
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        found.websocket_connect(f"{path}?token={OPERATOR}"),
    ):
        pass
    assert refused.value.status_code == 400


THROUGH = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


def test_on_this_machine_alone_everyone_is_an_operator() -> None:
    assert client().get(WHO).json()["role"] == "OPERATOR"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded"]
)
def test_nobody_comes_through_a_proxy_while_no_token_is_set(header: str) -> None:
    refused = client().get(WHO, headers={header: "localhost"})
    assert refused.status_code == 403
    assert "--proxy-access" in refused.json()["detail"]


def test_a_name_of_others_or_a_peer_from_elsewhere_ends_the_openness() -> None:
    assert client(*PUBLIC).get(WHO).status_code == 401
    assert client(peer="10.0.0.9").get(WHO).status_code == 403


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7, nonsense", "127.0.0.1"),
        ("10.0.0.9", "203.0.113.7", "10.0.0.9"),
    ],
)
def test_the_client_is_whom_a_trusted_proxy_names(peer: str, forwarded: str, counted: str) -> None:
    found = client(*BOTH, peer=peer)
    headers = {**bearer(OPERATOR), "X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    told = found.get(WHO, headers=headers).json()
    assert told["client"] == counted
    assert told["scheme"] == ("http" if counted == "10.0.0.9" else "https")


def test_a_forwarded_name_must_be_trusted_beside_the_other() -> None:
    found = client(*BOTH, *PUBLIC)
    public = {"X-Forwarded-Host": "gpu.example.org"}
    told = found.get(WHO, headers={**bearer(OPERATOR), **public})
    assert told.json()["host"] == "gpu.example.org"
    assert found.post(
        ACT, headers={**bearer("operator-token"), **public, "Origin": "https://gpu.example.org"}
    ).is_success
    assert asks(found, X_Forwarded_Host="elsewhere.example") == 421
    assert asks(found, X_Forwarded_Host="gpu.example.org", Host="elsewhere.example") == 421
    stranger = client(*BOTH, *PUBLIC, peer="10.0.0.9")
    told = stranger.get(WHO, headers={**bearer(OPERATOR), **public})
    assert told.json()["host"] == "127.0.0.1:8050"


@pytest.mark.parametrize(("access", "role"), [("viewer", "VIEWER"), ("operator", "OPERATOR")])
def test_a_proxy_may_do_the_access(access: str, role: str) -> None:
    found = client("--proxy-access", access, *PUBLIC)
    assert found.get(WHO, headers=THROUGH).json()["role"] == role
    assert found.post(ACT, headers=THROUGH).status_code == 403
    own = {**THROUGH, "Host": "gpu.example.org", "Origin": "https://gpu.example.org"}
    assert found.post(ACT, headers=own).status_code == (200 if role == "OPERATOR" else 403)
    plain = {**own, "Origin": "http://gpu.example.org"}
    assert found.post(ACT, headers=plain).status_code == 403
    assert client("--proxy-access", access, peer="10.0.0.9").get(WHO).status_code == 401


def test_a_token_gives_more_than_the_proxy() -> None:
    found = client("--proxy-access", "viewer", "--token", OPERATOR)
    assert found.get(WHO).json()["role"] == "VIEWER"
    assert found.get(WHO, headers=bearer(OPERATOR)).json()["role"] == "OPERATOR"
    found.get("/", params={"token": OPERATOR})
    assert found.get(WHO).json()["role"] == "OPERATOR"
