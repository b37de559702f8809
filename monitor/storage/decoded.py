"""Columns as they were last read, decoded: whoever looks again at the same span reads nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitor.storage.buffer import Floats, Int64s

_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Decoded:
    """Rows by device, then time: `times` in ms since 1970 and, by name, as many values.

    `stretches` are (device, first row, row after the last). Missing is NaN; whole numbers are
    floats, whether any is missing or not. The arrays are shared: nobody writes to them.
    """

    times: Int64s
    stretches: Sequence[tuple[str, int, int]]
    columns: Mapping[str, Floats]

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return self.times.nbytes + sum(values.nbytes for values in self.columns.values())


class DecodedColumns:
    """The columns that were asked for last, as many as fit in some bytes. Safe between threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, Decoded] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: Hashable, columns: Sequence[str], read: Callable[[Sequence[str]], pa.Table]
    ) -> Decoded:
        """These columns of what `key` stands for; `read(names)` gives those that are not kept.

        What cannot be read has no rows, and is not kept.
        """
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
        lacking = [name for name in columns if known is None or name not in known.columns]
        if known is not None and not lacking:
            return known
        rows = read([*(() if known else ("time", "device")), *lacking])
        if not len(rows):
            return Decoded(np.empty(0, np.int64), (), {name: np.empty(0) for name in columns})
        fresh = {name: _floats(rows.column(name)) for name in lacking}
        if known is None:
            times = rows.column("time").cast(pa.int64()).to_numpy()
            whole = Decoded(times, _stretches(rows.column("device")), fresh)
        else:
            whole = Decoded(known.times, known.stretches, {**known.columns, **fresh})
        self._keep(key, whole)
        return whole

    def _keep(self, key: Hashable, decoded: Decoded) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += decoded.size - (before.size if before else 0)
            self._kept[key] = decoded
            while self._size > self._most:
                self._size -= self._kept.popitem(last=False)[1].size


def _stretches(column: pa.ChunkedArray) -> Sequence[tuple[str, int, int]]:
    device = column.unify_dictionaries().combine_chunks()
    codes, words = device.indices.to_numpy(), device.dictionary.to_pylist()
    bounds = (np.flatnonzero(np.diff(codes)) + 1).tolist()
    pairs = zip([0, *bounds], [*bounds, len(codes)], strict=True)
    return [(words[codes[first]], first, last) for first, last in pairs]


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.to_numpy()
    return values.astype(np.float64) if values.dtype.kind == "i" else values
