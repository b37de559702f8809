"""How a table becomes Parquet bytes: each column in the encoding that suits its values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.storage.schema import numbers

_ZSTD_LEVEL = 3
# Below this, more row groups cost more than they let a reader skip.
_ROWS_PER_GROUP = 10_000
_INSPECTED = 2_000
_REPEATS = 0.25


def encode(rows: pa.Table, sink: pa.NativeFile) -> None:
    """Write rows that are sorted by device; one row group a device where each has enough."""
    words, encodings = _encodings(rows)
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=words,
        column_encoding=encodings,
        write_page_checksum=True,
    ) as writer:
        counts = _rows_by_device(rows)
        if counts and min(counts) >= _ROWS_PER_GROUP:
            start = 0
            for count in counts:
                writer.write_table(rows.slice(start, count), row_group_size=count)
                start += count
        else:
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))


def _rows_by_device(rows: pa.Table) -> list[int]:
    # In order of appearance, which is the order of the rows.
    counted = pc.value_counts(rows.column("device").cast(pa.string()))
    return counted.field("counts").to_pylist() if len(counted) else []


def _encodings(rows: pa.Table) -> tuple[list[str], dict[str, str]]:
    """(columns with a dictionary, encoding of the others), by a look at some of the values."""
    words: list[str] = []
    encodings: dict[str, str] = {}
    step = max(1, rows.num_rows // _INSPECTED)
    some = rows.take(numbers(np.arange(0, rows.num_rows, step, dtype=np.int64), pa.int64()))
    for field in rows.schema:
        if field.name == "time":
            encodings[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_dictionary(field.type) or _repeats(some.column(field.name)):
            words.append(field.name)
        else:
            floating = pa.types.is_floating(field.type)
            encodings[field.name] = "BYTE_STREAM_SPLIT" if floating else "DELTA_BINARY_PACKED"
    return words, encodings


def _repeats(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values).as_py() <= max(1, _REPEATS * len(values)))
