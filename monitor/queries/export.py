"""The rows of any table over any span, piece by piece: what is in memory does not grow with it.

A window of a span is a file's period, so that each row group is read once. Every window is
answered by the same query as a chart, and has the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.metrics import Metric, Table
from monitor.queries.archive import Archive
from monitor.queries.devices import recorded_devices
from monitor.queries.live_rows import LiveRows
from monitor.queries.question import Question
from monitor.queries.series import SAMPLES, Line
from monitor.storage.buffer import Columns, Floats, Int64s
from monitor.storage.parquet import in_order
from monitor.storage.rollup import roll_up
from monitor.storage.schema import numbers, raw_schema, rolled_schema, to_arrow

# As many cells are read at a time, of all columns together.
_CELLS = 2_000_000
# Of a window with fewer cells a device, all devices are read at once.
_FEW_DEVICES = 64
# Files are looked for in steps of so long, that few of them are open at a time.
_LOOK_MS = 30 * 86_400_000

Part = tuple[pa.Table, float]
"""Rows, and the share of the span that is done with them."""


@dataclass(frozen=True)
class Export:
    """A question, all that its answer needs to be begun, and the rows of the newest hour.

    `step` is in ms; `rolled` says whether a point is a bucket of several ticks.
    """

    archive: Archive
    asked: Question
    step: int
    rolled: bool

    @property
    def schema(self) -> pa.Schema:
        """`time`, `host`, `device`, the columns asked for, and `samples` where rolled."""
        whole = (rolled_schema if self.rolled else raw_schema)(self.asked.table)
        names = ["time", "host", "device"]
        for metric in self.asked.metrics:
            names += metric.rolled_columns if self.rolled else (metric.column,)
        names += [SAMPLES] if self.rolled else []
        return pa.schema([whole.field(name) for name in names], metadata=whole.metadata)

    @property
    def resolution(self) -> str:
        """What lies between two points: a tier's name, or seconds."""
        own = self.step == self.archive.step(self.asked.tier)
        return self.asked.tier.name if own else f"{self.step // 1000}s"

    def parts(self) -> Iterator[Part]:
        """All rows, by window, then device, then time; none is left out where there is a row."""
        table = self.asked.table
        if table.keys != ("device",):
            yield from _keyed_parts(self)
        elif self.asked.max_points is not None:
            known = self.devices()
            for at, device in enumerate(known):
                line = self.line(device)
                if line is not None:
                    yield self._rows([line]), (at + 1) / len(known)
        else:
            for begin, end in self.windows():
                groups = self._some_devices(begin, end)
                for at, devices in enumerate(groups):
                    lines = self._lines(begin, end, devices, self.asked.metrics)
                    if lines:
                        before, after = self.share(begin), self.share(end)
                        yield self._rows(lines), before + (after - before) * (at + 1) / len(groups)

    def share(self, time: int) -> float:
        """How much of what there is of the span is before `time`."""
        begin = self._begin()
        return min(1.0, max(0.0, (time - begin) / max(1, self.asked.end - begin)))

    def _begin(self) -> int:
        first = self.archive.history.first(self.asked.table, self.asked.tier, self.asked.start)
        return (
            self.asked.start if first is None else min(max(self.asked.start, first), self.asked.end)
        )

    def devices(self) -> list[str]:
        """Those that may have a row in the span, sorted."""
        asked = self.asked
        if asked.devices is not None:
            return sorted(set(asked.devices))
        found: set[str] = set()
        for begin, end in self.windows():
            found.update(recorded_devices(self.archive, asked.table, begin, end, asked.tier.name))
        return sorted(found)

    def line(self, device: str) -> Line | None:
        """All points of one device; None where it has none."""
        parts = list(self.line_parts(device))
        if not parts:
            return None
        columns = {name: values for part in parts for name, values in part.columns.items()}
        return Line(device, parts[0].times, columns)

    def line_parts(self, device: str) -> Iterator[Line]:
        """The points of one device, some columns at a time, each time with the same times."""
        times = None
        for some in self.batches():
            line = self._whole_line(device, some)
            if line is None:
                return
            # Between two reads, a file may have gone that is past its age.
            times = line.times if times is None else times
            yield _aligned(line, times)

    def batches(self) -> Sequence[Sequence[Metric]]:
        """The metrics, so many at a time as may be read of one device over the whole span."""
        metrics = self.asked.metrics
        size = max(1, _CELLS // (3 * max(1, self.asked_rows())))
        parts = [metrics[at : at + size] for at in range(0, len(metrics), size)]
        return parts or [metrics]

    def asked_rows(self) -> int:
        """Rows of the tier that a device can have in what there is of the span."""
        return -(-(self.asked.end - self._begin()) // self.archive.step(self.asked.tier))

    def windows(self) -> Iterator[tuple[int, int]]:
        """(start, end) in ms of spans that follow each other, in each one file's rows."""
        asked = self.asked
        bucket = 1 if asked.tier.raw else asked.tier.seconds * 1000
        begin = asked.start
        for look in range(self._begin(), asked.end, _LOOK_MS):
            after = min(asked.end, look + _LOOK_MS)
            files = self.archive.history.open(asked.table, asked.tier, look, after)
            firsts = [file.first(0) or 0 for file in files]
            del files
            for start in (first - first % bucket for first in firsts):
                if begin < start < asked.end:
                    yield begin, start
                    begin = start
        yield begin, asked.end

    def _some_devices(self, begin: int, end: int) -> Sequence[Sequence[str] | None]:
        """Devices to read together: all of a small window, each of a large one."""
        asked = self.asked
        rows = (end - max(begin, self._begin())) // self.archive.step(asked.tier)
        cells = max(1, rows * len(self.schema))
        devices = asked.devices
        if devices is None and cells > _CELLS // _FEW_DEVICES:
            devices = recorded_devices(self.archive, asked.table, begin, end, asked.tier.name)
        if devices is None:
            return [None]
        size = max(1, _CELLS // cells)
        ordered = sorted(set(devices))
        return [ordered[at : at + size] for at in range(0, len(ordered), size)]

    def _lines(
        self, begin: int, end: int, devices: Sequence[str] | None, metrics: Sequence[Metric]
    ) -> Sequence[Line]:
        columns = [metric.column for metric in metrics]
        part = replace(self.asked, columns=columns, start=begin, end=end, devices=devices)
        return part.series(self.archive).lines

    def _whole_line(self, device: str, metrics: Sequence[Metric]) -> Line | None:
        asked = self.asked
        if asked.max_points is not None:
            return next(iter(self._lines(asked.start, asked.end, [device], metrics)), None)
        parts = [
            line
            for begin, end in self.windows()
            for line in self._lines(begin, end, [device], metrics)
        ]
        if not parts:
            return None
        columns = {
            name: np.concatenate([part.columns[name] for part in parts])
            for name in parts[0].columns
        }
        return Line(device, np.concatenate([part.times for part in parts]), columns)

    def _rows(self, lines: Sequence[Line]) -> pa.Table:
        return pa.concat_tables([self._table(line) for line in lines]).unify_dictionaries()

    def _table(self, line: Line) -> pa.Table:
        schema = self.schema
        same = pa.array(np.zeros(len(line), np.int32))
        arrays = [
            numbers(line.times, schema.field("time").type),
            pa.DictionaryArray.from_arrays(same, [self.archive.history.host]),
            pa.DictionaryArray.from_arrays(same, [line.device]),
        ]
        arrays += [_array(line.columns[field.name], field.type) for field in list(schema)[3:]]
        return pa.Table.from_arrays(arrays, schema=schema)


def export(archive: Archive, asked: Question) -> Export:
    """The question's answer, ready to be read. What is in memory now is what it ends with."""
    still = Archive(
        archive.history.passing(),
        _StillRows(archive.live, asked.table, asked.start),
        archive.tiers,
        archive.interval,
    )
    step, rolled = archive.step(asked.tier), not asked.tier.raw
    if asked.max_points is not None:
        # Only times are read: they say how far apart points come to be.
        shape = replace(asked, columns=()).series(still)
        step, rolled = shape.step, shape.rolled
        asked = replace(asked, start=shape.start)
    return Export(still, asked, step, rolled)


class _StillRows(LiveRows):
    """The rows of a moment: read once, and the same for every window of an export."""

    def __init__(self, live: LiveRows, table: Table, start: int) -> None:
        super().__init__([])
        self._rows = live.columns(table, start)

    def columns(self, table: Table, start: int) -> Columns:
        """Every row there was."""
        return self._rows

    def reaches(self, table: Table, start: int) -> bool:
        """No: files have what memory lost since."""
        return False


def _keyed_parts(export: Export) -> Iterator[Part]:
    """Rows of a table that has several of one device at a time, group by group of each file."""
    asked, archive = export.asked, export.archive
    bucket = 1 if asked.tier.raw else asked.tier.seconds * 1000
    after = asked.start
    wanted = export.schema
    for begin, end in export.windows():
        for file in archive.history.open(asked.table, asked.tier, begin, end):
            for group in file.groups(begin, end, asked.devices):
                rows = file.read([group], wanted)
                if len(rows):
                    after = max(after, file.last + bucket)
                rows = _chosen(rows, begin, end, asked.devices)
                if len(rows):
                    yield rows, export.share(end)
    newest = archive.live.columns(asked.table, after).between(after, asked.end)
    if len(newest):
        host = archive.history.host
        rows = (
            to_arrow(newest, host) if asked.tier.raw else roll_up(newest, asked.tier.seconds, host)
        )
        rows = _chosen(in_order(rows).select(wanted.names), after, asked.end, asked.devices)
        if len(rows):
            yield rows.cast(wanted), 1.0


def _chosen(rows: pa.Table, start: int, end: int, devices: Sequence[str] | None) -> pa.Table:
    times = rows.column("time").cast(pa.int64())
    keep = pc.and_(pc.greater_equal(times, start), pc.less(times, end))
    if devices is not None:
        named = pa.array(list(devices), pa.string())
        keep = pc.and_(keep, pc.is_in(rows.column("device").cast(pa.string()), value_set=named))
    return rows.filter(keep)


def _array(values: Floats, kind: pa.DataType) -> pa.Array:
    """A column as a file has it: missing is null, whole numbers are whole."""
    missing = np.isnan(values)
    if pa.types.is_integer(kind):
        values = np.where(missing, 0, values)
    return numbers(values.astype(kind.to_pandas_dtype()), kind, missing)


def _aligned(line: Line, times: Int64s) -> Line:
    """The line at these times."""
    if np.array_equal(line.times, times):
        return line
    places = np.searchsorted(line.times, times).clip(max=len(line) - 1)
    there = line.times[places] == times
    columns = {
        name: np.where(there, values[places], np.nan) for name, values in line.columns.items()
    }
    return Line(line.device, times, columns)
