"""Hour files of a closed day into one day file, a device at a time so that memory stays small."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.metrics import Table
from monitor.storage.buffer import Columns
from monitor.storage.encoding import writer
from monitor.storage.parquet import Corrupt, ParquetStore, rows_of, union
from monitor.storage.schema import from_arrow, to_arrow

_ROWS_PER_GROUP = 10_000
_MOST_ROWS = 50_000
_ALWAYS = (-(1 << 62), 1 << 62)


def merge(
    store: ParquetStore,
    table: Table,
    sources: Sequence[str],
    target: str,
    more: Columns | None,
    host: str,
) -> None:
    """Write the rows of all sources (in order of time), and `more`, into target. OSError.

    The sources stay. One that cannot be decoded is moved aside, and the rest goes on.
    """
    left = list(sources)
    while left or more is not None:
        try:
            store.folder.put(
                target, lambda out, left=left: _write(store, table, left, more, host, out)
            )
        except Corrupt as corrupt:
            left.remove(str(corrupt))
        else:
            return


def _write(
    store: ParquetStore,
    table: Table,
    sources: Sequence[str],
    more: Columns | None,
    host: str,
    out: pa.NativeFile,
) -> None:
    file: pq.ParquetWriter | None = None
    with contextlib.ExitStack() as stack:
        for group in _groups(store, table, sources, more, host):
            if file is None:
                file = stack.enter_context(writer(out, group))
            file.write_table(group, row_group_size=group.num_rows)


def _groups(
    store: ParquetStore, table: Table, sources: Sequence[str], more: Columns | None, host: str
) -> Iterator[pa.Table]:
    """Row groups sorted by device then time, of a whole device or more, or a part of a long one."""
    pending: list[pa.Table] = []
    for device in _devices(store, sources, more):
        for part in _parts(store, table, sources, more, host, device):
            pending.append(part)
            if sum(map(len, pending)) >= _MOST_ROWS:
                yield _whole(pending)
                pending = []
        if sum(map(len, pending)) >= _ROWS_PER_GROUP:
            yield _whole(pending)
            pending = []
    if pending:
        yield _whole(pending)


def _parts(
    store: ParquetStore,
    table: Table,
    sources: Sequence[str],
    more: Columns | None,
    host: str,
    device: str,
) -> Iterator[pa.Table]:
    added = None
    if more is not None and device in more.devices:
        code = list(more.devices).index(device)
        added = more.take(np.flatnonzero(more.device_codes == code))
    for source in sources:
        with store.opened(source) as file:
            part = rows_of(file, table, *_ALWAYS, device)
        if added is not None and len(added):
            part, added = to_arrow(union(from_arrow(part, table), added), host), None
        if part.num_rows:
            yield part
    if added is not None and len(added):
        yield to_arrow(added, host)


def _devices(store: ParquetStore, sources: Sequence[str], more: Columns | None) -> list[str]:
    devices = set(more.devices) if more is not None else set()
    for source in sources:
        with store.opened(source) as file:
            column = file.read(columns=["device"], use_threads=False).column("device")
            devices.update(column.unique().cast(pa.string()).to_pylist())
    return sorted(devices)


def _whole(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()
