"""Parquet files, one a period: written whole or not at all, moved aside when broken."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from monitor.metrics import Table
from monitor.storage.encoding import encode, encode_groups
from monitor.storage.folders import SUFFIX, HostFolders
from monitor.storage.schema import numbers
from monitor.storage.tiers import Tier, bounds

log = logging.getLogger(__name__)

_TEMPORARY = ".writing"
_PIECE_ROWS = 4096
# A run of rows that are in order is worth a slice from here on.
_RUN_ROWS = 50
_BROKEN = (pa.ArrowException, OSError, ValueError)


class PeriodFiles(HostFolders):
    """The Parquet files of one host below one root, for the one who writes them.

    OSError (disk full, no permission) passes through to the caller, leaving no temporary file.
    """

    def __init__(self, data: str, host: str, now: Callable[[], float]) -> None:
        super().__init__(data, host)
        self._now = now

    def path(self, table: Table, tier: Tier, period: str) -> str:
        """The file of a period; of its day, where its hours have been merged."""
        folder = self.folder(table, tier)
        day = f"{folder}/{period.partition('T')[0]}{SUFFIX}"
        return day if "T" in period and self.exists(day) else f"{folder}/{period}{SUFFIX}"

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return bool(self.files.get_file_info(path).type == fs.FileType.File)

    def periods(self, table: Table, tier: Tier) -> dict[str, str]:
        """Path by period, for every file with a period's name, in order of time."""
        selector = fs.FileSelector(self.folder(table, tier), allow_not_found=True)
        found: dict[str, str] = {}
        for info in self.files.get_file_info(selector):
            name = info.base_name
            if info.type == fs.FileType.File and name.endswith(SUFFIX):
                with contextlib.suppress(ValueError):
                    bounds(name.removesuffix(SUFFIX))
                    found[name.removesuffix(SUFFIX)] = info.path
        return dict(sorted(found.items()))

    def read(self, path: str) -> pa.Table | None:
        """The file's rows; None where it is not there. A broken one is moved aside, and None."""
        file = self._open(path)
        if file is None:
            return None
        try:
            return file.read(use_threads=False)
        except _BROKEN as error:
            self._move_aside(path, error)
            return None

    def pieces(self, path: str) -> Iterator[pa.Table]:
        """What `read` gives, a few thousand rows at a time; nothing where that is None.

        A file that turns out to be broken is moved aside and ends the pieces early.
        """
        file = self._open(path)
        if file is None:
            return
        try:
            for batch in file.iter_batches(_PIECE_ROWS, use_threads=False):
                yield pa.Table.from_batches([batch])
        except _BROKEN as error:
            self._move_aside(path, error)

    def _open(self, path: str) -> pq.ParquetFile | None:
        try:
            with self.files.open_input_file(path) as source:
                content = source.read_buffer()
        except FileNotFoundError:
            return None
        try:
            # Decoding from memory: an error now is the content's, not the disk's.
            return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        except _BROKEN as error:
            self._move_aside(path, error)
            return None

    def write(self, path: str, rows: pa.Table, *, lasting: bool = True) -> None:
        """Replace the file by these rows. A reader sees the old file or the new one.

        The bytes are on the disk when this returns, and with `lasting` so is the new name; without
        it a power cut before `settle` may bring back the old file, whole.
        """
        rows = in_order(rows)
        self._replace(path, lambda sink: encode(rows, sink), lasting=lasting)

    def write_groups(self, path: str, groups: Iterable[pa.Table], some: pa.Table) -> None:
        """Replace the file by row groups that are in order, each written before the next is made.

        `some` has the file's schema, and enough of its rows to tell how values repeat.
        """
        self._replace(path, lambda sink: encode_groups(groups, some, sink), lasting=True)

    def _replace(self, path: str, fill: Callable[[pa.NativeFile], None], *, lasting: bool) -> None:
        # A name with a dot or an underscore first is passed over by those who read a folder whole.
        folder, _, name = path.rpartition("/")
        self.files.create_dir(folder, recursive=True)
        temporary = f"{folder}/.{name}.{os.getpid()}{_TEMPORARY}" if self.local else path
        try:
            with self.files.open_output_stream(temporary) as sink:
                fill(sink)
            if self.local:
                _sync(temporary)
                os.replace(temporary, path)
                if lasting:
                    _sync(folder)
        except BaseException:
            if self.local:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise

    def settle(self, table: Table, tier: Tier) -> None:
        """Return when the names of all files written to a tier are on the disk."""
        if self.local:
            with contextlib.suppress(FileNotFoundError):
                _sync(self.folder(table, tier))

    def add(
        self, path: str, rows: pa.Table, keys: tuple[str, ...], *, lasting: bool = True
    ) -> None:
        """Unite the file with these rows, which stand where both have one time and key."""
        stored = self.read(path)
        if stored is not None and stored.num_rows:
            rows = united(stored, rows, keys)
        self.write(path, rows, lasting=lasting)

    def delete(self, path: str) -> None:
        """Delete the file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.files.delete_file(path)

    def sweep(self, table: Table, tier: Tier) -> None:
        """Delete what writers that were killed left. Only for the one who holds the lock."""
        selector = fs.FileSelector(self.folder(table, tier), allow_not_found=True)
        for info in self.files.get_file_info(selector):
            if info.base_name.endswith(_TEMPORARY):
                self.delete(info.path)

    def _move_aside(self, path: str, error: Exception) -> None:
        stamp = datetime.fromtimestamp(self._now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        folder, _, name = path.rpartition("/")
        aside = f"{folder}/_{name}.broken-{stamp}"
        self.files.move(path, aside)
        log.warning("%s cannot be read (%s) and was moved to %s.", path, _brief(error), aside)


def united(stored: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    """Both tables' rows; of two with one time and key, that of `rows`. Columns are `rows`' own.

    A bucket that is stored with more samples stays: raw rows are pruned, history is not undone.
    """
    stored = conformed(stored, rows.schema)
    old = pc.is_in(stored.column("time"), value_set=pc.unique(rows.column("time")))
    # A tick or a bucket is written whole, so mostly its time decides, at no cost.
    if not pc.any(old).as_py():
        return pa.concat_tables([stored, rows])
    doubtful = stored.filter(old)
    if "samples" in rows.column_names:
        rows = _fuller(doubtful, rows, keys)
    ours = set(_keys(rows, keys))
    replaced = np.array([key in ours for key in _keys(doubtful, keys)], np.int8)
    keep = doubtful.filter(pc.equal(numbers(replaced, pa.int8()), 0))
    return pa.concat_tables([stored.filter(pc.invert(old)), keep, rows])


def _fuller(stored: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    samples = dict(zip(_keys(stored, keys), stored.column("samples").to_pylist(), strict=True))
    mine = zip(_keys(rows, keys), rows.column("samples").to_pylist(), strict=True)
    enough = np.array([count >= samples.get(key, 0) for key, count in mine], np.int8)
    return rows.filter(pc.equal(numbers(enough, pa.int8()), 1))


def conformed(stored: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows with these columns: what an older file lacks is null."""
    if stored.schema.equals(schema):
        return stored
    columns = [
        stored.column(field.name).cast(field.type, safe=False)
        if field.name in stored.column_names
        else pa.nulls(stored.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _keys(rows: pa.Table, keys: tuple[str, ...]) -> list[tuple[object, ...]]:
    times = rows.column("time").cast(pa.int64()).to_pylist()
    return list(zip(times, *(rows.column(key).to_pylist() for key in keys), strict=True))


def in_order(rows: pa.Table) -> pa.Table:
    """The rows sorted by device, then time; equal ones stay as they are."""
    rows = rows.unify_dictionaries()
    device = rows.column("device").cast(pa.string())
    keys = pa.table({"device": device, "time": rows.column("time")})
    order = pc.sort_indices(keys, [("device", "ascending"), ("time", "ascending")])
    # Not `to_numpy`, which would import pandas.
    places = np.frombuffer(order.buffers()[1], np.uint64, len(order)).astype(np.int64)
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    if len(starts) * _RUN_ROWS > len(places):
        return rows.combine_chunks().take(order)
    # Mostly some new rows follow many that were in order: those are not copied.
    lengths = np.diff(starts, append=len(places))
    runs = zip(places[starts].tolist(), lengths.tolist(), strict=True)
    return pa.concat_tables([rows.slice(0, 0), *(rows.slice(*run) for run in runs)])


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:120].rstrip(". ") if str(error) else type(error).__name__
