"""How a GPU's health is: what slowed it, what went wrong, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Literal

import numpy as np

from monitor.metrics import GPU
from monitor.queries.archive import Archive
from monitor.queries.clock_events import reason_names
from monitor.queries.growth import growth
from monitor.queries.latest import Latest, short_name
from monitor.queries.series import Series
from monitor.queries.steps import fitting_step
from monitor.queries.time_lost import seconds_lost
from monitor.queries.timeline import Timeline, timeline, whole_gpus
from monitor.queries.trends import shown_gpus
from monitor.queries.view import View
from monitor.queries.xid_events import XidEvent, told_apart, xid_events
from monitor.sources.base import DeviceState, Row
from monitor.sources.clock_reasons import COUNTED, OTHERS, ClockReason
from monitor.units import NOT_REPORTED

State = Literal["ok", "note", "warning", "critical", "missing"]

HOUR = 3_600_000
_POINTS = 600
COUNTERS = (
    "ecc_uncorrected_count",
    "ecc_corrected_count",
    "remapped_rows_count",
    "retired_pages_count",
    "pcie_replay_count",
    "xid_count",
)
COLUMNS = (
    "clock_event_reasons",
    *COUNTED,
    *COUNTERS,
    "xid",
)
_NOUNS = {
    "ecc_uncorrected_count": ("uncorrected", "uncorrected"),
    "ecc_corrected_count": ("corrected", "corrected"),
    "remapped_rows_count": ("row remapped", "rows remapped"),
    "retired_pages_count": ("page retired", "pages retired"),
    "pcie_replay_count": ("replay", "replays"),
    "xid_count": ("XID", "XIDs"),
}
# (once it is not zero, once it grew in the span)
_STATES: dict[str, tuple[State, State]] = {
    "ecc_uncorrected_count": ("warning", "critical"),
    "ecc_corrected_count": ("ok", "warning"),
    "remapped_rows_count": ("note", "warning"),
    "retired_pages_count": ("note", "warning"),
    "pcie_replay_count": ("ok", "warning"),
    "xid_count": ("note", "warning"),
}


@dataclass(frozen=True)
class Lost:
    """Seconds lost to a reason in the last hour and in the span; None where it is not counted."""

    reason: ClockReason
    hour: float | None
    span: float | None


@dataclass(frozen=True)
class Counter:
    """A counter as it stands, in words, and what came in the last hour and in the span."""

    column: str
    words: str
    state: State
    hour: float | None
    span: float | None


@dataclass(frozen=True)
class Health:
    """One GPU, and of all GPUs of the view the timeline and the XIDs, the newest first."""

    name: str
    lost: Sequence[Lost]
    counters: Sequence[Counter]
    xids: Sequence[XidEvent]
    timeline: Timeline


def health(archive: Archive, latest: Latest, view: View, device: str) -> Health:
    """Of the GPU with that UUID, or the first one where there is none. There must be a GPU."""
    chosen = _whole(latest, device)
    gpus = whole_gpus(shown_gpus(latest, view))
    asked = {gpu.device for gpu in (*gpus, chosen)}
    span = _recorded(archive, sorted(asked), view.start, view.end)
    in_view = Came(span, chosen, view.start)
    now = latest.time or view.end
    hour = in_view
    if not _is_the_last_hour(view, now):
        begin = now - HOUR
        hour = Came(_recorded(archive, [chosen.device], begin, now + 1), chosen, begin)
    row = latest.table("gpu").get(chosen.device, {})
    xids = told_apart(archive, xid_events(span, gpus, view.start), gpus, span.step)
    return Health(
        short_name(chosen),
        [
            Lost(_named(reason, hour, in_view), hour.seconds(reason), in_view.seconds(reason))
            for reason in COUNTED.values()
        ],
        [_counter(column, row, hour.of(column), in_view.of(column)) for column in COUNTERS],
        xids,
        timeline(span, gpus, view.start, view.end, xids),
    )


class Came:
    """What came to the counters of a GPU since `start`, in ms since 1970."""

    def __init__(self, series: Series, gpu: DeviceState, start: int) -> None:
        mine = (line for line in series.lines if line.device == gpu.device)
        self._line = next(mine, None)
        self._series, self._gpu, self._start = series, gpu, start

    def seconds(self, reason: ClockReason) -> float | None:
        """Lost to the reason."""
        return seconds_lost(self._line, reason, self._start, self._series.step)

    def mask(self) -> int:
        """Every clock event reason that was in force."""
        if self._line is None:
            return 0
        masks = self._line.columns["clock_event_reasons"]
        return int(np.bitwise_or.reduce(np.nan_to_num(masks).astype(np.int64)))

    def of(self, column: str) -> float | None:
        """How much the counter grew; None where it was not read."""
        grown = growth(self._line, column)
        if column != "xid_count" or grown is None:
            return grown
        # As the list of them has it, which knows of one in the first point too.
        events = xid_events(self._series, [self._gpu], self._start)
        return float(sum(event.count for event in events))


def _named(reason: ClockReason, *came: Came) -> ClockReason:
    """The reason; where it stands for those that are not known here, with theirs in its name."""
    if reason is not OTHERS:
        return reason
    bits = ", ".join(reason_names(reason.bit & reduce(or_, (each.mask() for each in came))))
    return replace(reason, name=f"Other ({bits})") if bits else reason


def _recorded(archive: Archive, devices: Sequence[str], start: int, end: int) -> Series:
    """The lines that health is told from, and of each the point before the span."""
    tier = archive.tier_for(GPU, start, end, _POINTS)
    own = archive.step(tier)
    step = fitting_step(start, end, own, _POINTS, raw=tier.raw)
    return archive.series(GPU, COLUMNS, start - step, end, devices=devices, tier=tier, step=step)


def _whole(latest: Latest, device: str) -> DeviceState:
    """The GPU; of a MIG instance the GPU that it is part of."""
    states = latest.devices.get("gpu", {})
    chosen = states.get(device) or latest.gpus()[0]
    return states.get(str(chosen.facts.get("parent")), chosen)


def _is_the_last_hour(view: View, now: int) -> bool:
    return view.live and view.end - view.start == HOUR and abs(view.end - now) < 60_000


def _counter(column: str, row: Row, in_hour: float | None, in_span: float | None) -> Counter:
    value = row.get(column)
    if not isinstance(value, (int, float)):
        return Counter(column, NOT_REPORTED, "missing", in_hour, in_span)
    state: State = "ok"
    if value:
        there, grew = _STATES[column]
        state = grew if in_span or in_hour else there
    one, many = _NOUNS[column]
    return Counter(column, f"{value:,.0f} {one if value == 1 else many}", state, in_hour, in_span)
