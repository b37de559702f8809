"""A script of the page that a browser has already is not sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app import create_app
from monitor.settings import load

LATER = "/_dash-component-suites/dash/dcc/async-graph.js"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder: Path = tmp_path_factory.mktemp("data")
    server = create_app(load(["--data", str(folder), "--no-record"]))
    # Dash answers every address only once the server has started.
    with TestClient(server, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("weak", ["", "W/"], ids=["as it was", "as nginx makes it"])
def test_a_script_that_is_there_is_told_so(client: TestClient, weak: str) -> None:
    first = client.get(LATER)
    tag = first.headers["etag"]
    assert (tag[0], tag[-1]) == ('"', '"')
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(LATER, headers={"If-None-Match": weak + tag})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(LATER, headers={"If-None-Match": '"another"'})
    assert other.content == first.content


def test_a_script_with_its_version_in_its_name_is_kept_without_asking(client: TestClient) -> None:
    page = client.get("/").text
    named = page.partition('src="/_dash-component-suites/dash/dash-renderer')[2].partition('"')[0]
    answer = client.get(f"/_dash-component-suites/dash/dash-renderer{named}")
    assert answer.headers["cache-control"] == "public, max-age=31536000"


@pytest.mark.parametrize("path", ["/", "/embed?panel=power", "/_dash-layout"])
def test_the_page_is_asked_for_each_time_and_is_for_one_reader(
    client: TestClient, path: str
) -> None:
    assert client.get(path).headers["cache-control"] == "private, no-cache"
