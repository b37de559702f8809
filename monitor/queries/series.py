"""Any metric over any span: from the tier that fits it, joined with the newest rows.

Gaps stay gaps: a tick or a bucket that was not recorded is no point. What a coarser tier has not
been given yet is rolled up here from the rows that are, so a line goes on to the newest tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from monitor.metrics import Metric, Table
from monitor.queries.live_rows import LiveRows
from monitor.storage.buffer import Columns, Floats, Int64s
from monitor.storage.history import History, columns_of
from monitor.storage.rollup import aggregated
from monitor.storage.tiers import Tier

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = "samples"
MAX_POINTS = 1_000
_DAY = 86_400
# Steps that people count in, in seconds; beyond them, whole days.
_MINUTES = (60, 90, 120, 180, 300, 600, 900, 1200, 1800)
_HOURS = (3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, _DAY)
_STEPS = (1, 2, 5, 10, 15, 20, 30, *_MINUTES, *_HOURS)


@dataclass(frozen=True)
class Line:
    """One device: `times` (ms since 1970, rising) and, by column, as many values; missing is NaN.

    A rolled column `x` has `x_min` and `x_max` beside it; `samples` counts the ticks of a bucket.
    """

    device: str
    times: Int64s
    columns: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True)
class Series:
    """A line for each device that has any row, points `step` ms apart where none is missing.

    `tier` is where the values come from. `start` and `end` are what was asked for, in ms.
    """

    table: Table
    metrics: Sequence[Metric]
    tier: Tier
    step: int
    start: int
    end: int
    lines: Sequence[Line]

    @property
    def columns(self) -> list[str]:
        """The value columns of each line, in the catalogue's order."""
        return _names(self.metrics, rolled=self.rolled)

    @property
    def rolled(self) -> bool:
        """Whether a point is a bucket of several ticks."""
        return not self.tier.raw or SAMPLES in next(iter(self.lines), _NOTHING).columns

    def frame(self) -> pd.DataFrame:
        """`time` (UTC), `device`, then `columns`; a row a point, by device and time."""
        import pandas as pd

        times = np.concatenate([line.times for line in self.lines] or [np.empty(0, np.int64)])
        devices = np.repeat([line.device for line in self.lines], list(map(len, self.lines)))
        found: dict[str, object] = {
            "time": pd.to_datetime(times, unit="ms", utc=True).as_unit("ms"),
            "device": pd.Series(devices, dtype="str"),
        }
        for name in self.columns:
            parts = [line.columns[name] for line in self.lines]
            found[name] = np.concatenate(parts) if parts else np.empty(0)
        return pd.DataFrame(found)


_NOTHING = Line("", np.empty(0, np.int64), {})


