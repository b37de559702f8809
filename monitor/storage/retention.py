"""What is deleted and what is merged as time goes by."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from monitor.metrics import TABLES, Table
from monitor.storage.encoding import sample
from monitor.storage.folders import SUFFIX
from monitor.storage.parquet import PeriodFiles, conformed, in_order
from monitor.storage.tiers import Tier, bounds

log = logging.getLogger(__name__)

_DAY_SECONDS = 86_400
_DAY_MS = 86_400_000
# A closed day is merged once its last hour is surely flushed.
_MERGE_AFTER_MS = 900_000
# What a merge holds at once, some 5 MB: a recorder's memory is not to be sized for it.
_CELLS_AT_ONCE = 1_000_000
# Of each piece of an hour's file.
_SAMPLED = 20


def prune(files: PeriodFiles, tiers: Sequence[Tier], now: int) -> int:
    """Delete each file whose last row is past its tier's age; opens none. Returns how many.

    `now` (ms) must not be ahead of the time that has really gone by.
    """
    deleted = 0
    for tier in tiers:
        for table in TABLES.values():
            with _told(files.folder(table, tier)):
                for period, path in files.periods(table, tier).items():
                    if bounds(period)[1] <= now - tier.keep_seconds * 1000:
                        files.delete(path)
                        deleted += 1
    return deleted


def merge_days(files: PeriodFiles, tiers: Sequence[Tier], now: int) -> int:
    """Merge the hour files of closed days, in tiers that keep more than a day. Returns how many.

    The day's file is whole before any hour's is deleted, and from then on readers pass the hours
    over: a kill in between leaves hours that the next call deletes.
    """
    merged = 0
    for tier in tiers:
        if tier.period != "hour" or tier.keep_seconds <= _DAY_SECONDS:
            continue
        for table in TABLES.values():
            with _told(files.folder(table, tier)):
                merged += _merge_table(files, table, tier, now)
    return merged


def _merge_table(files: PeriodFiles, table: Table, tier: Tier, now: int) -> int:
    periods = files.periods(table, tier)
    days: dict[str, list[str]] = {}
    for period, path in periods.items():
        day, separator, _ = period.partition("T")
        if separator and bounds(day)[1] + _MERGE_AFTER_MS <= now:
            days.setdefault(day, []).append(path)
    for day, paths in days.items():
        if day not in periods:
            _merge_day(files, paths, f"{files.folder(table, tier)}/{day}{SUFFIX}")
        for path in paths:
            files.delete(path)
    return len(days)


def _merge_day(files: PeriodFiles, paths: Sequence[str], day: str) -> None:
    """Write the day's file from its hours, which are in order of time. None of them, no file."""
    found = {path: hour for path in paths if (hour := _look_at(files, path)) is not None}
    if found:
        hours = list(found)
        some = [hour.some for hour in found.values()]
        like = pa.concat_tables(some, promote_options="default").unify_dictionaries()
        groups = (
            _rows_of(files, part, devices, like.slice(0, 0))
            for devices, cells in _batches(list(found.values()), len(like.schema))
            for part in _parts(hours, cells)
        )
        files.write_groups(day, (rows for rows in groups if rows.num_rows), like)


class _Hour(NamedTuple):
    """Rows by device, as `value_counts` has them, and some of the rows."""

    counts: Sequence[pa.StructArray]
    some: pa.Table


def _look_at(files: PeriodFiles, path: str) -> _Hour | None:
    """What an hour's file has; None where it is broken."""
    counts, some = [], []
    for rows in files.pieces(path):
        counts.append(pc.value_counts(rows.column("device").cast(pa.string())))
        some.append(sample(rows, _SAMPLED))
    # A broken one has been moved aside.
    if not some or not files.exists(path):
        return None
    return _Hour(counts, pa.concat_tables(some).unify_dictionaries().combine_chunks())


def _batches(hours: Sequence[_Hour], columns: int) -> Iterator[tuple[pa.Array, int]]:
    """Devices in order, as many as may be held at once, one at least; and how many cells."""
    counted = [counts for hour in hours for counts in hour.counts]
    sizes: Counter[str] = Counter()
    for counts in counted:
        for entry in counts.to_pylist():
            sizes[entry["values"]] += columns * entry["counts"]
    # Not made of strings again: `pa.array` would import pandas, and that is 35 MB.
    devices = pa.chunked_array([counts.field("values") for counts in counted]).unique()
    devices = devices.take(pc.sort_indices(devices))
    first, cells = 0, 0
    for at, device in enumerate(devices.to_pylist()):
        if at > first and cells + sizes[device] > _CELLS_AT_ONCE:
            yield devices.slice(first, at - first), cells
            first, cells = at, 0
        cells += sizes[device]
    yield devices.slice(first), cells


def _parts(hours: Sequence[str], cells: int) -> Iterator[Sequence[str]]:
    """The hours, in parts of which each may be held at once."""
    step = -(-len(hours) * _CELLS_AT_ONCE // max(cells, _CELLS_AT_ONCE))
    return (hours[first : first + step] for first in range(0, len(hours), step))


def _rows_of(
    files: PeriodFiles, hours: Sequence[str], devices: pa.Array, none: pa.Table
) -> pa.Table:
    """The rows of these devices in these hours, by device, then time; or `none`."""
    found = [none]
    for path in hours:
        for rows in files.pieces(path):
            ours = rows.filter(pc.is_in(rows.column("device").cast(pa.string()), devices))
            if ours.num_rows:
                found.append(conformed(ours, none.schema))
        if not files.exists(path):
            raise OSError(f"{path} has gone while its day was merged")
    # Of what was read for it, nothing is needed any more.
    pa.default_memory_pool().release_unused()
    return in_order(pa.concat_tables(found))


@contextlib.contextmanager
def _told(folder: str) -> Iterator[None]:
    """A folder that fails costs a line in the log, and no other folder."""
    try:
        yield
    except OSError as error:
        log.warning("%s cannot be tidied now: %s.", folder, error.strerror or error)
