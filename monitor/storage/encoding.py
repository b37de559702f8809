"""How rows become Parquet bytes: encoding and row groups chosen by what is in the columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_LEVEL = 3
_ROWS_PER_GROUP = 10_000
_LOOKED_AT = 1024
# Measured: up to about twenty values a dictionary is smallest, above it the values' own bytes.
_FEW = 20


def encode(rows: pa.Table, out: pa.NativeFile) -> None:
    """Write the Parquet file of rows sorted by device. Groups end where a device ends."""
    with writer(out, rows) as file:
        start = 0
        for end in group_ends(rows):
            file.write_table(rows.slice(start, end - start), row_group_size=end - start)
            start = end


def writer(out: pa.NativeFile, like: pa.Table) -> pq.ParquetWriter:
    """A writer with the encodings that suit rows like these."""
    dictionaries, encodings = [], {}
    for field in like.schema:
        if pa.types.is_dictionary(field.type) or _is_few_valued(like.column(field.name)):
            dictionaries.append(field.name)
        elif pa.types.is_floating(field.type):
            encodings[field.name] = "BYTE_STREAM_SPLIT"
        else:
            encodings[field.name] = "DELTA_BINARY_PACKED"
    return pq.ParquetWriter(
        out,
        like.schema,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=dictionaries,
        column_encoding=encodings,
        write_page_checksum=True,
    )


def group_ends(rows: pa.Table) -> list[int]:
    """Where row groups end: after a device, once a group has some ten thousand rows."""
    if not rows.num_rows:
        return []
    codes = rows.column("device").combine_chunks()
    codes = codes.chunk(0) if isinstance(codes, pa.ChunkedArray) else codes
    device = codes.indices.to_numpy(zero_copy_only=False)
    ends: list[int] = []
    for end in [*(np.flatnonzero(device[1:] != device[:-1]) + 1).tolist(), len(device)]:
        if end - (ends[-1] if ends else 0) >= _ROWS_PER_GROUP:
            ends.append(end)
    # What is left over joins the last group rather than being a small one.
    return [*ends[:-1], len(device)]


def _is_few_valued(column: pa.ChunkedArray) -> bool:
    step = max(1, len(column) // _LOOKED_AT)
    some = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    values = some.to_numpy(zero_copy_only=False)[::step]
    return len(np.unique(values)) <= _FEW
