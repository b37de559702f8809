"""Tokens: how one is shown, where it may not be, and the cookie that stands for it."""

from __future__ import annotations

import time
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from monitor.access.address import same_page
from monitor.access.roles import Role
from monitor.access.sessions import LASTS_SECONDS, Sessions, Tokens
from tests.access.gated import ACT, BOTH, OPERATOR, VIEWER, WHO, bearer, client

HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
def asked() -> TestClient:
    return client(*BOTH)


def signed_in(token: str, *options: str, **more: str) -> TestClient:
    found = client(*BOTH, *options, **more)
    assert found.get("/", params={"token": token}).status_code == 303
    return found


@pytest.mark.parametrize(("token", "role"), [(OPERATOR, "OPERATOR"), (VIEWER, "VIEWER")])
def test_a_token_gives_its_role(asked: TestClient, token: str, role: str) -> None:
    assert asked.get(WHO, headers=bearer(token)).json()["role"] == role


def test_a_viewer_changes_nothing_and_an_operator_does(asked: TestClient) -> None:
    refused = asked.post(ACT, headers=bearer(VIEWER))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/operator-needed")
    assert asked.post(ACT, headers=bearer(OPERATOR)).status_code == 200


@pytest.mark.parametrize("path", ["/", WHO, "/metrics", "/assets/live.js", "/bootstrap/x", "/x"])
def test_an_outsider_gets_nothing(asked: TestClient, path: str) -> None:
    refused = asked.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/problems/token-needed"


def test_a_browser_gets_a_page_to_sign_in(asked: TestClient) -> None:
    refused = asked.get("/", headers=HTML)
    assert refused.status_code == 401
    assert '<form method="post">' in refused.text
    assert 'role="alert"' not in refused.text
    assert "script" not in refused.text
    assert asked.get(WHO, headers=HTML).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("shown", ["nobody-knows", "", "operator-toke", "operator-token2"])
def test_a_wrong_token_is_refused(asked: TestClient, shown: str) -> None:
    refused = asked.get(WHO, headers=bearer(shown))
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/wrong-token")
    assert asked.get("/", params={"token": shown}).status_code == 401


@pytest.mark.parametrize(
    "value", [f"bearer {OPERATOR}", f"BEARER  {OPERATOR} "], ids=["small", "capitals"]
)
def test_a_scheme_has_no_case(asked: TestClient, value: str) -> None:
    assert asked.get(WHO, headers={"Authorization": value}).status_code == 200


def test_a_login_of_a_proxy_is_not_ours(asked: TestClient) -> None:
    refused = asked.get(WHO, headers={"Authorization": "Basic b3BlcmF0b3I6eA=="})
    assert refused.json()["type"] == "/problems/token-needed"
    asked.get("/", params={"token": VIEWER})
    assert asked.get(WHO, headers={"Authorization": "Basic eDp5"}).json()["role"] == "VIEWER"


def test_a_token_in_the_address_becomes_a_cookie(asked: TestClient) -> None:
    back = asked.get("/system-monitor?mode=compare&token=viewer-token&gpu=1")
    assert (back.status_code, back.headers["location"]) == (
        303,
        "./system-monitor?mode=compare&gpu=1",
    )
    assert VIEWER not in str(back.headers)
    cookie = back.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert asked.get(WHO).json()["role"] == "VIEWER"


def test_the_cookie_is_for_the_path_and_scheme_of_the_proxy() -> None:
    found = client(*BOTH, "--url-prefix", "/monitor/", "--trusted-hosts", "gpu.example.org")
    headers = {"Host": "gpu.example.org", "X-Forwarded-Proto": "https"}
    cookie = found.get("/", params={"token": VIEWER}, headers=headers).headers["set-cookie"]
    assert {"Secure", "Path=/monitor/"} <= set(cookie.split("; "))


def test_in_a_frame_of_another_site_a_token_makes_a_viewer() -> None:
    asked = client(*BOTH, "--trusted-hosts", "gpu.example.org", at="https://gpu.example.org")
    slash = asked.get("/embed/", params={"panel": "power", "token": OPERATOR})
    assert (slash.status_code, slash.headers["location"]) == (303, "../embed?panel=power")
    assert slash.headers["set-cookie"].endswith("; SameSite=None; Secure; Partitioned")
    answer = asked.get("/embed", params={"panel": "power", "token": OPERATOR})
    assert (answer.status_code, answer.headers["location"]) == (303, "./embed?panel=power")
    assert answer.headers["set-cookie"].endswith("; SameSite=None; Secure; Partitioned")
    # The client of these tests knows nothing of partitions.
    assert asked.get(WHO).json()["role"] == "VIEWER"
    unencrypted = client(*BOTH).get("/embed", params={"token": VIEWER})
    assert unencrypted.headers["set-cookie"].endswith("; SameSite=Lax")


