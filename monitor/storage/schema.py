"""The columns of a Parquet file, raw and rolled, and the way from memory to Arrow and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from monitor.metrics import Metric, Table
from monitor.storage.buffer import Columns, Floats

SCHEMA_VERSION = "1"

_WORDS = pa.dictionary(pa.int32(), pa.string())
_TYPES = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64(), "text": _WORDS}
_KEYS = [
    pa.field("time", pa.timestamp("ms", tz="UTC"), nullable=False),
    pa.field("host", _WORDS, nullable=False),
    pa.field("device", _WORDS, nullable=False),
]
_SAMPLES = pa.field("samples", pa.int64(), nullable=False, metadata={"label": "Rows in the bucket"})


@cache
def raw_schema(table: Table) -> pa.Schema:
    """`time`, `host`, `device`, then a column for each metric."""
    return _schema(table, [_field(metric, metric.column) for metric in table.metrics])


@cache
def rolled_schema(table: Table) -> pa.Schema:
    """The same with `<column>_min` and `<column>_max` beside each mean, and `samples`."""
    fields = [_field(metric, name) for metric in table.metrics for name in metric.rolled_columns]
    return _schema(table, [*fields, _SAMPLES])


def _field(metric: Metric, name: str) -> pa.Field:
    return pa.field(
        name,
        _TYPES[metric.unit.storage],
        metadata={"unit": metric.unit.name, "label": metric.label},
    )


def _schema(table: Table, fields: list[pa.Field]) -> pa.Schema:
    return pa.schema(
        [*_KEYS, *fields], metadata={"schema_version": SCHEMA_VERSION, "table": table.name}
    )


def to_arrow(rows: Columns, host: str) -> pa.Table:
    """Raw rows as they are stored."""
    arrays = keys_to_arrow(rows, host)
    for position, metric in enumerate(rows.table.metrics):
        arrays.append(cells_to_arrow(rows, metric, rows.cells[:, position]))
    return pa.Table.from_arrays(arrays, schema=raw_schema(rows.table))


def keys_to_arrow(rows: Columns, host: str) -> list[pa.Array]:
    """The arrays of `time`, `host` and `device`."""
    return [
        numbers(rows.times, _KEYS[0].type),
        _coded(np.zeros(len(rows), np.int32), [host]),
        _coded(rows.device_codes, rows.devices),
    ]


def cells_to_arrow(rows: Columns, metric: Metric, cells: Floats) -> pa.Array:
    """One column; NaN becomes null. The mean of whole numbers is rounded to one."""
    missing = np.isnan(cells)
    kind = metric.unit.storage
    if kind == "text":
        codes = np.where(missing, 0, cells).astype(np.int32)
        return _coded(codes, rows.words[metric.column], missing)
    if kind == "int64":
        cells = np.rint(np.where(missing, 0, cells))
    return numbers(cells.astype(kind), _TYPES[kind], missing)


# Arrays are built from their buffers: `pa.array` would import pandas, which costs a recorder that
# has no other use for it 35 MB.


def numbers(
    values: np.ndarray[tuple[int], np.dtype[np.generic]],
    kind: pa.DataType,
    missing: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None,
) -> pa.Array:
    """An array of these values, null where `missing`."""
    validity = None
    if missing is not None and missing.any():
        validity = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [validity, data])


def _coded(
    codes: np.ndarray[tuple[int], np.dtype[np.int32]],
    words: Sequence[str],
    missing: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None,
) -> pa.Array:
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    text = pa.py_buffer(b"".join(encoded))
    dictionary = pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), text)
    return pa.DictionaryArray.from_arrays(numbers(codes, pa.int32(), missing), dictionary)


def from_arrow(stored: pa.Table, table: Table) -> Columns:
    """Raw rows of a file. A column that the file does not have yet is missing throughout."""
    devices, codes = _words(stored.column("device"))
    words: dict[str, list[str]] = {}
    cells = np.full((stored.num_rows, len(table.metrics)), np.nan)
    for position, metric in enumerate(table.metrics):
        text = metric.unit.storage == "text"
        if text:
            words[metric.column] = []
        if metric.column not in stored.column_names:
            continue
        column = stored.column(metric.column)
        if text:
            words[metric.column], found = _words(column)
            cells[:, position] = np.where(found < 0, np.nan, found)
        else:
            cells[:, position] = _plain(column.cast(pa.float64(), safe=False), np.nan)
    return Columns(
        table,
        _plain(stored.column("time").cast(pa.int64()), -1).astype(np.int64),
        codes.astype(np.int32),
        cells,
        devices,
        dict(words),
    )


def _words(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return [], np.empty(0, np.int64)
    words = column.chunk(0).dictionary.to_pylist()
    codes = pa.chunked_array([chunk.indices for chunk in column.chunks])
    return words, _plain(codes, -1).astype(np.int64)


def _plain(column: pa.ChunkedArray, missing: float) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """The numbers of a column. `to_numpy` would import pandas, which a recorder does not need."""
    kind = np.dtype(column.type.to_pandas_dtype())
    found = np.empty(len(column), kind)
    start = 0
    for chunk in filter(len, column.chunks):
        validity, data = chunk.buffers()
        part = found[start : start + len(chunk)]
        part[:] = np.frombuffer(data, kind, len(chunk), chunk.offset * kind.itemsize)
        if chunk.null_count:
            bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
            part[bits[chunk.offset : chunk.offset + len(chunk)] == 0] = missing
        start += len(chunk)
    return found
