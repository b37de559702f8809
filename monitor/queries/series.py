"""Any metric over any span: from the tier that fits it, joined with the newest rows.

Gaps stay gaps: a tick or a bucket that was not recorded is no point. What a coarser tier has not
been given yet is rolled up here from the rows that are, so a line goes on to the newest tick.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from monitor.metrics import GPU, HOST, Metric, Table
from monitor.queries.live_rows import LiveRows
from monitor.storage.buffer import Columns, Floats, Int64s
from monitor.storage.decoded import Decoded
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
        if table.keys != ("device",):
            raise ValueError(f"{table.name} has several rows of one device, which are no line")
        named = {table[column] for column in columns}
        metrics = [metric for metric in table.metrics if metric in named]
        tier = tier or self.tier_for(table, start, end, max_points)
        own = self.step(tier)
        wanted = step or fitting_step(start, end, own, max_points, raw=tier.raw)

        def lines(coarser: bool) -> tuple[int, list[Line]]:
            # Whole buckets, so that a point does not change as the span moves on.
            bucket = wanted if coarser else _bucket(tier)
            begin, stop = start - start % bucket, end + -end % bucket
            found = self._lines(table, metrics, tier, begin, stop, devices)
            return begin, [_coarser(line, metrics, wanted) for line in found] if coarser else found

        begin, found = lines(wanted > own)
        most = max(map(len, found), default=0)
        if max_points and not step and most > max_points:
            # Recorded when the interval was shorter than it is now.
            wanted = fitting_step(start, end, own, max_points, raw=False)
            begin, found = lines(True)
        return Series(table, metrics, tier, wanted, begin, end, found)

    def prepare(self) -> None:
        """Read a little, so that the first who asks does not wait for libraries to be loaded."""
        import pandas as pd  # noqa: F401  pyarrow will

        with contextlib.suppress(OSError):
            for table in (HOST, GPU):
                end = (self.first(table) or 0) + 3_600_000
                self.series(table, table.columns[:1], end - 3_600_000, end, tier=self.tiers[-1])
                for tier in self.tiers:
                    self.history.prepare(table, tier)

    def step(self, tier: Tier) -> int:
        """Milliseconds between two points of a tier."""
        return self.interval if tier.raw else max(tier.seconds * 1000, self.interval)

    def tier_for(self, table: Table, start: int, end: int, max_points: int | None) -> Tier:
        """The finest tier that has the whole span, as far as any has, in so many points.

        Where none does, the one with the fewest points of those that have it.
        """
        fitting = [
            tier
            for tier in self.tiers
            if max_points is None
            or _points(start, end, self.step(tier), raw=tier.raw) <= max_points
        ]
        others = [tier for tier in reversed(self.tiers) if tier not in fitting]
        for tier in [*fitting, *others]:
            if self._covers(table, tier, start, end):
                return tier
        return self.tiers[-1]

    def first(self, table: Table) -> int | None:
        """Time of the oldest tick, in ms since 1970, as near as tiers tell; None without any."""
        found, bucket = None, 0
        for tier in reversed(self.tiers):
            first = self.history.first(table, tier)
            # A bucket begins before its first tick does, which a finer tier may still have.
            if first is not None and (found is None or first < found + bucket):
                found, bucket = first, _bucket(tier)
        if found is None:
            return min(self.live.columns(table, 0).times.tolist(), default=None)
        return found

    def _covers(self, table: Table, tier: Tier, start: int, end: int) -> bool:
        """Whether no other tier has rows of the span that are older than this one's first."""
        first = self.history.first(table, tier)
        if first is not None and first <= start:
            return True
        known = [time for time in (first, self.live.first(table, start)) if time is not None]
        mine = min(known, default=end)
        for other in self.tiers:
            theirs = None if other is tier else self.history.first(table, other, start)
            bucket = max(tier.seconds, other.seconds) * 1000
            if theirs is not None and theirs // bucket < mine // bucket:
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
        # Before the files: what is flushed in between is in both, not in neither.
        rows = self.live.columns(table, start)
        # Memory that reaches back so far has every row: no need to open a file.
        files = (
            [] if self.live.reaches(table, start) else self.history.open(table, tier, start, end)
        )
        bucket = _bucket(tier)
        for file in files:
            groups = file.groups(start, end, devices)
            stored = file.decoded(groups, schema) if groups else None
            # What a broken file has may still be in memory.
            if stored is None or len(stored.times):
                after = max(after, file.last + bucket)
            if stored is not None:
                for line in _stored(stored, schema, start, end, devices):
                    parts.setdefault(line.device, []).append(line)
        if _set_back(rows, after - bucket):
            # Ticks that are older than the files' last are not in them yet.
            oldest = int(rows.times.min())
            after = max(start, min(after, -(-oldest // bucket) * bucket))
        for line in _recent(rows, metrics, tier, after, end, devices):
            parts.setdefault(line.device, []).append(line)
        return [_joined(lines) for _, lines in sorted(parts.items())]


def fitting_step(start: int, end: int, step: int, max_points: int | None, *, raw: bool) -> int:
    """The smallest multiple of `step` (ms) people count in with at most so many in the span.

    `step` itself counts buckets or, where `raw`, ticks. ValueError for less than two points: no
    step keeps every span out of two buckets.
    """
    if max_points is None or _points(start, end, step, raw=raw) <= max_points:
        return step
    if max_points < 2:
        raise ValueError(f"max_points is at least 2, not {max_points}")
    for seconds in chain(_STEPS, (days * _DAY for days in count(2))):
        wanted = seconds * 1000
        if wanted > step and wanted % step == 0 and _points(start, end, wanted) <= max_points:
            return wanted
    raise AssertionError("some number of days is longer than the span")


def _points(start: int, end: int, step: int, *, raw: bool = False) -> int:
    """How many ticks that lie `step` apart, or buckets of that length, the span can have."""
    return -(-(end - start) // step) if raw else (end - 1) // step - start // step + 1


def _bucket(tier: Tier) -> int:
    return 1 if tier.raw else tier.seconds * 1000


def _set_back(rows: Columns, last: int) -> bool:
    """Whether the clock was, before some of these rows or since `last`, a time in the files."""
    times = rows.times
    return len(times) > 0 and bool(times[-1] < last or np.any(np.diff(times) < 0))


def _names(metrics: Sequence[Metric], *, rolled: bool) -> list[str]:
    return [
        name
        for metric in metrics
        for name in (metric.rolled_columns if rolled else (metric.column,))
    ]


def _stored(
    rows: Decoded, schema: pa.Schema, start: int, end: int, devices: Sequence[str] | None
) -> Iterator[Line]:
    """A line for each device with these columns."""
    names = schema.names[2:]  # behind time and device
    for device, first, last in rows.stretches:
        if devices is not None and device not in devices:
            continue
        begin, stop = first + np.searchsorted(rows.times[first:last], (start, end))
        if begin < stop:
            columns = {name: rows.columns[name][begin:stop] for name in names}
            yield Line(device, rows.times[begin:stop], columns)


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
    starts = _bucket_starts(line.times, step)
    samples = line.columns.get(SAMPLES)
    columns: dict[str, Floats] = {}
    for metric in metrics:
        names = metric.rolled_columns
        if samples is None:
            names = names[:1]
        values = [np.asarray(line.columns[name], np.float64) for name in names]
        results = aggregated(metric.roll_up, values, starts, samples)
        columns.update(zip(metric.rolled_columns, results, strict=True))
    columns[SAMPLES] = (
        np.diff(starts, append=len(line)).astype(np.float64)
        if samples is None
        else np.add.reduceat(samples, starts)
    )
    times = line.times[starts] // step * step
    return _as_stored(Line(line.device, times, columns), metrics)


def _bucket_starts(times: Int64s, step: int) -> Int64s:
    """Where each bucket of `step` ms begins in rising times, of which there is at least one."""
    first, last = int(times[0]) // step, int(times[-1]) // step
    if last - first < len(times):
        # A search for each bucket's beginning is quicker than a look at each time.
        found = np.searchsorted(times, np.arange(first + 1, last + 1) * step)
        return np.concatenate(([0], found[np.diff(found, prepend=0) > 0]))
    return np.concatenate(([0], np.flatnonzero(np.diff(times // step)) + 1))


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
    """One line of several that follow each other.

    Of two points at one time that with more samples stays, and else the first.
    """
    if len(lines) == 1:
        return lines[0]
    times = np.concatenate([line.times for line in lines])
    columns = {
        name: np.concatenate([line.columns[name] for line in lines]) for name in lines[0].columns
    }
    if np.all(np.diff(times) > 0):
        return Line(lines[0].device, times, columns)
    samples = columns.get(SAMPLES, np.ones(len(times)))
    order = np.lexsort((-samples, times))
    order = order[np.concatenate(([True], np.diff(times[order]) > 0))]
    return Line(
        lines[0].device, times[order], {name: column[order] for name, column in columns.items()}
    )
