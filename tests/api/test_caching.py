"""What may be kept of an answer, asking again with its tag, HEAD, and methods there are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.api.caching import is_known, is_settled
from tests.api.test_answers import PATHS, PROBLEM
from tests.api.test_current_values import NOW, Served, served, two_gpus
from tests.api.test_history import Past, _whole

__all__ = ["served", "two_gpus"]

CURRENT = [path for path in PATHS if path != "health"]
HISTORY = ("gpu-metrics/history", "metrics/history")
each_current = pytest.mark.parametrize("path", [*CURRENT, "gpu-metrics?gpu=0"])
HOUR = 3_600_000


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    made = Past(tmp_path_factory.mktemp("data"))
    yield made
    made.close()


@each_current
def test_the_same_tick_is_not_sent_twice(two_gpus: Served, path: str) -> None:
    url = f"/api/v1/system/{path}"
    first = two_gpus.client.get(url)
    assert first.headers["cache-control"] == "private, no-cache"
    asked = {"If-None-Match": first.headers["etag"]}
    again = two_gpus.client.get(url, headers=asked)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "private, no-cache"
    two_gpus.tick({"host": [{"device": "host"}]}, NOW + 1000)
    newer = two_gpus.client.get(url, headers=asked)
    assert newer.status_code == 200
    assert newer.json()["time"] != first.json()["time"]


def test_two_workers_have_the_same_tag(two_gpus: Served, tmp_path: Path) -> None:
    other = Served(tmp_path)
    other.follower.poll()
    other.follower.poll()
    tags = {
        made.client.get("/api/v1/system/gpu-metrics").headers["etag"] for made in (two_gpus, other)
    }
    other.close()
    assert len(tags) == 1


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        (None, False),
    ],
)
def test_a_tag_is_known_also_weak_and_among_others(asked: str | None, known: bool) -> None:
    assert is_known('"a"', asked) is known


@pytest.mark.parametrize("path", ["health", "gpu-info/9", "gpu-metrics?gpu=9", "nothing"])
def test_what_is_no_reading_is_not_stored(two_gpus: Served, path: str) -> None:
    answer = two_gpus.client.get(f"/api/v1/system/{path}", headers={"If-None-Match": "*"})
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert answer.content


@pytest.mark.parametrize("path", [*PATHS, "gpu-info/9", "gpu-metrics?gpus=1", *HISTORY])
def test_head_is_get_without_its_body(two_gpus: Served, path: str) -> None:
    url = f"/api/v1/system/{path}"
    head, get = two_gpus.client.head(url), two_gpus.client.get(url)
    assert (head.status_code, head.content) == (get.status_code, b"")
    differ = {"date", "etag", "content-length"} if "health" in path or path in HISTORY else {"date"}
    shown = [
        {name: value for name, value in answer.headers.items() if name not in differ}
        for answer in (head, get)
    ]
    assert shown[0] == shown[1]


def test_the_head_of_a_file_makes_no_more_of_it(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def pieces(*_: object) -> Iterator[object]:
        from monitor.queries.formats import Piece

        for number in range(1000):
            made.append(number)
            yield Piece(b"x" * 2_000_000, 0.5)

    monkeypatch.setattr("monitor.api.history.written", pieces)
    url = "/api/v1/system/gpu-metrics/history"
    head = past.client.head(url, params=_whole({"format": "csv"}))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-disposition"].startswith("attachment")
    assert len(made) < 10


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_told_which_there_are(served: Served, method: str) -> None:
    for path in (*PATHS, *HISTORY):
        answer = served.client.request(method, f"/api/v1/system/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM), path
        assert answer.headers["allow"] == "GET, HEAD"
        assert answer.json()["detail"] == f"{method} is not answered here; GET and HEAD are."


@pytest.mark.parametrize(
    ("hours", "settled"), [(-1, True), (0, True), (1 / HOUR, False), (1, False)]
)
def test_an_hour_is_settled_ten_minutes_after_its_end(hours: float, settled: bool) -> None:
    end = 1000 * HOUR
    assert is_settled(end + round(hours * HOUR), end + 600_000) is settled
    assert not is_settled(end, end + 599_999)


def test_only_a_settled_span_between_fixed_times_is_kept(past: Past) -> None:
    whole = _whole({})
    for path in HISTORY:
        url = f"/api/v1/system/{path}"
        answer = past.client.get(url, params=whole)
        assert answer.headers["cache-control"] == "private, max-age=3600"
        asked = {"If-None-Match": answer.headers["etag"]}
        assert past.client.get(url, params=whole, headers=asked).status_code == 304
        for open_span in ({**whole, "end": "now"}, {**whole, "start": "-200h"}):
            answer = past.client.get(url, params=open_span)
            assert answer.headers["cache-control"] == "private, no-cache", open_span
            assert answer.headers["etag"]


def test_a_file_is_not_stored(past: Past) -> None:
    answer = past.client.get("/api/v1/system/gpu-metrics/history", params=_whole({"format": "csv"}))
    assert answer.headers["cache-control"] == "no-store"
