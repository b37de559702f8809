"""Stretches and points of the timeline, from lines as the archive gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.metrics import GPU
from monitor.queries.health import COLUMNS
from monitor.queries.series import Line, Series
from monitor.queries.timeline import Lane, timeline
from monitor.queries.xid_events import xid_events
from monitor.settings import DEFAULT_TIERS
from monitor.sources.base import DeviceState
from monitor.storage.tiers import parse_tiers

STATE = DeviceState("gpu", "GPU-a", facts={"index": 3})
CAP, THERMAL = 0x4, 0x20
STEP = 1000


def lane(
    masks: Sequence[int | None], start: int = 0, end: int | None = None, **columns: Sequence[object]
) -> Lane:
    """Of a tick a second from 0 on; None is a tick that was not recorded."""
    times = np.array([at * STEP for at, mask in enumerate(masks) if mask is not None], np.int64)
    kept = [at for at, mask in enumerate(masks) if mask is not None]
    cells = {name: np.full(len(kept), np.nan) for name in COLUMNS}
    cells["clock_event_reasons"] = np.array([masks[at] for at in kept], np.float64)
    for name, values in columns.items():
        cells[name] = np.array([values[at] for at in kept], np.float64)
    line = Line("GPU-a", times, cells)
    stop = STEP * len(masks) if end is None else end
    tier = parse_tiers(DEFAULT_TIERS)[0]
    series = Series(GPU, [], tier, STEP, start, stop, [line] if len(times) else [])
    xids = xid_events(series, [STATE], start)
    (found,) = timeline(series, [STATE], start, stop, xids).lanes
    return found


def stretches(found: Lane) -> list[tuple[int, int, str, tuple[str, ...]]]:
    return [(s.start // STEP, s.end // STEP, s.kind, s.names) for s in found.stretches]


def test_a_stretch_is_from_its_first_tick_to_the_end_of_its_last():
    assert stretches(lane([0, CAP, CAP, 0, 0, CAP, 0])) == [
        (1, 3, "limit", ("Power cap",)),
        (5, 6, "limit", ("Power cap",)),
    ]


def test_the_worst_reason_of_a_tick_decides_and_all_are_named():
    assert stretches(lane([1, CAP, CAP | THERMAL, 0x60, 0])) == [
        (1, 2, "limit", ("Power cap",)),
        (2, 4, "problem", ("Power cap", "Thermal, driver", "Thermal, hardware")),
    ]


def test_idle_and_application_clocks_are_no_stretch_and_an_unknown_bit_is_one():
    assert stretches(lane([0x1, 0x2, 0x103, 0x801])) == [(3, 4, "unknown", ("0x800",))]


def test_a_gap_is_neither_slowed_nor_recorded():
    found = lane([THERMAL, None, None, None, THERMAL, 0])
    assert [stretch[:2] for stretch in stretches(found)] == [(0, 1), (4, 5)]
    assert found.recorded == [(0, 1000), (4000, 6000)]


def test_what_is_nearer_than_a_pixel_is_one_stretch():
    masks = [THERMAL, 0] * 2000
    assert stretches(lane(masks)) == [(0, 3999, "problem", ("Thermal, driver",))]


def test_stretches_end_with_the_span():
    found = lane([THERMAL] * 10, start=3000, end=7500)
    assert [(s.start, s.end) for s in found.stretches] == [(3000, 7500)]
    assert found.recorded == [(3000, 7500)]


@pytest.mark.parametrize(
    ("column", "state", "words"),
    [
        ("ecc_uncorrected_count", "critical", "2 uncorrected memory errors"),
        ("ecc_corrected_count", "note", "2 corrected memory errors"),
        ("remapped_rows_count", "warning", "2 rows remapped"),
        ("retired_pages_count", "warning", "2 pages retired"),
        ("pcie_replay_count", "note", "2 PCIe replays"),
    ],
)
def test_a_counter_that_grew_is_a_point(column: str, state: str, words: str):
    (point,) = lane([0] * 4, **{column: [5, 5, 7, 7]}).points
    assert (point.time, point.state, point.words) == (2000, state, words)


def test_a_counter_that_grows_all_the_time_is_few_points_that_add_up():
    points = lane([0] * 3000, pcie_replay_count=list(range(3000))).points
    assert len(points) <= 121
    assert sum(int(point.words.split()[0]) for point in points) == 2999


def test_an_xid_is_a_point_with_its_meaning():
    nothing = None
    points = lane([0] * 4, xid=[nothing, 79, nothing, 200], xid_count=[0, 1, 1, 4]).points
    assert [(point.time, point.state) for point in points] == [
        (3000, "warning"),
        (1000, "critical"),
    ]
    assert points[1].words == "XID 79: The GPU fell off the bus"
    assert points[0].words == "XID 200 × 3: An error that is not known here"


def test_the_worst_point_is_the_last_and_so_the_one_that_is_seen():
    nothing = None
    points = lane(
        [0] * 4,
        xid=[nothing, nothing, 63, 43],
        xid_count=[0, 0, 1, 2],
        ecc_uncorrected_count=[0, 0, 1, 1],
        remapped_rows_count=[0, 0, 0, 1],
    ).points
    assert [point.state for point in points] == ["note", "warning", "warning", "critical"]


def test_points_before_the_span_are_not_in_it():
    assert (
        lane([0] * 4, start=2000, pcie_replay_count=[0, 1, 1, 1], xid=[1, 79, None, None]).points
        == []
    )


def test_a_gpu_without_a_row_has_an_empty_lane():
    found = lane([None, None])
    assert (found.name, found.index, found.stretches, found.points) == ("GPU 3", 3, (), ())


def test_what_came_in_the_bucket_that_the_span_begins_in_stands_at_its_beginning():
    points = lane([0] * 4, start=1500, pcie_replay_count=[0, 1, 1, 1], xid=[None, 79, None, None])
    assert [point.time for point in points.points] == [1500, 1500]
