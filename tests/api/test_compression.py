"""What the page is sent is compressed where the client can read it; the API's answers never are."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from app import create_app
from layouts import ids
from monitor.api.compression import CompressedUpdates
from monitor.settings import load

UPDATE = "/_dash-update-component"
PATHS = (UPDATE, f"/monitor{UPDATE}", "/api/v1/system/metrics", f"{UPDATE}/more")
LARGE = ("0123456789" * 1000).encode()


@pytest.fixture(scope="module")
def client() -> TestClient:
    server = FastAPI()
    server.add_middleware(CompressedUpdates)
    for path in PATHS:
        server.add_api_route(f"{path}", lambda: Response(LARGE), methods=["GET", "POST"])
        server.add_api_route(f"/small{path}", lambda: Response(LARGE[:1000]), methods=["POST"])
    return TestClient(server)


def encoding(client: TestClient, path: str, accepted: str = "gzip, deflate, br") -> str | None:
    answer = client.post(path, headers={"Accept-Encoding": accepted})
    assert answer.content in (LARGE, LARGE[:1000])
    return answer.headers.get("content-encoding")


@pytest.mark.parametrize("path", [UPDATE, f"/monitor{UPDATE}"])
def test_an_update_of_the_page_is_compressed_also_below_a_prefix(client: TestClient, path: str):
    assert encoding(client, path) == "gzip"


def test_a_compressed_update_is_a_tenth_and_the_same(client: TestClient):
    with client.stream("POST", UPDATE, headers={"Accept-Encoding": "gzip"}) as answer:
        sent = b"".join(answer.iter_raw())
    assert len(sent) < len(LARGE) / 10
    assert int(answer.headers["content-length"]) == len(sent)
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert gzip.decompress(sent) == LARGE


@pytest.mark.parametrize("accepted", ["identity", "br", ""])
def test_a_client_that_cannot_read_it_gets_it_plain(client: TestClient, accepted: str):
    assert encoding(client, UPDATE, accepted) is None


@pytest.mark.parametrize("path", ["/api/v1/system/metrics", f"{UPDATE}/more"])
def test_nothing_else_is_compressed(client: TestClient, path: str):
    assert encoding(client, path) is None


def test_a_small_update_is_not_worth_it(client: TestClient):
    assert encoding(client, f"/small{UPDATE}") is None


def test_the_application_compresses_updates_and_its_api_stays_plain(tmp_path: Path):
    settings = load(["--data", str(tmp_path / "data"), "--state-dir", str(tmp_path), "--no-record"])
    client = TestClient(
        create_app(settings), base_url="http://localhost", headers={"Accept-Encoding": "gzip"}
    )
    view = {"number": 1, "range": "15m"}
    update = client.post(
        UPDATE,
        json={
            "output": f"{ids.TRENDS}.data",
            "outputs": {"id": ids.TRENDS, "property": "data"},
            "inputs": [{"id": ids.VIEW, "property": "data", "value": view}],
            "changedPropIds": [f"{ids.VIEW}.data"],
        },
    )
    assert update.json()["response"][ids.TRENDS]["data"]["asked"] == 1
    assert update.headers["content-encoding"] == "gzip"
    answer = client.get("/api/openapi.json")
    assert len(answer.content) > 10_000
    assert "content-encoding" not in answer.headers
