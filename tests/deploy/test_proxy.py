"""What nginx answers itself, and what it writes down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from tests.deploy.proxy import PREFIX, Answer, Proxy

API = "api/v1/system/health"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """An nginx behind which nothing runs."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "html").mkdir()
    (folder / "html/index.html").write_text("Welcome to nginx!")
    proxy = Proxy(folder, folder / "none.sock")
    yield proxy
    proxy.stop()


@pytest.fixture
def strict(tmp_path: Path, alone: Proxy) -> Iterator[Proxy]:
    """One that lets a request through in a minute, to something that never answers."""
    with socket(AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        proxy = Proxy(
            tmp_path,
            tmp_path / "silent.sock",
            certificate=alone.certificate,
            rate="1r/m",
            burst="1",
            proxy_read_timeout="100ms",
        )
        yield proxy
        proxy.stop()


def is_problem(answer: Answer, status: int) -> Message:
    """Whether it is one as the API has them; its headers."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = json.loads(answer.body)
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert problem["detail"].endswith(".")
    return answer.headers


def test_what_is_too_long_is_a_problem_to_a_program_and_a_sentence_to_others(alone: Proxy):
    for path, status, kind, given in (
        (f"?{'x' * 9000}", 414, "query-too-long", {}),
        ("", 431, "headers-too-large", {"headers": {"Cookie": "x" * 9000}}),
        ("", 413, "body-too-large", {"body": b"x" * 300_000}),
    ):
        answer = alone.get(API + path, **given)
        assert is_problem(answer, status)["Retry-After"] is None
        assert json.loads(answer.body)["type"] == f"/problems/{kind}"
        answer = alone.get(path, **given)
        assert answer.status == status
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.body.endswith(b"too l" + (b"arge.\n" if status == 413 else b"ong.\n"))


def test_a_monitor_that_does_not_run_is_asked_again_later(alone: Proxy):
    headers = is_problem(alone.get(API), 502)
    assert int(headers["Retry-After"]) > 0
    assert alone.get().body == b"The monitor does not run.\n"


def test_who_asks_too_often_is_told_when_to_ask_again(strict: Proxy):
    for _ in range(2):
        assert is_problem(strict.get(API), 504)["Retry-After"]
    headers = is_problem(strict.get(API), 429)
    assert int(headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/", "/index.html", "/monitoring/", "/system-monitor-problem"])
def test_nothing_is_beside_the_prefix(alone: Proxy, path: str):
    answer = alone.get(alone.url.removesuffix(PREFIX) + path)
    assert answer.status == 404
    assert b"Welcome" not in answer.body


def test_no_log_has_the_token_of_an_address_that_leads_on(alone: Proxy):
    asked = "?token=in-the-query"
    plain = alone.get(f"{alone.plain_url}{PREFIX}{asked}", {"Referer": f"https://x/{asked}"})
    assert plain.headers["Location"].endswith(PREFIX + asked)
    bare = alone.get(alone.url.rstrip("/") + asked)
    assert (bare.status, bare.headers["Location"]) == (301, PREFIX + asked)
    alone.logged('"GET /monitor HTTP/1.1" 301')
    alone.logged('"GET /monitor/ HTTP/1.1" 301')
    written = {path.name: path.read_text() for path in alone.folder.glob("*.log")}
    assert [name for name, text in written.items() if "in-the-query" in text] == []


def test_the_log_names_what_was_asked_for_and_not_what_answered(alone: Proxy):
    alone.get("api/v1/system/what-nobody-has?token=in-the-query")
    request = f'"GET {PREFIX}api/v1/system/what-nobody-has HTTP/1.1" 502'
    assert "in-the-query" not in alone.logged(request)
