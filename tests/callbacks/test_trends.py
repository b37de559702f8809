"""What the page is answered when its span changes and when time goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callbacks.trends import appended, loaded
from monitor.queries.current import Current
from monitor.queries.latest import iso
from monitor.queries.trends import CHARTS
from monitor.sources.base import DeviceState
from monitor.storage.history import History
from tests.queries.charted import Charted, decoded

# Of the past, as the callbacks look at the clock; they are asked for spans that have an end.
BEGIN = (round(time.time()) // 3600 - 30) * 3_600_000
TICKS = 60


class Page:
    """What a browser asks, and the charts that it has drawn."""

    def __init__(self, folder: Path, gpus: int = 1) -> None:
        self.charted = Charted(folder, start=BEGIN)
        self.charted.follower.poll()
        self.current = Current(self.charted.follower)
        self.archive = self.charted.archive
        self.put_gpus(gpus)
        self.tick(TICKS)
        self.answer: Any = loaded(self.archive, self.current, self.asked())

    def put_gpus(self, count: int) -> None:
        states = [DeviceState("gpu", f"GPU-{at}", facts={"index": at}) for at in range(count)]
        self.charted.store.journals.put_devices(states)

    def tick(self, count: int) -> None:
        for _ in range(count):
            second = (self.charted.clock.ms - BEGIN) // 1000
            gpus = [{"device": "GPU-0", "utilization_percent": float(second)}]
            self.charted.tick({"cpu_percent": float(second)}, *gpus)

    def asked(self, **other: object) -> dict[str, Any]:
        end = self.charted.clock.ms
        span = {"from": iso(BEGIN), "to": iso(end)}
        return {"number": 5, "range": "1h", **span, "gpus": "", "charts": "", **other}

    def drawn(self, **other: object) -> dict[str, Any]:
        """As assets/trends.js tells it."""
        answer = self.answer
        return {
            "tier": answer["tier"],
            "step": answer["step"],
            "rolled": answer["rolled"],
            "since": answer["start"] + (answer["count"] - 1) * answer["step"],
            "gpus": answer["gpus"],
            "charts": sorted(answer["charts"]),
            **other,
        }

    def appended(self, drawn: object = None, **asked: object) -> dict[str, Any]:
        drawn = self.drawn() if drawn is None else drawn
        return appended(self.archive, self.current, self.asked(**asked), drawn)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    made = Page(tmp_path)
    yield made
    made.charted.store.close()


STALE = {"asked": 5, "stale": True}


def test_an_answer_has_the_charts_and_the_number_it_was_asked_by(page: Page):
    assert page.answer["asked"] == 5
    assert list(page.answer["charts"]) == [chart.name for chart in CHARTS]
    assert decoded(page.answer, "cpu")[0, 0].tolist() == [float(at) for at in range(TICKS)]
    assert page.answer["live"] is False
    assert json.loads(json.dumps(page.answer)) == page.answer


def test_a_slip_in_the_address_is_told_beside_the_charts(page: Page):
    asked = page.asked(gpus="9", charts="cpu")
    answer: Any = loaded(page.archive, page.current, asked)
    assert answer["problems"] == ["There is no GPU 9; there are: 0."]
    assert list(answer["charts"]) == ["cpu"]


@pytest.mark.parametrize("number", [None, 0, "x", 7])
def test_whatever_the_number_is_it_comes_back(page: Page, number: object):
    asked = page.asked(number=number)
    assert loaded(page.archive, page.current, asked)["asked"] == number
    assert appended(page.archive, page.current, asked, page.drawn())["asked"] == number
    assert appended(page.archive, page.current, asked, {})["asked"] == number


def test_what_has_come_since_is_appended_from_a_few_points_before(page: Page):
    page.tick(3)
    newer = page.appended()
    assert set(newer) == {"asked", "since", "to", "charts"}
    # The last point that the page has is second 59; five seconds before are read again.
    assert newer["since"] == BEGIN + 54_000
    assert newer["to"] == BEGIN + 63_000
    assert newer["charts"]["cpu"] == [[[float(at) for at in range(54, 63)]]]
    assert newer["charts"]["gpu"] == [[[float(at) for at in range(54, 63)]]]
    assert json.loads(json.dumps(newer)) == newer


def test_where_nothing_new_came_only_what_is_there_is_said_again(page: Page):
    newer = page.appended()
    assert newer["charts"]["cpu"] == [[[float(at) for at in range(54, 60)]]]
    page.charted.clock.ms += 2000
    assert page.appended()["charts"]["cpu"] == [[[*map(float, range(54, 60)), None, None]]]


def test_a_tick_that_came_late_is_no_gap_for_good(page: Page):
    page.charted.clock.ms += 4000
    page.answer = loaded(page.archive, page.current, page.asked())
    assert page.drawn()["since"] == BEGIN + 63_000
    page.charted.clock.ms -= 4000
    page.tick(5)
    newer = page.appended()
    first = (newer["since"] - BEGIN) // 1000
    assert first <= 60
    assert newer["charts"]["cpu"] == [[[float(at) for at in range(first, 65)]]]


@pytest.mark.parametrize("gpus", [0, 2])
def test_charts_are_stale_where_other_gpus_are_there(page: Page, tmp_path: Path, gpus: int):
    page.put_gpus(2)
    if not gpus:
        none = Page(tmp_path / "none", gpus=0)
        page.current, page.archive = none.current, none.archive
    page.tick(1)
    assert page.appended() == STALE


def test_charts_are_stale_where_other_ones_were_chosen(page: Page):
    assert page.appended(charts="cpu") == STALE
    assert "charts" in page.appended(page.drawn(charts=["cpu"]), charts="cpu")


def test_charts_are_stale_where_too_much_has_come(page: Page):
    page.charted.clock.ms += 1_000_000 - 6000
    assert len(page.appended()["charts"]["cpu"][0][0]) == 1000
    page.charted.clock.ms += 1000
    assert page.appended() == STALE


JUNK = [None, "", "x", [], {}, -1, 0, 1e400, float("nan"), 10**30, -(10**30), "1" * 5000, [1]]


@pytest.mark.parametrize("name", ["step", "since", "tier", "gpus", "charts"])
@pytest.mark.parametrize("value", JUNK, ids=lambda value: repr(value)[:12])
def test_charts_are_stale_where_what_is_drawn_makes_no_sense(page: Page, name: str, value: object):
    assert page.appended(page.drawn(**{name: value})) == STALE


@pytest.mark.parametrize("name", ["step", "since", "tier", "rolled", "gpus", "charts"])
def test_charts_are_stale_where_a_part_of_what_is_drawn_is_missing(page: Page, name: str):
    drawn = page.drawn()
    del drawn[name]
    assert page.appended(drawn) == STALE


@pytest.mark.parametrize("drawn", [7, "drawn", ["tier"], True, {}])
def test_charts_are_stale_where_nothing_is_drawn(page: Page, drawn: object):
    assert page.appended(drawn) == STALE


@pytest.mark.parametrize("tier", ["2s", "1S", "1s ", "../gpu", "5m"])
def test_charts_are_stale_where_their_tier_is_not_kept(page: Page, tier: str):
    assert page.appended(page.drawn(tier=tier)) == STALE


@pytest.mark.parametrize(
    "step", [1 << 40, 86_400_000, 10**30, 10**400], ids=lambda step: f"{len(str(step))} digits"
)
def test_a_step_longer_than_all_that_was_recorded_raises_nothing(page: Page, step: int):
    answer = page.appended(page.drawn(step=step, since=0))
    assert answer["asked"] == 5
    assert answer.get("stale") or answer["to"] == BEGIN + 60_000


class UnreadableFolder(History):
    """A data folder on a share that has gone away."""

    def first(self, *_: object, **__: object) -> int | None:
        raise self.error

    def open(self, *_: object, **__: object) -> list[Any]:
        raise self.error

    error = OSError(5, "Input/output error")


@pytest.fixture
def unreadable(page: Page, tmp_path: Path) -> Page:
    page.archive.history = UnreadableFolder(str(tmp_path / "data"), "node1")
    # Memory has nothing that is so old, so the files are asked.
    page.charted.follower.buffers["host"].drop_before(BEGIN + 10_000)
    return page


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(5, "Input/output error"), "input/output error"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (OSError("AWS Error NETWORK_CONNECTION"), "aws error network_connection"),
    ],
)
def test_a_folder_that_cannot_be_read_is_told_in_a_sentence(
    unreadable: Page, monkeypatch: pytest.MonkeyPatch, error: OSError, why: str
):
    monkeypatch.setattr(UnreadableFolder, "error", error)
    answer = loaded(unreadable.archive, unreadable.current, unreadable.asked())
    assert answer == {"asked": 5, "error": f"History cannot be read: {why}."}


def test_charts_of_a_folder_that_cannot_be_read_any_more_are_stale(unreadable: Page):
    since = unreadable.drawn(since=BEGIN + 8000)
    assert unreadable.appended(since) == STALE
    # What memory has needs no folder.
    assert "charts" in unreadable.appended()
