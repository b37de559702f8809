"""What is said of a GPU's health equals plain arithmetic over what was recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.metrics import GPU
from monitor.queries.growth import growth
from monitor.queries.health import HOUR, Health, health
from monitor.queries.series import Line
from monitor.queries.view import View
from monitor.queries.xid_events import xid_events
from monitor.sources.base import DeviceState, Row
from tests.queries.charted import Charted
from tests.queries.ticks import TICK, latest
from tests.storage.made import START

A, B = "GPU-a", "GPU-b"
STATES = [DeviceState("gpu", device, facts={"index": at}) for at, device in enumerate((A, B))]


@pytest.fixture
def charted(tmp_path: Path) -> Charted:
    return Charted(tmp_path)


def told(charted: Charted, start: int, end: int, device: str = A, row: Row | None = None) -> Health:
    tick = latest(gpus=[{"device": A, **(row or {})}], states=STATES)
    tick = replace(tick, time=charted.clock.ms - 1)
    return health(charted.archive, tick, View(start, end, None, frozenset(), False), device)


MINUTE = 60_000
"""Of a tick each: further apart than the points of any span here, so that each is a point."""


def counter(found: Health, column: str):
    return next(one for one in found.counters if one.column == column)


def lost(found: Health, column: str) -> tuple[float | None, float | None]:
    return next((one.hour, one.span) for one in found.lost if one.reason.column == column)


def test_time_lost_is_what_the_counter_grew_by_in_each_span(charted: Charted):
    # A minute a tick for two hours: half a minute of each is lost from the 30th on.
    for at in range(120):
        seconds = 30.0 * max(0, at - 30)
        charted.tick(None, {"device": A, "sw_power_cap_seconds": seconds}, milliseconds=60_000)
    end = charted.clock.ms
    found = told(charted, START, end)
    # Of ticks so far apart, the first of a span has none before it to count from.
    assert lost(found, "sw_power_cap_seconds") == (59 * 30.0, 89 * 30.0)
    assert lost(found, "hw_slowdown_seconds") == (None, None)
    within = told(charted, START + 40 * MINUTE, START + 50 * MINUTE)
    assert lost(within, "sw_power_cap_seconds") == (59 * 30.0, 9 * 30.0)


def test_time_lost_to_reasons_that_are_not_known_is_told_with_their_bits(charted: Charted):
    for at, mask in enumerate((0x4, 0x100004, 0x8000, 0)):
        row = {"clock_event_reasons": mask, "other_reason_seconds": 60.0 * min(at, 2)}
        charted.tick(None, {"device": A, **row}, milliseconds=MINUTE)
    found = told(charted, START, charted.clock.ms)
    (other,) = [one for one in found.lost if one.reason.column == "other_reason_seconds"]
    assert (other.reason.name, other.span) == ("Other (0x8000, 0x100000)", 120.0)


def test_a_restart_is_no_loss_and_what_follows_counts(charted: Charted):
    for seconds in (500.0, 501.0, 0.0, 1.0, None, 2.0):
        charted.tick(None, {"device": A, "sw_power_cap_seconds": seconds}, milliseconds=MINUTE)
    assert lost(told(charted, START, charted.clock.ms), "sw_power_cap_seconds") == (3.0, 3.0)


def test_growth_of_nothing_is_not_known():
    assert growth(None, "xid_count") is None
    line = Line(A, np.arange(3), {"xid_count": np.array([np.nan, np.nan, np.nan])})
    assert growth(line, "xid_count") is None
    line = Line(A, np.arange(3), {"xid_count": np.array([np.nan, 2.0, np.nan])})
    assert growth(line, "xid_count") == 0.0


@pytest.mark.parametrize(
    ("column", "values", "words", "state"),
    [
        ("ecc_uncorrected_count", (0, 0), "0 uncorrected", "ok"),
        ("ecc_uncorrected_count", (2, 2), "2 uncorrected", "warning"),
        ("ecc_uncorrected_count", (2, 3), "3 uncorrected", "critical"),
        ("ecc_corrected_count", (12, 12), "12 corrected", "ok"),
        ("ecc_corrected_count", (12, 13), "13 corrected", "warning"),
        ("remapped_rows_count", (1, 1), "1 row remapped", "note"),
        ("remapped_rows_count", (0, 2), "2 rows remapped", "warning"),
        ("retired_pages_count", (None, None), "N/A", "missing"),
        ("pcie_replay_count", (0, 1200), "1,200 replays", "warning"),
        ("xid_count", (1, 1), "1 XID", "note"),
    ],
)
def test_a_counter_is_told_in_words_with_how_bad_it_is(
    charted: Charted, column: str, values: tuple[int | None, int | None], words: str, state: str
):
    for value in values:
        charted.tick(None, {"device": A, column: value}, milliseconds=MINUTE)
    found = counter(told(charted, START, charted.clock.ms, row={column: values[1]}), column)
    assert (found.words, found.state) == (words, state)
    grown = None if values[0] is None or values[1] is None else values[1] - values[0]
    assert (found.hour, found.span) == (grown, grown)


def test_what_came_before_the_span_is_not_in_it(charted: Charted):
    for value in (0, 5, 5, 6):
        charted.tick(None, {"device": A, "ecc_corrected_count": value})
    end = charted.clock.ms
    assert counter(told(charted, START + 2000, end), "ecc_corrected_count").span == 1
    # The tick before the span is what it grew from.
    assert counter(told(charted, START + 1000, end), "ecc_corrected_count").span == 6


def test_xids_of_all_gpus_in_view_the_newest_first(charted: Charted):
    for at in range(6):
        charted.tick(
            None,
            {"device": A, "xid": 79 if at == 1 else None, "xid_count": int(at >= 1)},
            {"device": B, "xid": 13 if at == 4 else None, "xid_count": 3 * int(at >= 4)},
        )
    found = told(charted, START + 1000, START + 6000)
    assert [(e.time - START, e.name, e.xid.number, e.count) for e in found.xids] == [
        *((4000, "GPU 1", 13, 3), (1000, "GPU 0", 79, 1)),
    ]
    assert [e.xid.number for e in told(charted, START + 2000, START + 6000).xids] == [13]


def test_a_coarse_tier_has_the_newest_xid_of_a_bucket_and_how_many(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:1h,1m:30d")
    for at in range(36):
        xid = {14: 31, 16: 43}.get(at)
        count = (at >= 14) + (at >= 16)
        charted.tick(None, {"device": A, "xid": xid, "xid_count": count}, milliseconds=5000)
    end = START + 40 * MINUTE
    minutes = charted.archive.tiers[1]
    series = charted.archive.series(GPU, ("xid_count", "xid"), START, end, tier=minutes)
    (event,) = xid_events(series, STATES, START)
    assert (event.time - START, event.title, event.count) == (MINUTE, "XID 43 and 1 more", 2)
    assert counter(told(charted, START, end), "xid_count").span == 2


def test_xids_of_one_bucket_are_told_apart_where_a_finer_tier_has_them(charted: Charted):
    for at in range(3600):
        xid = {1814: 48, 1816: 63}.get(at)
        count = (at >= 1814) + (at >= 1816)
        charted.tick(None, {"device": A, "xid": xid, "xid_count": count})
    found = told(charted, START, START + HOUR)
    assert [((event.time - START) // 1000, event.title) for event in found.xids] == [
        *((1816, "XID 63"), (1814, "XID 48")),
    ]
    points = found.timeline.lanes[0].points
    assert [point.state for point in points] == ["warning", "critical"]


def test_what_came_in_the_first_point_of_a_recording_is_not_lost(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:1h,1m:30d")
    for at in range(20):
        row = {"clock_event_reasons": 0x4, "sw_power_cap_seconds": 2.0 * at}
        row |= {"sync_boost_seconds": 99.0, "hw_slowdown_seconds": 0.0}
        xids = {"xid": 31 if at == 3 else None, "xid_count": int(at >= 3)}
        charted.tick(None, {"device": A, **row, **xids}, milliseconds=2000)
    found = told(charted, START - 40 * MINUTE, START + 5 * MINUTE)
    assert lost(found, "sw_power_cap_seconds")[1] == 38.0
    # It counts from before: its reason was not in force.
    assert lost(found, "sync_boost_seconds")[1] == 0.0
    assert lost(found, "hw_slowdown_seconds")[1] == 0.0
    assert counter(found, "xid_count").span == 1


def test_a_mig_instance_has_the_health_of_its_gpu(charted: Charted):
    charted.tick(None, {"device": A, "ecc_corrected_count": 2})
    part = DeviceState("gpu", "MIG-1", facts={"index": 0, "mig_index": 1, "parent": A})
    tick = latest(gpus=[{"device": A, "ecc_corrected_count": 2}], states=[*STATES, part])
    view = View(START, START + 1000, None, frozenset(), False)
    found = health(charted.archive, tick, view, "MIG-1")
    assert found.name == "GPU 0"
    assert counter(found, "ecc_corrected_count").words == "2 corrected"
    assert [lane.device for lane in found.timeline.lanes] == [A, B]


def test_a_gpu_that_no_one_knows_is_the_first_and_one_out_of_view_is_told_all_the_same(
    charted: Charted,
):
    charted.tick(None, {"device": A, "xid_count": 0}, {"device": B, "xid_count": 0})
    assert told(charted, START, START + 1000, device="GPU-gone").name == "GPU 0"
    tick = replace(latest(gpus=[], states=STATES), time=START)
    only_b = View(START, START + 1000, frozenset({B}), frozenset(), False)
    found = health(charted.archive, tick, only_b, A)
    assert counter(found, "xid_count").span == 0
    assert [lane.device for lane in found.timeline.lanes] == [B]


def test_the_last_hour_of_a_view_that_is_the_last_hour_is_read_once(charted: Charted):
    for seconds in (1.0, 2.0):
        charted.tick(None, {"device": A, "sw_power_cap_seconds": seconds}, milliseconds=MINUTE)
    end = charted.clock.ms
    tick = replace(latest(gpus=[], states=STATES), time=end - MINUTE)
    found = health(charted.archive, tick, View(end - HOUR, end, None, frozenset(), True), A)
    assert lost(found, "sw_power_cap_seconds") == (1.0, 1.0)


def test_a_machine_whose_gpus_were_never_read_is_not_reported(charted: Charted):
    found = health(
        charted.archive,
        latest(gpus=[], states=STATES),
        View(TICK - 1000, TICK, None, frozenset(), True),
        "",
    )
    assert {one.hour for one in found.lost} == {None}
    assert {one.state for one in found.counters} == {"missing"}
    assert found.xids == []
