"""What is answered from bytes is what the documented path answers, header by header."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from monitor.api.straight import StraightAnswers
from tests.api.test_answers import PATHS
from tests.api.test_current_values import NOW, Served, served, two_gpus

__all__ = ["served", "two_gpus"]

# Health says how long ago the tick was.
ASKED = [
    *(path for path in PATHS if path != "health"),
    "gpu-metrics?gpu=0",
    "gpu-metrics?gpus=0",
    "gpu-metrics?gpu=9",
    "nothing",
    "",
]


class Counting:
    """The documented paths, and how often they were asked."""

    def __init__(self, served: Served) -> None:
        self.asked = 0
        self._app = served.client.app
        self.client = TestClient(StraightAnswers(self, served.current))

    async def __call__(self, scope, receive, send) -> None:
        self.asked += 1
        await self._app(scope, receive, send)


def same(straight: TestClient, served: Served, path: str, method: str, tag: str) -> None:
    url = f"/api/v1/system/{path}"
    asked = {"If-None-Match": tag} if tag else {}
    one, other = (
        client.request(method, url, headers=asked) for client in (straight, served.client)
    )
    assert (one.status_code, one.headers) == (other.status_code, other.headers), path
    assert one.content == other.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_is_the_same_either_way(two_gpus: Served, method: str) -> None:
    straight = Counting(two_gpus).client
    tag = two_gpus.client.get("/api/v1/system/gpu-metrics").headers["etag"]
    for path in ASKED:
        for asked in ("", "*", tag, f"W/{tag}"):
            same(straight, two_gpus, path, method, asked)


def test_a_machine_without_gpus_is_told_why_either_way(served: Served) -> None:
    straight = Counting(served).client
    served.tick({"host": [{"device": "host"}]})
    for path in ASKED:
        same(straight, served, path, "GET", "")


def test_what_is_asked_most_takes_the_short_way_and_is_made_once_a_tick(two_gpus: Served) -> None:
    counting = Counting(two_gpus)
    url = "/api/v1/system/gpu-metrics"
    first = counting.client.get(url)
    assert counting.client.get(url).content == first.content
    assert counting.asked == 0
    two_gpus.tick({"host": [{"device": "host"}]}, NOW + 1000)
    assert counting.client.get(url).headers["etag"] != first.headers["etag"]
