"""What is deleted and what is merged as time goes by."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence

import pyarrow as pa

from monitor.metrics import TABLES, Table
from monitor.storage.parquet import SUFFIX, PeriodFiles
from monitor.storage.tiers import Tier, bounds

log = logging.getLogger(__name__)

_DAY_SECONDS = 86_400
_DAY_MS = 86_400_000
# A closed day is merged once its last hour is surely flushed.
_MERGE_AFTER_MS = 900_000


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
            hours = [rows for path in paths if (rows := files.read(path)) is not None]
            if hours:
                whole = pa.concat_tables(hours, promote_options="default")
                files.write(f"{files.folder(table, tier)}/{day}{SUFFIX}", whole)
        for path in paths:
            files.delete(path)
    return len(days)


@contextlib.contextmanager
def _told(folder: str) -> Iterator[None]:
    """A folder that fails costs a line in the log, and no other folder."""
    try:
        yield
    except OSError as error:
        log.warning("%s cannot be tidied now: %s.", folder, error.strerror or error)
