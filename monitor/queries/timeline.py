"""When each GPU was slowed, and when something went wrong: stretches and points over a span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monitor.queries.clock_events import reason_names, worst_kind
from monitor.queries.growth import growths
from monitor.queries.latest import short_name
from monitor.queries.series import Line, Series
from monitor.queries.xid_events import XidEvent
from monitor.sources.base import DeviceState
from monitor.sources.clock_reasons import Kind
from monitor.xid import Severity

PointState = Literal["note", "warning", "critical"]
_WORST_LAST: tuple[PointState, ...] = ("note", "warning", "critical")

# Of the span: what is nearer than this is drawn as one.
_NEAREST = 1 / 400
_NEAREST_POINTS = 1 / 120
_EVENTS: tuple[tuple[str, PointState, str], ...] = (
    ("ecc_uncorrected_count", "critical", "uncorrected memory errors"),
    ("ecc_corrected_count", "note", "corrected memory errors"),
    ("remapped_rows_count", "warning", "rows remapped"),
    ("retired_pages_count", "warning", "pages retired"),
    ("pcie_replay_count", "note", "PCIe replays"),
)
_OF_XID: dict[Severity, PointState] = {
    "critical": "critical",
    "warning": "warning",
    "application": "note",
    "unknown": "warning",
}


@dataclass(frozen=True)
class Stretch:
    """start <= time < end in ms since 1970; `names` are all the reasons that came in it."""

    start: int
    end: int
    kind: Kind
    names: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """Something that went wrong, at the tick or the beginning of the bucket."""

    time: int
    state: PointState
    words: str


@dataclass(frozen=True)
class Lane:
    """One GPU. `recorded` are the stretches (start, end) in which it was read.

    Of points the worst come last: what is drawn last is seen.
    """

    device: str
    name: str
    index: object
    recorded: Sequence[tuple[int, int]]
    stretches: Sequence[Stretch]
    points: Sequence[Point]


@dataclass(frozen=True)
class Timeline:
    """A lane for each GPU, over start <= time < end in ms since 1970."""

    start: int
    end: int
    lanes: Sequence[Lane]


def timeline(
    span: Series, gpus: Sequence[DeviceState], start: int, end: int, xids: Sequence[XidEvent]
) -> Timeline:
    """Of these GPUs, from a series with `health.COLUMNS` and the XIDs in it."""
    lines = {line.device: line for line in span.lines}
    lanes = []
    for gpu in gpus:
        lane, line = lane_without(gpu), lines.get(gpu.device)
        if line is not None:
            lane = replace(
                lane,
                recorded=list(_recorded(line, span.step, start, end)),
                stretches=list(_stretches(line, span.step, start, end)),
                points=sorted(
                    (*_points(line, span.step, start, end), *_xid_points(xids, gpu, start)),
                    key=lambda point: _WORST_LAST.index(point.state),
                ),
            )
        lanes.append(lane)
    return Timeline(start, end, lanes)


def lane_without(gpu: DeviceState) -> Lane:
    """A lane of which nothing is known."""
    return Lane(gpu.device, short_name(gpu), gpu.facts.get("index"), (), (), ())


def whole_gpus(gpus: Sequence[DeviceState]) -> list[DeviceState]:
    """Those that are no part of another: of a MIG instance nothing of this is told."""
    return [gpu for gpu in gpus if gpu.facts.get("mig_index") is None]


def _recorded(line: Line, step: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in _runs(line.times, _apart(step, start, end)):
        begin, stop = max(start, int(line.times[first])), min(end, int(line.times[last]) + step)
        if begin < stop:
            yield begin, stop


def _stretches(line: Line, step: int, start: int, end: int) -> Iterator[Stretch]:
    """By kind: what comes again soon after is one stretch, unless it is another kind."""
    bits = np.nan_to_num(line.columns["clock_event_reasons"]).astype(np.int64)
    masks, places = np.unique(bits, return_inverse=True)
    kinds = [worst_kind(int(mask)) for mask in masks]
    of_points = np.array([kind or "normal" for kind in kinds])[places]
    for kind in ("limit", "unknown", "problem"):
        mine = np.flatnonzero(of_points == kind)
        for first, last in _runs(line.times[mine], _apart(step, start, end)):
            at = mine[first : last + 1]
            begin, stop = max(start, int(line.times[at[0]])), int(line.times[at[-1]]) + step
            if begin < min(end, stop):
                together = int(np.bitwise_or.reduce(bits[at]))
                names = tuple(reason_names(together & ~1))
                yield Stretch(begin, min(end, stop), kind, names)


def _apart(step: int, start: int, end: int) -> float:
    """Milliseconds between two points beyond which there is a gap between them."""
    return max(1.5 * step, step + _NEAREST * (end - start))


def _runs(
    times: np.ndarray[tuple[int], np.dtype[np.int64]], apart: float
) -> Iterator[tuple[int, int]]:
    """(first, last) place of each run of times that are no further apart."""
    if not len(times):
        return
    breaks = np.flatnonzero(np.diff(times) > apart)
    firsts, lasts = [0, *(breaks + 1).tolist()], [*breaks.tolist(), len(times) - 1]
    yield from zip(firsts, lasts, strict=True)


def _points(line: Line, step: int, start: int, end: int) -> Iterator[Point]:
    width = max(1, round(_NEAREST_POINTS * (end - start)))
    for column, state, words in _EVENTS:
        slots: dict[int, tuple[int, float]] = {}
        for time, grown in zip(*map(np.ndarray.tolist, growths(line, column)), strict=True):
            first, sum_ = slots.get(time // width, (time, 0.0))
            slots[time // width] = (first, sum_ + grown)
        for time, grown in slots.values():
            if time > start - step:
                yield Point(max(time, start), state, f"{grown:,.0f} {words}")


def _xid_points(xids: Sequence[XidEvent], gpu: DeviceState, start: int) -> Iterator[Point]:
    for event in xids:
        if event.device == gpu.device:
            words = f"{event.title}: {event.xid.words}"
            yield Point(max(event.time, start), _OF_XID[event.xid.severity], words)