class Archive:
    """All that was recorded of one host, up to the newest tick. `interval` (ms) is a raw step."""

    def __init__(
        self, history: History, live: LiveRows, tiers: Sequence[Tier], interval: int = 1000
    ) -> None:
        self.history = history
        self.live = live
        self.tiers = tiers
        self.interval = interval

    def series(
        self,
        table: Table,
        columns: Sequence[str],
        start: int,
        end: int,
        *,
        devices: Sequence[str] | None = None,
        tier: Tier | None = None,
        max_points: int | None = MAX_POINTS,
        step: int | None = None,
    ) -> Series:
        """The metrics with start <= time < end (ms since 1970), of all devices or of these.

        From `tier` or, without one, from the finest that covers the span in `max_points` a line.
        A tier that has more is rolled up further as it is read, so no spike is lost; to `step` ms
        a point where that is given. A bucket counts by its beginning; the one that `start` is in
        belongs to the span.
        """
        metrics = [metric for metric in table.metrics if metric.column in columns]
        tier = tier or self.tier_for(table, start, end, max_points)
        if not tier.raw:
            start -= start % (tier.seconds * 1000)
        own = self.step(tier)
        wanted = step or fitting_step(end - start, own, max_points)
        lines = [
            _coarser(line, metrics, wanted) if wanted > own else line
            for line in self._lines(table, metrics, tier, start, end, devices)
        ]
        return Series(table, metrics, tier, wanted, start, end, lines)

    def step(self, tier: Tier) -> int:
        """Milliseconds between two points of a tier."""
        return self.interval if tier.raw else max(tier.seconds * 1000, self.interval)

    def tier_for(self, table: Table, start: int, end: int, max_points: int | None) -> Tier:
        """The finest tier that has the whole span, as far as any has, in so many points."""
        most = max_points or 1 << 62
        fitting = [tier for tier in self.tiers if -(-(end - start) // self.step(tier)) <= most]
        for tier in fitting:
            if self._covers(table, tier, start):
                return tier
        return self.tiers[-1]

    def first(self, table: Table) -> int | None:
        """Time of the oldest row of any tier, in ms since 1970; None where there is none."""
        firsts = [self.history.first(table, tier) for tier in self.tiers]
        known = [first for first in firsts if first is not None]
        if not known:
            known = self.live.columns(table, 0).times.tolist()
        return min(known, default=None)

    def _covers(self, table: Table, tier: Tier, start: int) -> bool:
        first = self.history.first(table, tier)
        if first is not None and first <= start:
            return True
        for coarser in self.tiers[self.tiers.index(tier) + 1 :]:
            theirs = self.history.first(table, coarser)
            bucket = coarser.seconds * 1000
            if theirs is not None and (first is None or theirs < first // bucket * bucket):
                return False
        return True

    def _lines(
        self,
        table: Table,
        metrics: Sequence[Metric],
        tier: Tier,
        start: int,
        end: int,
        devices: Sequence[str] | None,
    ) -> list[Line]:
        schema = columns_of(table, tier, [metric.column for metric in metrics])
        parts: dict[str, list[Line]] = {}
        after = start
        # Memory that reaches back so far has every row: no need to open a file.
        files = (
            [] if self.live.reaches(table, start) else self.history.open(table, tier, start, end)
        )
        for file in files:
            after = max(after, file.last + 1 if tier.raw else file.last + tier.seconds * 1000)
            groups = file.groups(start, end, devices)
            if groups:
                for line in _stored(file.read(groups, schema), start, end, devices):
                    parts.setdefault(line.device, []).append(line)
        if after < end:
            rows = self.live.columns(table, after)
            for line in _recent(rows, metrics, tier, after, end, devices):
                parts.setdefault(line.device, []).append(line)
        return [_joined(lines) for _, lines in sorted(parts.items())]


def fitting_step(span: int, step: int, max_points: int | None) -> int:
    """The smallest multiple of `step` (ms) people count in with at most so many in the span."""
    if max_points is None or -(-span // step) <= max_points:
        return step
    for seconds in _STEPS:
        # One more than fit: the span may begin in the middle of a bucket.
        if seconds * 1000 % step == 0 and span // (seconds * 1000) < max_points:
            return seconds * 1000
    days = -(-span // (max_points * _DAY * 1000))
    return -(-days * _DAY * 1000 // step) * step


def _names(metrics: Sequence[Metric], *, rolled: bool) -> list[str]:
    return [
        name
        for metric in metrics
        for name in (metric.rolled_columns if rolled else (metric.column,))
    ]


def _stored(rows: pa.Table, start: int, end: int, devices: Sequence[str] | None) -> Iterator[Line]:
    """A line for each device in rows that are sorted by device, then time."""
    times = rows.column("time").cast(pa.int64()).to_numpy()
    device = rows.column("device").unify_dictionaries().combine_chunks()
    codes, words = device.indices.to_numpy(), device.dictionary.to_pylist()
    values = {name: rows.column(name).to_numpy() for name in rows.schema.names if name not in _KEYS}
    bounds = np.flatnonzero(np.diff(codes)) + 1
    for first, last in zip([0, *bounds], [*bounds, len(codes)], strict=True):
        if first == last or (devices is not None and words[codes[first]] not in devices):
            continue
        begin, stop = first + np.searchsorted(times[first:last], (start, end))
        if begin < stop:
            columns = {name: column[begin:stop] for name, column in values.items()}
            yield Line(words[codes[first]], times[begin:stop], columns)


_KEYS = ("time", "device")


def _recent(
    rows: Columns,
    metrics: Sequence[Metric],
    tier: Tier,
    start: int,
    end: int,
    devices: Sequence[str] | None,
) -> Iterator[Line]:
    """A line for each device in rows in order of arrival, rolled up where the tier is."""
    inside = (rows.times >= start) & (rows.times < end)
    positions = {metric.column: rows.table.columns.index(metric.column) for metric in metrics}
    for code, device in enumerate(rows.devices):
        if devices is not None and device not in devices:
            continue
        mine = np.flatnonzero(inside & (rows.device_codes == code))
        # A clock that was set back leaves them out of order.
        mine = mine[np.argsort(rows.times[mine], kind="stable")]
        if len(mine):
            cells = {name: rows.cells[mine, at] for name, at in positions.items()}
            line = Line(device, rows.times[mine], cells)
            yield (
                _as_stored(line, metrics)
                if tier.raw
                else _coarser(line, metrics, tier.seconds * 1000)
            )


def _coarser(line: Line, metrics: Sequence[Metric], step: int) -> Line:
    """The line with a point for each `step` ms that has any."""
    buckets = line.times // step
    starts = np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1))
    samples = line.columns.get(SAMPLES)
    columns: dict[str, Floats] = {}
    for metric in metrics:
        names = metric.rolled_columns
        if samples is None:
            names = names[:1]
        values = [np.asarray(line.columns[name], np.float64) for name in names]
        results = aggregated(metric.roll_up, values, starts, samples)
        columns.update(zip(metric.rolled_columns, results, strict=True))
    counts = np.ones(len(line)) if samples is None else samples
    columns[SAMPLES] = np.add.reduceat(counts, starts)
    return _as_stored(Line(line.device, buckets[starts] * step, columns), metrics)


def _as_stored(line: Line, metrics: Sequence[Metric]) -> Line:
    """The line with numbers as precise as a file would have them."""
    columns = dict(line.columns)
    for metric in metrics:
        for name in metric.rolled_columns:
            if name in columns and metric.unit.storage == "int64":
                columns[name] = np.rint(columns[name])
            elif name in columns:
                columns[name] = columns[name].astype(metric.unit.storage)
    return Line(line.device, line.times, columns)


def _joined(lines: Sequence[Line]) -> Line:
    if len(lines) == 1:
        return lines[0]
    return Line(
        lines[0].device,
        np.concatenate([line.times for line in lines]),
        {name: np.concatenate([line.columns[name] for line in lines]) for name in lines[0].columns},
    )
