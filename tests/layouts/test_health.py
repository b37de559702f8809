"""The cards of throttling and health, and the timeline, as component trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from dash.development.base_component import Component

from layouts.panels.health import health_cards, health_section, health_skeleton
from monitor.queries.health import COUNTERS, Counter, Health, Lost
from monitor.queries.timeline import Lane, Point, Stretch, Timeline
from monitor.queries.xid_events import XidEvent
from monitor.sources.clock_reasons import COUNTED, OTHERS, ClockReason
from monitor.xid import decoded
from tests.layouts.test_page import EIGHT, NONE, ONE, properties
from tests.layouts.test_span_report import words

SHOWN = [reason for reason in COUNTED.values() if reason.kind in {"limit", "problem"}]
LANE = Lane(
    "GPU-5",
    "GPU 5",
    5,
    recorded=[(1000, 2000)],
    stretches=[Stretch(1250, 1500, "problem", ("Thermal, driver", "Power cap"))],
    points=[Point(1750, "critical", "XID 79: The GPU fell off the bus")],
)
HEALTH = Health(
    "GPU 5",
    [Lost(reason, None if at else 3300.0, 75.0 * at) for at, reason in enumerate(SHOWN)],
    [Counter(column, "7 of it", "warning", 2.0, None) for column in COUNTERS],
    [
        XidEvent(1_795_514_400_000, "GPU-5", "GPU 5", decoded(79), 1),
        XidEvent(1_795_514_300_000, "GPU-1", "GPU 1", decoded(200), 3),
        XidEvent(1_795_514_200_000, "GPU-1", "GPU 1", decoded(43), 3, mixed=True),
    ],
    Timeline(1000, 2000, [LANE]),
)


def having(cards: object, name: str) -> list[dict[str, Any]]:
    all_cards = cards if isinstance(cards, list) else [cards]
    every = [part for card in all_cards for part in (card, *card._traverse())]
    return [found for part in every if name in (found := properties(part))]


def cells(cards: list[Component], name: str, value: str) -> list[str]:
    (row,) = [found for found in having(cards, name) if found[name] == value]
    return [words(cell) for cell in row["children"]]


def test_seconds_lost_to_each_reason_stand_behind_its_name():
    cards = health_cards(HEALTH)
    assert len(having(cards, "data-reason")) == 8
    assert cells(cards, "data-reason", "sw_power_cap_seconds") == ["Power cap", "55 min 0 s", "0 s"]
    assert cells(cards, "data-reason", "sync_boost_seconds") == ["Sync boost", "N/A", "2 min 30 s"]


@pytest.mark.parametrize("seconds", [None, 0.0])
@pytest.mark.parametrize(
    "reason",
    [replace(OTHERS, name="Other (0x8000)"), COUNTED["application_clocks_seconds"]],
    ids=["unknown", "as someone set it"],
)
def test_what_is_no_loss_or_not_known_has_a_row_where_it_came(
    reason: ClockReason, seconds: float | None
):
    other = Lost(reason, seconds, None)
    assert having(health_cards(replace(HEALTH, lost=[other])), "data-reason") == []
    came = health_cards(replace(HEALTH, lost=[replace(other, hour=60.0)]))
    assert cells(came, "data-reason", str(reason.column)) == [reason.name, "1 min 0 s", "N/A"]


def test_time_lost_is_marked_by_the_kind_of_its_reason_and_a_zero_is_not():
    marked = [found["data-kind"] for found in having(health_cards(HEALTH)[0], "data-kind")]
    # The first reason's hour, then the spans of the others.
    assert marked == [
        "limit",
        "problem",
        "limit",
        "problem",
        "problem",
        "problem",
        "limit",
        "limit",
    ]


def test_a_counter_is_told_with_what_came_to_it():
    row = cells(health_cards(HEALTH), "data-counter", "ecc_uncorrected_count")
    assert row == ["ECC uncorrected", "7 of it", "+2", "N/A"]
    states = {row["data-state"] for row in having(health_cards(HEALTH), "data-counter")}
    assert states == {"warning"}


def test_xids_are_decoded():
    first, second, third = having(health_cards(HEALTH), "data-xid")
    assert (first["data-xid"], first["data-severity"]) == (79, "critical")
    assert "XID 79" in words(first["children"])
    assert "fell off the bus" in words(first["children"])
    assert "XID 200 × 3" in words(second["children"])
    assert "XID 43 and 2 more" in words(third["children"])
    assert [found["data-time"] for found in having(health_cards(HEALTH), "data-time")] == [
        *(1_795_514_400_000, 1_795_514_300_000, 1_795_514_200_000),
    ]


def test_a_long_list_of_xids_says_how_long_it_is():
    many = Health("GPU 5", [], [], [HEALTH.xids[0]] * 42, Timeline(0, 1, []))
    cards = health_cards(many)
    assert len(having(cards, "data-xid")) == 30
    assert "the newest 30 of 42" in words(cards)


def test_no_xid_is_said():
    assert "No XID in view." in words(health_cards(Health("", [], [], [], Timeline(0, 1, []))))


def test_the_timeline_places_by_share_of_the_span():
    cards = health_cards(HEALTH)
    stretch, point = having(cards, "data-words")
    assert stretch["style"] == {"left": "25.000%", "width": "25.000%"}
    assert (stretch["data-kind"], stretch["data-words"]) == (
        "problem",
        "Thermal, driver, Power cap",
    )
    assert point["style"] == {"left": "75.000%"}
    assert (point["data-state"], point["data-start"]) == ("critical", 1750)
    (lane,) = having(cards, "data-lane")
    assert lane["aria-label"] == "GPU 5: slowed 1 times, 1 errors"
    assert lane["style"]["--accent"] == "var(--gpu-5)"


def test_the_skeleton_has_the_size_of_what_it_stands_for():
    skeleton = health_skeleton(EIGHT)
    full = Health("", HEALTH.lost, HEALTH.counters, [], Timeline(0, 1, [LANE] * 8))
    for name in ("data-reason", "data-counter", "data-lane"):
        assert len(having(skeleton, name)) == len(having(health_cards(full), name)) > 0
    assert words(skeleton).count("N/A") == 2 * (8 + 6)


@pytest.mark.parametrize(("tick", "hidden"), [(EIGHT, False), (ONE, False), (NONE, True)])
def test_the_section_is_there_where_there_is_a_gpu(tick, hidden: bool):
    assert properties(health_section(tick))["hidden"] is hidden
    (now,) = having(health_section(tick), "data-reasons")
    assert now["data-follows"] == "gpu"
    assert now["data-device"] == (tick.gpus()[0].device if tick.gpus() else "")
