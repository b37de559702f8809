"""The period files: `<table>/tier=<tier>/host=<host>/<period>.parquet`, found, read and written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.metrics import Table
from monitor.storage.buffer import Columns, joined
from monitor.storage.encoding import encode
from monitor.storage.folder import Folder
from monitor.storage.schema import SAMPLES, conformed, from_arrow, to_arrow
from monitor.storage.tiers import Tier, bounds

_SUFFIX = ".parquet"
# What pyarrow raises for bytes that are not, or no longer, a Parquet file.
Unreadable = (pa.ArrowException, OSError, ValueError)


class Corrupt(Exception):
    """A file's bytes could be read but do not make sense; it has been moved aside."""


@dataclass(frozen=True)
class PeriodFile:
    """A file that holds the rows of a table with start <= time < end (ms since 1970)."""

    name: str
    period: str
    start: int
    end: int


def safe_host(host: str) -> str:
    """The host's name as the `host` column and the path have it: nothing that a path splits at."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", host).lstrip(".") or "localhost"


def folder_of(table: Table, tier: Tier, host: str) -> str:
    """Where a tier's files of a host lie."""
    return f"{table.name}/tier={tier.name}/host={host}"


class ParquetStore:
    """All period files below one folder. Any process may read while one writes."""

    def __init__(self, folder: Folder, now: Callable[[], float] | None = None) -> None:
        self.folder = folder
        self._now = now or (lambda: datetime.now(UTC).timestamp())

    def files(
        self,
        table: Table,
        tier: Tier,
        host: str,
        start: int | None = None,
        end: int | None = None,
    ) -> list[PeriodFile]:
        """The valid files with rows in start <= time < end, in order of time.

        A day's file makes the files of its hours void. OSError where the folder cannot be read.
        """
        parent = folder_of(table, tier, host)
        found = [file for name in self.folder.names(parent) if (file := _period(parent, name))]
        days = {file.period for file in found if len(file.period) == len("2026-11-24")}
        return [
            file
            for file in found
            if (end is None or file.start < end)
            and (start is None or file.end > start)
            and not ("T" in file.period and file.period[:10] in days)
        ]

    def hosts(self, table: Table, tier: Tier) -> list[str]:
        """Every host that has files of this table and tier."""
        parent = f"{table.name}/tier={tier.name}"
        return [name.removeprefix("host=") for name in self.folder.folders(parent)]

    def read(self, table: Table, tier: Tier, host: str, start: int, end: int) -> Columns | None:
        """Rows with start <= time < end, None where no file has any. OSError."""
        parts = []
        for file in self.files(table, tier, host, start, end):
            with contextlib.suppress(FileNotFoundError, Corrupt), self.opened(file.name) as opened:
                arrow = rows_of(opened, table, start, end)
                if arrow.num_rows:
                    parts.append(from_arrow(arrow, table))
        return joined(parts) if parts else None

    def write(self, rows: Columns, tier: Tier, host: str, *, whole: bool = False) -> None:
        """Add rows of one period to its file; of equal keys the new row wins. OSError.

        Of equal keys in a rolled tier the row made of more samples wins: raw rows only ever gain.
        `whole` says that these are all the rows of the period, so that nothing need be read.
        A day that was merged gets them into the day's file.
        """
        parent, start = folder_of(rows.table, tier, host), int(rows.times[0])
        target = f"{parent}/{tier.period_of(start)}{_SUFFIX}"
        day = merged_day(parent, tier, start)
        if day is not None and self.folder.exists(day):
            # Imported here: a merge reads and writes through this store.
            from monitor.storage.merge import merge

            merge(self, rows.table, [day], day, rows, host)
            return
        if not whole:
            with contextlib.suppress(FileNotFoundError, Corrupt), self.opened(target) as opened:
                rows = union(from_arrow(opened.read(use_threads=False), rows.table), rows)
        arrow = to_arrow(rows, host)
        self.folder.put(target, lambda out: encode(arrow, out))

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[pq.ParquetFile]:
        """The file, open. Corrupt where it cannot be decoded, then or while it is used; OSError."""
        try:
            with self.folder.filesystem.open_input_file(self.folder.path(name)) as source:
                yield pq.ParquetFile(source, page_checksum_verification=True)
        except FileNotFoundError:
            raise
        except Unreadable as error:
            if self.is_sound(name):
                raise
            raise Corrupt(name) from error

    def is_sound(self, name: str) -> bool:
        """Whether all of a file can be decoded; if not, it is moved aside. OSError, not decided."""
        data = self.folder.read(name)
        try:
            with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
                for group in range(file.num_row_groups):
                    file.read_row_group(group, use_threads=False)
        except Unreadable as error:
            if self.folder.read(name).equals(data):  # and not replaced by a good one meanwhile
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                moment = datetime.fromtimestamp(self._now(), UTC)
                self.folder.set_aside(name, moment, "empty file" if not data.size else reason)
            return False
        return True


def rows_of(
    file: pq.ParquetFile, table: Table, start: int, end: int, device: str | None = None
) -> pa.Table:
    """Rows with start <= time < end, of one device if given; other row groups are not read."""
    wanted = []
    for group in range(file.num_row_groups):
        if not _may_have(file.metadata.row_group(group), start, end, device):
            continue
        rows = file.read_row_group(group, use_threads=False)
        time = rows.column("time").cast(pa.int64())
        keep = pc.and_(pc.greater_equal(time, start), pc.less(time, end))
        if device is not None:
            keep = pc.and_(keep, pc.equal(rows.column("device").cast(pa.string()), device))
        wanted.append(conformed(rows.filter(keep), table))
    return pa.concat_tables(wanted) if wanted else conformed(file.schema_arrow.empty_table(), table)


def union(old: Columns, new: Columns) -> Columns:
    """Both, so that sorting keeps of equal keys the new row, or the one of more samples."""
    both = joined([old, new])
    if SAMPLES not in both.table.columns:
        return both
    return both.take(both[SAMPLES].argsort(kind="stable"))


def merged_day(parent: str, tier: Tier, time: int) -> str | None:
    """The file that the hours of a closed day may have been merged into."""
    if tier.period != "hour":
        return None
    return f"{parent}/{tier.period_of(time)[:10]}{_SUFFIX}"


def _may_have(group: pq.RowGroupMetaData, start: int, end: int, device: str | None) -> bool:
    for at in range(group.num_columns):
        column = group.column(at)
        statistics = column.statistics
        if statistics is None or not statistics.has_min_max:
            continue
        if column.path_in_schema == "time":
            low, high = (_milliseconds(moment) for moment in (statistics.min, statistics.max))
            if high < start or low >= end:
                return False
        elif column.path_in_schema == "device" and device is not None:
            if not statistics.min <= device <= statistics.max:
                return False
    return True


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _period(parent: str, name: str) -> PeriodFile | None:
    if not name.endswith(_SUFFIX):
        return None
    period = name.removesuffix(_SUFFIX)
    try:
        return PeriodFile(f"{parent}/{name}", period, *bounds(period))
    except ValueError:
        return None
