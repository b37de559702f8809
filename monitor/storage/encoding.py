"""How a table becomes Parquet bytes: each column in the encoding that suits its values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.storage.schema import numbers

_ZSTD_LEVEL = 3
# Below this, more row groups cost more than they let a reader skip.
ROWS_PER_GROUP = 10_000
# A table this small is mostly its schema: zstd and a look at its values take time and save nothing.
_FEW_ROWS = 128
# From here on, dictionaries of numbers save more than one byte in a hundred.
_MANY_ROWS = 4_000
_INSPECTED = 2_000
_REPEATS = 0.25


def encode(rows: pa.Table, sink: pa.NativeFile) -> None:
    """Write rows that are sorted by device; one row group a device where each has enough."""
    with _writer(rows, rows.num_rows, sink) as writer:
        for group in _row_groups(rows):
            writer.write_table(group, row_group_size=max(1, group.num_rows))


def encode_groups(groups: Iterable[pa.Table], some: pa.Table, sink: pa.NativeFile) -> None:
    """Write row groups as they come, many rows in all; `some` of them decide the encodings."""
    with _writer(some, _MANY_ROWS, sink) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(1, group.num_rows))
            del group  # before the next is made


def sample(rows: pa.Table, size: int = _INSPECTED) -> pa.Table:
    """About `size` of the rows, evenly spaced."""
    step = max(1, rows.num_rows // size)
    return rows.take(numbers(np.arange(0, rows.num_rows, step, dtype=np.int64), pa.int64()))


def _writer(some: pa.Table, count: int, sink: pa.NativeFile) -> pq.ParquetWriter:
    few = count <= _FEW_ROWS
    words, encodings = _encodings(some, look=count >= _MANY_ROWS)
    return pq.ParquetWriter(
        sink,
        some.schema,
        compression="none" if few else "zstd",
        compression_level=None if few else _ZSTD_LEVEL,
        use_dictionary=words,
        column_encoding=encodings,
        write_page_checksum=True,
    )


def _row_groups(rows: pa.Table) -> Iterator[pa.Table]:
    counts = _rows_by_device(rows) if rows.num_rows >= ROWS_PER_GROUP else []
    if not counts or min(counts) < ROWS_PER_GROUP:
        counts = [rows.num_rows]
    start = 0
    for count in counts:
        yield rows.slice(start, count)
        start += count


def _rows_by_device(rows: pa.Table) -> list[int]:
    # In order of appearance, which is the order of the rows.
    counted = pc.value_counts(rows.column("device").cast(pa.string()))
    return counted.field("counts").to_pylist() if len(counted) else []


def _encodings(rows: pa.Table, *, look: bool) -> tuple[list[str], dict[str, str]]:
    """(columns with a dictionary, encoding of the others); numbers' by a `look` at their values."""
    words: list[str] = []
    encodings: dict[str, str] = {}
    some = sample(rows) if look else rows
    for field in rows.schema:
        if field.name == "time":
            encodings[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_dictionary(field.type) or (look and _repeats(some.column(field.name))):
            words.append(field.name)
        else:
            floating = pa.types.is_floating(field.type)
            encodings[field.name] = "BYTE_STREAM_SPLIT" if floating else "DELTA_BINARY_PACKED"
    return words, encodings


def _repeats(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values).as_py() <= max(1, _REPEATS * len(values)))
