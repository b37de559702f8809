"""What a query answers: a line for each device, and how rows become lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from monitor.metrics import Metric, Table
from monitor.storage.buffer import Columns, Floats, Int64s
from monitor.storage.decoded import Decoded
from monitor.storage.rollup import aggregated
from monitor.storage.tiers import Tier

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = "samples"


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


def _names(metrics: Sequence[Metric], *, rolled: bool) -> list[str]:
    return [
        name
        for metric in metrics
        for name in (metric.rolled_columns if rolled else (metric.column,))
    ]


def stored_lines(
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


def recent_lines(
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
                else coarser(line, metrics, tier.seconds * 1000)
            )


def coarser(line: Line, metrics: Sequence[Metric], step: int) -> Line:
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


def joined(lines: Sequence[Line]) -> Line:
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