def test_a_form_signs_in_too(asked: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:8050", **HTML}
    wrong = asked.post("/?gpu=1", data={"token": "not this one"}, headers=own)
    assert wrong.status_code == 401
    assert "This token is wrong." in wrong.text
    assert "<form" in wrong.text
    back = asked.post("/?gpu=1", data={"token": f" {OPERATOR}"}, headers=own)
    assert (back.status_code, back.headers["location"]) == (303, "./?gpu=1")
    assert asked.get(WHO).json()["role"] == "OPERATOR"


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null"])
def test_no_other_page_signs_someone_in(asked: TestClient, origin: str) -> None:
    refused = asked.post("/", data={"token": VIEWER}, headers={"Origin": origin})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("path", [WHO, "/metrics", "/assets/live.js", "/_dash-layout"])
@pytest.mark.parametrize("token", [OPERATOR, "wrong"])
def test_a_token_in_another_address_is_refused(asked: TestClient, path: str, token: str) -> None:
    refused = asked.get(path, params={"gpu": 1, "token": token}, headers=bearer(OPERATOR))
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/token-in-address")
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert token not in refused.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"headers": {"Cookie": f"token={OPERATOR}"}},
        {"headers": {"X-Token": OPERATOR}},
        {"headers": {"Authorization": OPERATOR}},
        {"headers": {"Authorization": f"Token {OPERATOR}"}},
        {"params": {"access_token": OPERATOR}},
    ],
    ids=str,
)
def test_a_token_elsewhere_is_none(asked: TestClient, elsewhere: dict[str, dict[str, str]]) -> None:
    assert asked.get(WHO, **elsewhere).json()["type"] == "/problems/token-needed"


@pytest.mark.parametrize(
    "query", [b"a=%0d%0aSet-Cookie:%20x=1", b"a=\r\nX-Made: 1", b"a=\xe2\x80\xa8", b"//e.example/"]
)
@pytest.mark.parametrize("path", ["/", "//e.example/", "//e.example", "/javascript:alert(1)"])
def test_the_way_back_is_to_this_page_alone(path: str, query: bytes) -> None:
    back = same_page(path, query)
    assert back.isascii()
    assert back.isprintable()
    found = urlsplit(urljoin("http://here.example/sub/page?token=x", back))
    assert (found.scheme, found.netloc) == ("http", "here.example")
    assert found.path.startswith("/sub/")


def altered(value: str) -> list[str]:
    role, when, mark = value.split(".")
    return [
        f"operator.{when}.{mark}",
        f"{role}.{when}.{mark[:-2]}AA",
        f"{role}.{when}.",
        f"{role}.{when}",
        role,
        "",
        f"{value}.{value}",
        "a" * 5000,
        f"{role}.!!!!.{mark}",
    ]


def test_an_altered_cookie_is_none(asked: TestClient) -> None:
    asked.get("/", params={"token": VIEWER})
    [(name, value)] = asked.cookies.items()
    asked.cookies.clear()
    for wrong in altered(value):
        refused = asked.get(WHO, headers={"Cookie": f"{name}={wrong}"})
        assert refused.status_code == 401, wrong
    assert asked.get(WHO, headers={"Cookie": f"a=b; {name}={value}"}).status_code == 200
    both = f"{name}=x.y.z; {name}={value}"
    assert asked.get(WHO, headers={"Cookie": both}).status_code == 200


def header(sessions: Sessions, role: Role) -> bytes:
    return f"{sessions.cookie}={sessions.make(role)}".encode()


def test_a_cookie_expires_remembered_or_not() -> None:
    now = [1_800_000_000.0]
    tokens = Tokens(OPERATOR, VIEWER)
    sessions = Sessions(tokens, lambda: now[0])
    sent = header(sessions, Role.VIEWER)
    for age, valid in (
        (0, True),
        (LASTS_SECONDS, True),
        (LASTS_SECONDS + 1, False),
        (-3600, False),
    ):
        now[0] = 1_800_000_000 + age
        for reader in (sessions, Sessions(tokens, lambda: now[0])):
            found = reader.find(sent)
            assert (found is not None) is valid, age


def test_cookies_are_read_by_every_worker_and_void_with_another_token() -> None:
    first, second = (Sessions(Tokens(OPERATOR, VIEWER)) for _ in range(2))
    sent = header(first, Role.OPERATOR)
    assert second.find(sent).role is Role.OPERATOR
    for tokens in (Tokens("another-token", VIEWER), Tokens(None, VIEWER), Tokens(VIEWER, OPERATOR)):
        other = Sessions(tokens)
        assert other.find(sent) is None
        assert other.find(f"{other.cookie}=".encode() + sent.partition(b"=")[2]) is None


def test_remembered_cookies_are_bounded() -> None:
    now = [1_800_000_000.0]
    sessions = Sessions(Tokens(OPERATOR, None), lambda: now[0])
    for _ in range(3000):
        now[0] += 1
        assert sessions.find(header(sessions, Role.OPERATOR))
    assert len(sessions._known) <= 1024


def test_a_cookie_in_use_is_made_anew(asked: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.get("/", params={"token": VIEWER})
    assert "set-cookie" not in asked.get("/").headers
    later = time.time() + 2 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    assert "set-cookie" not in asked.get(WHO).headers
    assert "Max-Age" in asked.get("/").headers["set-cookie"]
