"""The Parquet files of one host as a reader sees them, while a recorder writes, merges, deletes.

A footer is read once for as long as its file stands, and so are the columns asked for of late.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from monitor.metrics import TABLES, Table
from monitor.storage.decoded import Decoded, DecodedColumns
from monitor.storage.folders import SUFFIX, HostFolders
from monitor.storage.parquet import conformed
from monitor.storage.schema import raw_schema, rolled_schema
from monitor.storage.tiers import Tier, bounds

log = logging.getLogger(__name__)

_FOOTERS = 512
# A recorder changes the list of files once a minute; seeing it change more often is not to be.
_ATTEMPTS = 5
# What a file that is no Parquet, or is cut short, makes pyarrow raise.
_BROKEN = (pa.ArrowException, OSError, ValueError)
_KEYS = ("time", "device")
_TIME = pa.schema([raw_schema(TABLES["recorder"]).field("time")])

Identity = tuple[object, ...]
"""What a file has until it is replaced."""


@dataclass(frozen=True)
class _Group:
    """A row group that is not empty: times of its rows in ms, first and last of its devices."""

    number: int
    first: int
    last: int
    devices: tuple[str, str]


@dataclass(frozen=True)
class _Footer:
    identity: Identity
    metadata: pq.FileMetaData
    groups: Sequence[_Group]


class Opened:
    """A file of one period. It stays readable when it is replaced or deleted meanwhile."""

    def __init__(
        self,
        path: str,
        footer: _Footer,
        open_file: Callable[[], pq.ParquetFile],
        kept: DecodedColumns,
        broken: Callable[[Exception], None],
    ) -> None:
        self._key = (path, footer.identity)
        self._groups = footer.groups
        self._open_file = open_file
        self._file: pq.ParquetFile | None = None
        self._kept = kept
        self._broken = broken

    @property
    def last(self) -> int:
        """Time of its newest row, in ms since 1970."""
        return max(group.last for group in self._groups)

    def first(self, start: int) -> int | None:
        """Time of its oldest row that is not before `start`; None where there is none."""
        found = [group.first for group in self._groups if group.first >= start]
        for group in self._groups:
            if group.first < start <= group.last:
                times = self.read([group.number], _TIME).column("time").cast(pa.int64()).to_numpy()
                inside = times[times >= start]
                found += [int(inside.min())] if len(inside) else []
        return min(found, default=None)

    def groups(self, start: int, end: int, devices: Sequence[str] | None) -> list[int]:
        """Numbers of the row groups that may hold rows of this span and of these devices."""
        return [
            group.number
            for group in self._groups
            if group.first < end
            and group.last >= start
            and (devices is None or any(group.devices[0] <= d <= group.devices[1] for d in devices))
        ]

    def read(self, groups: Sequence[int], schema: pa.Schema) -> pa.Table:
        """All rows of these groups; a column that the file does not have yet is null.

        No rows, and a line in the log, where the file is broken.
        """
        try:
            if self._file is None:
                self._file = self._open_file()
            rows = self._file.read_row_groups(groups, schema.names, use_threads=False)
            return conformed(rows, schema)
        except _BROKEN as error:
            self._broken(error)
            return schema.empty_table()

    def decoded(self, groups: Sequence[int], schema: pa.Schema) -> Decoded:
        """The same as arrays, read only where they have not been of late."""
        return self._kept.get(
            (*self._key, *groups),
            [name for name in schema.names if name not in _KEYS],
            lambda names: self.read(groups, pa.schema([schema.field(name) for name in names])),
        )


class History(HostFolders):
    """What a data folder holds of one host. Safe to use from several threads.

    OSError passes through where the folder cannot be read; a file that is broken is passed over
    with a line in the log, and left to the recorder to set aside.
    """

    def __init__(self, data: str, host: str) -> None:
        super().__init__(data, host)
        self._footers: OrderedDict[str, _Footer] = OrderedDict()
        self._broken: dict[str, Identity] = {}
        self._decoded = DecodedColumns()
        self._lock = threading.Lock()

    def prepare(self, table: Table, tier: Tier) -> int | None:
        """Read every footer, so that whoever asks first does not wait for them.

        The newest row's time, in ms since 1970; None where there is none.
        """
        newest = None
        for period in self._periods(table, tier):
            with contextlib.suppress(FileNotFoundError):
                opened = self._open(f"{self.folder(table, tier)}/{period}{SUFFIX}")
                newest = opened.last if opened is not None else newest
        return newest

    def passing(self) -> History:
        """The same, for one who reads much and once: its columns are not kept for others."""
        other = copy.copy(self)
        other._decoded = DecodedColumns(most_bytes=0)
        return other

    def first(self, table: Table, tier: Tier, start: int = 0) -> int | None:
        """Time of the oldest row that is not before `start`, in ms since 1970; None without one."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                for period in self._periods(table, tier, start):
                    opened = self._open(f"{self.folder(table, tier)}/{period}{SUFFIX}")
                    first = opened.first(start) if opened is not None else None
                    if first is not None:
                        return first
                return None
        return None

    def open(self, table: Table, tier: Tier, start: int, end: int) -> list[Opened]:
        """The files that may hold rows with start <= time < end, in order of time.

        Together they hold each row once, also while hours are merged into their day.
        """
        found: list[Opened] = []
        for _ in range(_ATTEMPTS):
            periods = self._periods(table, tier, start, end)
            found = []
            with contextlib.suppress(FileNotFoundError):
                for period in periods:
                    opened = self._open(f"{self.folder(table, tier)}/{period}{SUFFIX}")
                    if opened is not None:
                        found.append(opened)
                if periods == self._periods(table, tier, start, end):
                    break
        return found

    def _periods(self, table: Table, tier: Tier, start: int = 0, end: int = 1 << 62) -> list[str]:
        periods: dict[str, tuple[int, int]] = {}
        for name in self._names(self.folder(table, tier)):
            if name.endswith(SUFFIX):
                with contextlib.suppress(ValueError):
                    period = name.removesuffix(SUFFIX)
                    periods[period] = bounds(period)
        return sorted(
            period
            for period, (begin, after) in periods.items()
            if begin < end
            and after > start
            # Hours of a day that has been merged are void.
            and ("T" not in period or period.partition("T")[0] not in periods)
        )

    def _names(self, folder: str) -> list[str]:
        if self.local:
            try:
                return os.listdir(folder)
            except FileNotFoundError:
                return []
        selector = fs.FileSelector(folder, allow_not_found=True)
        return [info.base_name for info in self.files.get_file_info(selector)]

    def _open(self, path: str) -> Opened | None:
        """The file, or None where it is broken; FileNotFoundError where it is gone."""
        identity: Identity = ()
        try:
            while True:
                identity = self._identity(path)
                source = self.files.open_input_file(path)
                # The same before and after: what has been opened is this one.
                if identity == self._identity(path):
                    break
            with self._lock:
                footer = self._footers.get(path)
            if footer is None or footer.identity != identity:
                file = pq.ParquetFile(source)
                footer = _Footer(identity, file.metadata, _groups(file))
        except FileNotFoundError:
            raise
        except _BROKEN as error:
            self._complain(path, identity, error)
            return None
        self._keep(path, footer)
        if not footer.groups:
            return None
        return Opened(
            path,
            footer,
            partial(
                pq.ParquetFile,
                source,
                metadata=footer.metadata,
                page_checksum_verification=True,
            ),
            self._decoded,
            partial(self._complain, path, identity),
        )

    def _keep(self, path: str, footer: _Footer) -> None:
        with self._lock:
            self._footers[path] = footer
            self._footers.move_to_end(path)
            while len(self._footers) > _FOOTERS:
                self._footers.popitem(last=False)

    def _complain(self, path: str, identity: Identity, error: Exception) -> None:
        """Say it once of each file, however often it is asked for."""
        with self._lock:
            if self._broken.get(path) == identity:
                return
            self._broken[path] = identity
        log.warning("%s cannot be read: %s.", path, (str(error).splitlines() or ["?"])[0])

    def _identity(self, path: str) -> Identity:
        if self.local:
            found = os.stat(path)
            return found.st_ino, found.st_mtime_ns, found.st_size
        info = self.files.get_file_info(path)
        if info.type != fs.FileType.File:
            raise FileNotFoundError(path)
        return info.mtime_ns, info.size


@lru_cache(256)
def columns_of(table: Table, tier: Tier, columns: tuple[str, ...]) -> pa.Schema:
    """The schema of `time`, `device` and all that the tier has of these metrics."""
    schema = raw_schema(table) if tier.raw else rolled_schema(table)
    names = ["time", "device"]
    for column in columns:
        names += [column] if tier.raw else table[column].rolled_columns
    if not tier.raw:
        names.append("samples")
    return pa.schema([schema.field(name) for name in names])


def _groups(file: pq.ParquetFile) -> list[_Group]:
    metadata = file.metadata
    names = metadata.schema.names
    at_time, at_device = names.index("time"), names.index("device")
    found = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows:
            time, device = group.column(at_time).statistics, group.column(at_device).statistics
            if time is None or device is None:
                raise ValueError("it does not say which times and devices it has")
            found.append(_Group(number, time.min_raw, time.max_raw, (device.min, device.max)))
    return found
