"""An export as bytes: CSV, Parquet, Arrow or JSON, each written while it is being read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from monitor.metrics import GPU
from monitor.queries.columnwise import head, named, units, values_of
from monitor.queries.export import Export
from monitor.queries.latest import iso
from monitor.queries.series import SAMPLES

Format = Literal["json", "csv", "parquet", "arrow"]
FORMATS: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
"""The media type of each format."""
# Rows are gathered to so many cells before they become a row group or a batch.
_CELLS = 2_000_000


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file, and the share of it, from 0 to 1, that is there with them."""

    content: bytes
    done: float


def written(
    export: Export, kind: Format, indices: Mapping[str, object] | None = None
) -> Iterator[Piece]:
    """The file from its beginning to its end. `indices` are the numbers of GPUs by UUID."""
    if kind == "json":
        return _json(export, indices or {})
    return _tabular(export, _WRITERS[kind])


def file_name(export: Export, kind: Format) -> str:
    """`gpu-2026-11-23T1000Z-2026-11-24T1000Z-1m.csv`."""
    asked = export.asked
    span = "-".join(_minute(time) for time in (asked.start, asked.end))
    return f"{asked.table.name}-{span}-{export.resolution}.{kind}"


def _minute(time: int) -> str:
    return str(iso(time))[:16].replace(":", "") + "Z"


class _Sink(io.RawIOBase):
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, content: object) -> int:
        """Keep a copy."""
        part = bytes(content)  # type: ignore[call-overload]
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        """Bytes so far."""
        return self._size

    def take(self) -> bytes:
        """What has been written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found


class _Csv:
    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        fields = [pa.field(field.name, _plain(field.type, time=pa.string())) for field in schema]
        self._schema = pa.schema(fields)
        self._writer = pa_csv.CSVWriter(sink, self._schema)

    def write(self, rows: pa.Table) -> None:
        time = pc.strftime(rows.column("time"), "%Y-%m-%dT%H:%M:%SZ")
        others = rows.set_column(0, "time", time)
        self._writer.write_table(others.cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _Parquet:
    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        text = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._writer = pq.ParquetWriter(
            sink, schema, compression="zstd", compression_level=3, use_dictionary=text
        )

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=len(rows))

    def close(self) -> None:
        self._writer.close()


class _Arrow:
    """Text is plain: a dictionary could not grow from batch to batch."""

    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        fields = [field.with_type(_plain(field.type, time=field.type)) for field in schema]
        self._schema = pa.schema(fields, metadata=schema.metadata)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_file(pa.PythonFile(sink, "w"), self._schema, options=options)

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows.cast(self._schema))

    def close(self) -> None:
        self._writer.close()


_Writer = _Csv | _Parquet | _Arrow
_WRITERS: Mapping[str, Callable[[_Sink, pa.Schema], _Writer]] = {
    "csv": _Csv,
    "parquet": _Parquet,
    "arrow": _Arrow,
}


def _plain(kind: pa.DataType, time: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return time
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _tabular(export: Export, make: Callable[[_Sink, pa.Schema], _Writer]) -> Iterator[Piece]:
    sink = _Sink()
    writer = make(sink, export.schema)
    for rows, done in _gathered(export):
        writer.write(rows)
        yield Piece(sink.take(), done)
    writer.close()
    yield Piece(sink.take(), 1.0)


def _gathered(export: Export) -> Iterator[tuple[pa.Table, float]]:
    """Small parts put together."""
    waiting: list[pa.Table] = []
    cells, done = 0, 0.0
    for rows, done in export.parts():
        waiting.append(rows)
        cells += len(rows) * rows.num_columns
        if cells >= _CELLS:
            yield pa.concat_tables(waiting).unify_dictionaries(), done
            waiting, cells = [], 0
    if waiting:
        yield pa.concat_tables(waiting).unify_dictionaries(), done


def _json(export: Export, indices: Mapping[str, object]) -> Iterator[Piece]:
    """Device by device, column by column."""
    asked = export.asked
    said = {
        **head(asked.tier, export.step, asked.start, asked.end),
        "units": units(asked.metrics, rolled=export.rolled),
    }
    yield Piece(orjson.dumps(said)[:-1] + b',"series":[', 0.0)
    devices = export.devices()
    comma = b""
    for at, device in enumerate(devices):
        for content, done in _json_block(export, device, indices):
            yield Piece(comma + content, (at + done) / len(devices))
            # Before the next block, not within this one.
            comma = b"," if done == 1.0 and content == b"}" else b""
    yield Piece(b"]}", 1.0)


def _json_block(
    export: Export, device: str, indices: Mapping[str, object]
) -> Iterator[tuple[bytes, float]]:
    """The block of a device and how much of it is done; nothing where it has no row."""
    begun = False
    columns = _keyed_columns if export.asked.table.keys != ("device",) else _columns
    for name, values, done in columns(export, device):
        if not begun:
            yield orjson.dumps(named(export.asked.table, device, indices))[:-1], 0.0
            begun = True
        encoded = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
        yield b',"' + name.encode() + b'":' + encoded, done
    if begun:
        yield b"}", 1.0


def _columns(export: Export, device: str) -> Iterator[tuple[str, object, float]]:
    table = export.asked.table
    # Of time, which is long, as of three columns; host and device are none.
    share = 1 / len(export.schema)
    done = 3 * share
    begun, samples = False, None
    for part in export.line_parts(device):
        if not begun:
            yield "time", part.times, done
            begun, samples = True, part.columns.get(SAMPLES)
        for name, values in part.columns.items():
            if name != SAMPLES and not (table is GPU and name == "index"):
                done += share
                yield name, values_of(table, name, values), done
    if samples is not None:
        yield SAMPLES, values_of(table, SAMPLES, samples), 1.0


def _keyed_columns(export: Export, device: str) -> Iterator[tuple[str, object, float]]:
    """Of a table with text: from Arrow, all rows of the device at once."""
    only = replace(export, asked=replace(export.asked, devices=[device]))
    parts = [rows for rows, _ in only.parts()]
    if parts:
        rows = pa.concat_tables(parts)
        yield "time", rows.column("time").cast(pa.int64()).to_numpy(), 0.0
        for name in rows.column_names[3:]:
            column = rows.column(name)
            plain = pa.types.is_floating(column.type)
            yield name, column.to_numpy() if plain else column.to_pylist(), 1.0
