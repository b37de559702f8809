"""Rows in memory, by column: appended each tick, read as arrays or as a DataFrame.

Every cell is a float64: missing is NaN, text is a code into the column's own list of words.
A snapshot shares memory with the buffer and never changes: rows are only added past its end, and
growing or trimming moves to new arrays. So a flush on another thread holds the lock for an
instant, not for a copy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.metrics import Table
from monitor.sources.base import Row

if TYPE_CHECKING:
    import pandas as pd

_FIRST_CAPACITY = 256

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Rows of one table: `times` in ms since 1970, `device_codes` into `devices`, `cells`.

    `cells` has shape (rows, metrics) in the catalogue's order; a text column holds codes into
    `words[column]`.
    """

    table: Table
    times: Int64s
    device_codes: Int32s
    cells: Floats
    devices: Sequence[str]
    words: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, column: str) -> Floats:
        return self.cells[:, self.table.columns.index(column)]

    def between(self, start: int | None = None, end: int | None = None) -> Columns:
        """The rows with start <= time < end."""
        keep = np.ones(len(self.times), dtype=bool)
        if start is not None:
            keep &= self.times >= start
        if end is not None:
            keep &= self.times < end
        return self.take(np.flatnonzero(keep))

    def take(self, rows: Int64s) -> Columns:
        """These rows, in this order."""
        return Columns(
            self.table,
            self.times[rows],
            self.device_codes[rows],
            self.cells[rows],
            self.devices,
            self.words,
        )

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame: `time` (UTC), `device`, then the metrics; missing is NaN."""
        # Imported here: the recorder, which never asks for a frame, saves 30 MB.
        import pandas as pd

        columns: dict[str, object] = {
            "time": pd.to_datetime(self.times, unit="ms", utc=True).as_unit("ms"),
            "device": _words(self.device_codes, self.devices),
        }
        for position, metric in enumerate(self.table.metrics):
            cells = self.cells[:, position]
            if metric.unit.storage == "text":
                codes = np.where(np.isnan(cells), -1, cells).astype(np.int32)
                columns[metric.column] = _words(codes, self.words[metric.column])
            else:
                columns[metric.column] = cells
        return pd.DataFrame(columns)


class Buffer:
    """The newest rows of one table. Safe to append from one thread and read from others."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._lock = threading.Lock()
        self._size = 0
        self._times: Int64s = np.empty(_FIRST_CAPACITY, np.int64)
        self._codes: Int32s = np.empty(_FIRST_CAPACITY, np.int32)
        self._cells: Floats = np.empty((_FIRST_CAPACITY, len(table.metrics)))
        self._device_codes: dict[str, int] = {}
        self._word_codes: dict[str, dict[str, int]] = {
            metric.column: {} for metric in table.metrics if metric.unit.storage == "text"
        }
        self._positions = {column: at for at, column in enumerate(table.columns)}

    def __len__(self) -> int:
        return self._size

    def append(self, time: int, rows: Iterable[Row]) -> None:
        """Add the rows of the tick at `time`, in ms since 1970. Unknown columns are a KeyError."""
        with self._lock:
            for row in rows:
                at = self._size
                if at == len(self._times):
                    self._move(0, 2 * at)
                cells = self._cells[at]
                cells.fill(np.nan)
                for column, value in row.items():
                    if column == "device":
                        self._codes[at] = self._device_codes.setdefault(
                            str(value), len(self._device_codes)
                        )
                    elif value is None:
                        continue
                    elif isinstance(value, str):
                        words = self._word_codes[column]
                        cells[self._positions[column]] = words.setdefault(value, len(words))
                    else:
                        cells[self._positions[column]] = value
                self._times[at] = time
                self._size += 1

    def extend(self, rows: Columns) -> None:
        """Add rows of another buffer or of a file; their codes are translated."""
        with self._lock:
            if self._size + len(rows) > len(self._times):
                self._move(0, _power_of_two(self._size + len(rows)))
            devices = np.array(
                [self._device_codes.setdefault(d, len(self._device_codes)) for d in rows.devices],
                dtype=np.int32,
            )
            end = self._size + len(rows)
            self._times[self._size : end] = rows.times
            self._codes[self._size : end] = devices[rows.device_codes] if len(rows) else 0
            self._cells[self._size : end] = rows.cells
            for column, words in self._word_codes.items():
                at = self._positions[column]
                codes = np.array(
                    [float(words.setdefault(w, len(words))) for w in rows.words[column]] + [np.nan]
                )
                theirs = rows.cells[:, at]
                picked = np.where(np.isnan(theirs), len(codes) - 1, theirs).astype(np.int64)
                self._cells[self._size : end, at] = codes[picked]
            self._size = end

    def columns(self, start: int | None = None, end: int | None = None) -> Columns:
        """The rows with start <= time < end, in order of arrival. Cheap without bounds."""
        with self._lock:
            size = self._size
            whole = Columns(
                self.table,
                self._times[:size],
                self._codes[:size],
                self._cells[:size],
                list(self._device_codes),
                {column: list(words) for column, words in self._word_codes.items()},
            )
        return whole if start is None and end is None else whole.between(start, end)

    def frame(self, start: int | None = None, end: int | None = None) -> pd.DataFrame:
        """`columns(start, end)` as a DataFrame."""
        return self.columns(start, end).frame()

    def drop_before(self, time: int) -> None:
        """Forget rows older than `time`."""
        self.drop(np.iinfo(np.int64).min, time)

    def drop(self, start: int, end: int) -> None:
        """Forget rows with start <= time < end."""
        with self._lock:
            times = self._times[: self._size]
            keep = np.flatnonzero((times < start) | (times >= end))
            if len(keep) < self._size:
                self._keep(keep, max(_FIRST_CAPACITY, _power_of_two(2 * len(keep))))

    def _move(self, first: int, capacity: int) -> None:
        self._keep(np.arange(first, self._size), capacity)

    def _keep(self, rows: Int64s, capacity: int) -> None:
        times, codes, cells = self._times, self._codes, self._cells
        self._times = np.empty(capacity, np.int64)
        self._codes = np.empty(capacity, np.int32)
        self._cells = np.empty((capacity, cells.shape[1]))
        self._size = len(rows)
        self._times[: self._size] = times[rows]
        self._codes[: self._size] = codes[rows]
        self._cells[: self._size] = cells[rows]


def _words(codes: Int32s, words: Sequence[str]) -> pd.Categorical:
    import pandas as pd

    return pd.Categorical.from_codes(codes, pd.Index(list(words), dtype="str"))


def _power_of_two(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()
