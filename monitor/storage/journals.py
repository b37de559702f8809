"""live.db, and its stand-in in memory for ticks that find the disk full. Writing never raises."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.metrics import TABLES, Table
from monitor.sources.base import DeviceState, Row, Rows
from monitor.storage.buffer import Columns
from monitor.storage.journal import Journal

log = logging.getLogger(__name__)


class Journals:
    """What the recorder writes each tick. Safe to call from the tick and the flush thread.

    `path` is live.db; `overflow` takes ticks while live.db cannot be written and gives them back
    when there is room. `trouble` is a sentence while that is so.
    """

    def __init__(
        self, path: Path, overflow: Path, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.trouble = ""
        self._path = path
        self._overflow_path = overflow
        self._on_change = on_change
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._main: Journal | None = None
        self._overflow: Journal | None = None
        self._open_main()
        if overflow.exists():
            # What a recorder that was killed while the disk was full has left.
            self._overflow = open_or_replace(overflow)

    def append(self, time: int, rows: Rows) -> None:
        """Keep a tick, in live.db or else in memory."""
        with self._lock:
            if self._try(lambda journal: journal.append(time, rows)):
                return
            with suppress(sqlite3.Error, OSError):
                self._in_memory().append(time, rows)

    def put_devices(self, states: Sequence[DeviceState]) -> None:
        """Note how devices are."""
        self._note(lambda journal: journal.put_devices(states))

    def put_note(self, name: str, value: Mapping[str, object]) -> None:
        """Note a small object by name."""
        self._note(lambda journal: journal.put_note(name, value))

    def note(self, name: str) -> dict[str, object]:
        """The object noted by that name; empty where there is none."""
        with self._lock, suppress(sqlite3.Error):
            if self._main is not None:
                return self._main.note(name)
        return {}

    def newest(self) -> int:
        """The latest tick, in ms; 0 where there is none."""
        recorder = TABLES["recorder"]
        with self._lock, suppress(sqlite3.Error):
            return max((journal.newest(recorder)[0] for journal in self._both()), default=0)
        return 0

    def has(self, time: int) -> bool:
        """Whether the tick at `time` is here."""
        with self._lock, suppress(sqlite3.Error):
            return any(journal.has(TABLES["recorder"], time) for journal in self._both())
        return False

    def marks(self) -> list[dict[str, int]]:
        """Where each journal ends now, table by table."""
        with self._lock, suppress(sqlite3.Error):
            return [
                {name: journal.newest(table)[1] for name, table in TABLES.items()}
                for journal in self._both()
            ]
        return []

    def columns(
        self,
        table: Table,
        start: int,
        end: int = 1 << 62,
        marks: list[dict[str, int]] | None = None,
    ) -> list[Columns]:
        """The rows with start <= time < end, those past `marks` left out."""
        with self._lock, suppress(sqlite3.Error):
            ends = marks if marks is not None else self.marks()
            return [
                journal.columns(table, start, end, mark[table.name])[0]
                for journal, mark in zip(self._both(), ends, strict=False)
            ]
        return []

    def trim(self, before: int) -> None:
        """Forget rows older than `before` (ms), and carry the log to the disk."""
        with self._lock, suppress(sqlite3.Error, OSError):
            # Quietly: that a row can be deleted does not say that one can be written.
            if self._main is not None:
                self._trim(self._main, before)
        # Not under the lock: a checkpoint waits for the disk, and a tick must not.
        with suppress(sqlite3.Error):
            checkpoint = Journal(self._path)
            checkpoint.checkpoint()
            checkpoint.close()

    def drain(self) -> None:
        """Move what is in memory into live.db, when there is room again."""
        with self._lock:
            overflow = self._overflow
            if overflow is not None and self._try(lambda journal: journal.take(overflow)):
                overflow.close()
                self._overflow = None
                self._on_change()
                for suffix in ("", "-wal", "-shm"):
                    self._overflow_path.with_name(self._overflow_path.name + suffix).unlink(
                        missing_ok=True
                    )

    def close(self) -> None:
        """Close both."""
        with self._lock:
            for journal in (self._main, self._overflow):
                if journal is not None:
                    journal.close()

    def _note(self, write: Callable[[Journal], None]) -> None:
        """Write to both, as followers read both. A note may still fit where no tick does."""
        with self._lock:
            if self._main is not None:
                with suppress(sqlite3.Error, OSError):
                    write(self._main)
            if self.trouble or self._overflow is not None or self._main is None:
                with suppress(sqlite3.Error, OSError):
                    write(self._in_memory())

    def _both(self) -> list[Journal]:
        return [journal for journal in (self._main, self._overflow) if journal is not None]

    def _trim(self, journal: Journal, before: int) -> None:
        for table in TABLES.values():
            journal.delete_before(table, before)

    def _try(self, write: Callable[[Journal], None]) -> bool:
        try:
            if self._main is None:
                self._open_main()
            assert self._main is not None
            write(self._main)
        except sqlite3.OperationalError as error:
            self._say(f"live.db cannot be written: {error}.")
            return False
        except sqlite3.DatabaseError as error:
            log.warning("live.db is broken: %s.", error)
            self._reopen()
            return False
        except OSError as error:
            self._say(f"live.db cannot be written: {error.strerror or error}.")
            return False
        self._say("")
        return True

    def _say(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        if trouble:
            log.warning("%s Ticks are kept in memory until it can.", trouble)
        else:
            log.info("live.db can be written again.")
        self.trouble = trouble
        self._on_change()

    def _open_main(self) -> None:
        self._main = open_or_replace(self._path)

    def _reopen(self) -> None:
        if self._main is not None:
            self._main.close()
            self._main = None
        with suppress(sqlite3.Error, OSError):
            self._open_main()

    def _in_memory(self) -> Journal:
        if self._overflow is None:
            self._overflow_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._overflow = open_or_replace(self._overflow_path)
        return self._overflow


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
        source.close()
    return kept
