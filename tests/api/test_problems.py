"""Whatever is wrong with a request, and whoever serves the path, the answer is a problem."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import orjson
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from app import create_app
from monitor.settings import load
from tests.api.test_answers import PROBLEM

PAGES = ("/", "/embed", "/_dash-layout", "/_dash-dependencies", "/assets/live.js")
OURS = ("/metrics", "/api/docs", "/api/docs/start.js", "/api/openapi.json")
NOWHERE = (
    *("/api", "/api/", "/api/v1", "/api/v2/foo", "/api/v1/system", "/api/v1/system/nope"),
    *("/api/docs/", "/api/docs/nope", "/api/openapi.json/", "/metrics/", "/metrics/nope"),
    *("/ws", "/ws/nope", "/_dash-nope", "/_dash-component-suites/nope/nope.js", "/_reload-nope"),
    *("/assets/nope", "/assets", "/bootstrap/nope"),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("data")
    server = create_app(load(["--data", str(folder), "--no-record"]))
    # Dash answers every address only once the server has started.
    with TestClient(server, base_url="http://localhost", follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("path", NOWHERE)
def test_where_there_is_nothing_is_no_page(client: TestClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = client.request(method, path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"] == PROBLEM, method
        assert answer.json()["status"] == answer.status_code
        assert answer.status_code == 404 or (method != "GET" and answer.status_code == 405)
    head = client.head(path)
    assert (head.status_code, head.content) == (404, b"")


@pytest.mark.parametrize("path", [*PAGES, *OURS])
def test_another_method_is_told_which_there_are(client: TestClient, path: str) -> None:
    for method in ("PUT", "DELETE", "OPTIONS"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM), method
        assert answer.json()["detail"] == f"{method} is not answered here; GET and HEAD are."
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", [*PAGES, *OURS])
def test_head_is_get_without_its_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content, get.status_code) == (200, b"", 200)
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers.get("content-length") == get.headers.get("content-length")


def test_the_websocket_without_an_upgrade_says_what_it_is(client: TestClient) -> None:
    answer = client.get("/ws/system-metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (426, PROBLEM)
    assert answer.headers["upgrade"] == "websocket"
    assert "ws or wss" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/ws/nope", "/nope", "/ws/system-metrics/"])
def test_where_there_is_no_websocket_is_a_404(client: TestClient, path: str) -> None:
    url = f"ws://localhost{path}"
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(url):
        pass
    assert (refused.value.status_code, refused.value.headers["content-type"]) == (404, PROBLEM)
    assert refused.value.json()["detail"] == f"There is no {path}."


@pytest.mark.parametrize("path", ["/", "/embed", "/embed?panel=power", "/some/view"])
def test_a_page_is_a_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_embed_with_a_slash_leads_to_embed(client: TestClient) -> None:
    answer = client.get("/embed/?panel=power&gpu=0")
    location = answer.headers["location"]
    assert (answer.status_code, location) == (308, "../embed?panel=power&gpu=0")
    below = urljoin("https://gpu.example.org/monitor/embed/?panel=power&gpu=0", location)
    assert below == "https://gpu.example.org/monitor/embed?panel=power&gpu=0"


def test_the_reference_is_not_sent_twice(client: TestClient) -> None:
    for path in ("/api/openapi.json", "/api/docs"):
        first = client.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("0", {"action": "pause", "started": 1}, "pid: 0 is not between 1 and 2,147,483,647"),
        ("x", {"action": "pause", "started": 1}, "pid: 'x' is no whole number between 1 and"),
        ("1", {"action": "stab", "started": 1}, "action: there is no 'stab'; there are 'pause',"),
        ("1", {"action": "pause", "started": "x"}, "started: 'x' is no whole number."),
        ("1", {"action": "pause"}, "started: it is needed."),
        ("1", {"action": "pause", "started": 1, "x": 1}, "this path takes action, started."),
        ("1", [], "body: it is no JSON object."),
        ("1", "{", "body: it is no JSON object."),
    ],
)
def test_a_body_is_told_what_is_wrong_with_it(
    client: TestClient, path: str, body: object, says: str
) -> None:
    answer = client.post(
        f"/api/v1/system/gpu-processes/{path}/signal",
        content=body if isinstance(body, str) else orjson.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert says in answer.json()["detail"]


def test_a_path_without_parameters_says_so(client: TestClient) -> None:
    answer = client.get("/api/v1/system/health", params={"bogus": 1})
    detail = "bogus: there is no such parameter; this path takes none."
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)
