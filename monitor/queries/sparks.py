"""The last two minutes and the highest of the last hour, for the readings that are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor import units
from monitor.metrics import Metric, Table
from monitor.queries.latest import Latest
from monitor.sources.base import Row
from monitor.storage.buffer import Buffer, Columns, Floats

SPARKS: Mapping[str, tuple[str, ...]] = {
    "host": ("cpu_percent", "memory_used_bytes", "swap_used_bytes", "disk_io_bytes_per_second"),
    "gpu": ("utilization_percent", "memory_used_bytes", "temperature_celsius", "power_watts"),
}
SPARK_SECONDS = 120

DISK_IO = Metric(
    "disk_io_bytes_per_second",
    units.BYTES_PER_SECOND,
    "Disk I/O",
    "Read from and written to all physical disks.",
    "/proc/diskstats",
)
_PARTS = ("disk_read_bytes_per_second", "disk_write_bytes_per_second")


def shown_metric(table: Table, column: str) -> Metric:
    """The metric behind a column of the page, the sum of disk reads and writes included."""
    return DISK_IO if column == DISK_IO.column else table[column]


def value_of(row: Row, column: str) -> float | None:
    """The raw number in a row, None where it is missing."""
    if column == DISK_IO.column:
        parts = [row.get(part) for part in _PARTS]
        present = [part for part in parts if isinstance(part, (int, float))]
        return sum(present) if present else None
    value = row.get(column)
    return value if isinstance(value, (int, float)) else None


class Peaks:
    """The highest value of each shown column in the last hour, kept up as ticks arrive.

    Exact to a minute: the hour is held as sixty minutes' maxima, so that a tick costs a
    comparison and not a look at 3,600 rows.
    """

    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str, str], dict[int, float]] = {}

    def load(self, buffers: Mapping[str, Buffer]) -> None:
        """Take what a buffer already holds."""
        for name, columns in SPARKS.items():
            rows = buffers[name].columns()
            for column in columns:
                self._load(name, column, rows)

    def add(self, name: str, row: Row, time: int) -> None:
        """Take a row of the tick at `time`."""
        for column in SPARKS.get(name, ()):
            value = value_of(row, column)
            if value is not None:
                self._put((name, column, str(row["device"])), time // 60_000, value)

    def over(self, time: int) -> dict[str, dict[str, dict[str, float]]]:
        """Table → column → device → highest in the hour before `time`."""
        first = time // 60_000 - 60
        peaks: dict[str, dict[str, dict[str, float]]] = {}
        for (name, column, device), minutes in self._minutes.items():
            for minute in [minute for minute in minutes if minute < first]:
                del minutes[minute]
            if minutes:
                peaks.setdefault(name, {}).setdefault(column, {})[device] = max(minutes.values())
        return peaks

    def _put(self, key: tuple[str, str, str], minute: int, value: float) -> None:
        minutes = self._minutes.setdefault(key, {})
        if value > minutes.get(minute, -np.inf):
            minutes[minute] = value

    def _load(self, name: str, column: str, rows: Columns) -> None:
        cells = spark_cells(rows, column)
        for code, device in enumerate(rows.devices):
            mine = (rows.device_codes == code) & ~np.isnan(cells)
            if not mine.any():
                continue
            minutes, values = rows.times[mine] // 60_000, cells[mine]
            order = np.argsort(minutes, kind="stable")
            firsts, starts = np.unique(minutes[order], return_index=True)
            for minute, value in zip(
                firsts, np.maximum.reduceat(values[order], starts), strict=True
            ):
                self._put((name, column, device), int(minute), float(value))


def spark_cells(rows: Columns, column: str) -> Floats:
    """The column's values; for disk I/O, reads and writes together."""
    if column == DISK_IO.column:
        read, written = (rows[part] for part in _PARTS)
        both_missing = np.isnan(read) & np.isnan(written)
        return np.where(both_missing, np.nan, np.nan_to_num(read) + np.nan_to_num(written))
    return rows[column]


def sparks(latest: Latest, buffers: Mapping[str, Buffer]) -> dict[str, object]:
    """The last two minutes of each sparkline: values on the tick's grid, null where none was."""
    if latest.time is None:
        return {"end": None, "step": 1000, "lines": {}}
    interval = latest.recorder.get("interval", 1.0)
    step = max(1, round(1000 * (interval if isinstance(interval, (int, float)) else 1.0)))
    count = max(2, SPARK_SECONDS * 1000 // step)
    start = latest.time - (count - 1) * step
    lines: dict[str, dict[str, list[float | None]]] = {}
    for name, columns in SPARKS.items():
        rows = buffers[name].columns(start, latest.time + 1)
        slots = (rows.times - start) // step
        for column in columns:
            cells = spark_cells(rows, column)
            for code, device in enumerate(rows.devices):
                line: list[float | None] = [None] * count
                mine = (rows.device_codes == code) & ~np.isnan(cells)
                for slot, value in zip(slots[mine].tolist(), cells[mine].tolist(), strict=True):
                    line[slot] = float(f"{value:.6g}")
                lines.setdefault(f"{name}.{column}", {})[device] = line
    return {"end": latest.time, "step": step, "lines": lines}
