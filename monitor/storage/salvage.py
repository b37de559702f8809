"""A live.db that is broken: moved aside, and what can be read of it is kept."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.metrics import TABLES
from monitor.sources.base import Row
from monitor.storage.journal import Journal

log = logging.getLogger(__name__)


def open_or_replace(path: Path) -> Journal:
    """The journal at `path`. A broken one is moved aside, and what can be read of it is kept."""
    try:
        journal = Journal(path, shared=True)
        if path.stat().st_size and not journal.is_sound():
            journal.close()
            raise sqlite3.DatabaseError("its pages do not fit together")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = _move_aside(path)
        journal = Journal(path, shared=True)
        kept = _salvage(aside, journal)
        log.warning(
            "%s is broken (%s) and was moved to %s; %d rows of it were kept.",
            path,
            error,
            aside.name,
            kept,
        )
    return journal


def _move_aside(path: Path) -> Path:
    stamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.broken-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _salvage(broken: Path, journal: Journal) -> int:
    """Copy rows table by table, each up to where it cannot be read."""
    kept = 0
    with suppress(sqlite3.Error):
        source = Journal(broken, readonly=True)
        for table in TABLES.values():
            ticks: dict[int, list[Row]] = {}
            with suppress(sqlite3.Error):
                for tick, row in source.iterate(table):
                    ticks.setdefault(tick, []).append(row)
                    kept += 1
            for tick, rows in ticks.items():
                journal.append(tick, {table.name: rows})
        with suppress(sqlite3.Error):
            journal.put_devices(source.devices())
        with suppress(sqlite3.Error):
            # Which sources these devices are of.
            journal.put_note("recorder", source.note("recorder"))
        source.close()
    return kept
