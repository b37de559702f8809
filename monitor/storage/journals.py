"""live.db, and its stand-in in memory for ticks that find the disk full. Writing never raises."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from monitor.metrics import TABLES, Table
from monitor.sources.base import DeviceState, Rows
from monitor.storage.buffer import Columns
from monitor.storage.journal import Journal
from monitor.storage.salvage import open_or_replace

log = logging.getLogger(__name__)

FLUSHED = "flushed"
"""The note that says, as `before`, from which moment on rows may not be in Parquet yet."""

# What memory keeps while the disk is full: a day, up to its newest tick.
KEPT_IN_MEMORY_MS = 86_400_000
_INSIDE = "Ticks stay inside the recorder, where the page does not see them and a kill loses them"

Key = tuple[str, str]


class Journals:
    """What the recorder writes each tick. Safe to call from the tick and the flush thread.

    `path` is live.db; `overflow` takes ticks while live.db cannot be written and gives them back
    when there is room. `trouble` says so in a sentence while it is so. Each file lists all devices,
    or none.
    """

    def __init__(
        self, path: Path, overflow: Path, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._cannot = self._inside = self._told = ""
        self._path = path
        self._overflow_path = overflow
        self._on_change = on_change
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._main: Journal | None = None
        self._overflow: Journal | None = None
        self._devices: dict[Key, DeviceState] = {}
        self._open_main()
        if self._main is not None:
            self._devices = _by_key(self._main.devices())
        self._take_up()

    @property
    def trouble(self) -> str:
        """Why live.db cannot be written, and memory neither; empty while all is well."""
        return f"{self._cannot} {self._inside}".strip()

    def append(self, time: int, rows: Rows) -> None:
        """Keep a tick, in live.db or else in memory."""
        with self._lock:
            inside = ""
            if not self._try(lambda journal: journal.append(time, rows)):
                try:
                    self._in_memory().append(time, rows)
                except (sqlite3.Error, OSError) as error:
                    inside = f"{_INSIDE}: {_why(error)}."
            self._inside = inside
            self._tell()

    def devices(self) -> list[DeviceState]:
        """Every device noted and not forgotten."""
        with self._lock:
            return list(self._devices.values())

    def put_devices(self, states: Sequence[DeviceState], gone: Collection[Key] = ()) -> None:
        """Note how devices are, and forget those `gone` (table, device)."""
        with self._lock:
            for key in gone:
                self._devices.pop(key, None)
            self._devices |= _by_key(states)
            self._note(lambda journal: journal.put_devices(states, gone))

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
        """Forget rows older than `before` (ms), and carry the log to the disk.

        Of what is in memory, forget all but the last day.
        """
        with self._lock:
            # Quietly: that a row can be deleted does not say that one can be written.
            with suppress(sqlite3.Error, OSError):
                if self._main is not None:
                    self._trim(self._main, before)
            with suppress(sqlite3.Error, OSError):
                if self._overflow is not None:
                    self._trim(self._overflow, _last_tick(self._overflow) - KEPT_IN_MEMORY_MS)
            paths = [journal.path for journal in self._both()]
        # Not under the lock: a checkpoint waits for the disk, and a tick must not.
        for path in paths:
            with suppress(sqlite3.Error):
                checkpoint = Journal(path)
                checkpoint.checkpoint()
                checkpoint.close()

    def drain(self) -> None:
        """Move what is in memory into live.db, when there is room again."""
        with self._lock:
            if self._overflow is None:
                with suppress(sqlite3.Error, OSError):
                    if self._main is not None:
                        self._mend_devices(self._main)
            elif self._try(self._move):
                self._overflow.close()
                self._overflow = None
                self._on_change()
                for suffix in ("", "-wal", "-shm"):
                    self._overflow_path.with_name(self._overflow_path.name + suffix).unlink(
                        missing_ok=True
                    )
            self._tell()

    def close(self) -> None:
        """Close both."""
        with self._lock:
            for journal in (self._main, self._overflow):
                if journal is not None:
                    journal.close()

    def _take_up(self) -> None:
        """Open what a recorder that was killed while the disk was full has left in memory."""
        folder = self._overflow_path.parent
        if not os.path.lexists(folder):
            return
        if not is_own_folder(folder):
            log.warning("%s: with a full disk, the page would stand still.", _not_own(folder))
        elif self._overflow_path.exists():
            self._overflow = open_or_replace(self._overflow_path)
            self._devices |= _by_key(self._overflow.devices())
            with suppress(sqlite3.Error, OSError):
                self._mend_devices(self._overflow)

    def _move(self, journal: Journal) -> None:
        assert self._overflow is not None
        journal.take(self._overflow)
        self._mend_devices(journal)

    def _mend_devices(self, journal: Journal) -> None:
        """Write what an earlier write could not, or a file that took another's place lacks."""
        held = _by_key(journal.devices())
        changed = [state for key, state in self._devices.items() if held.get(key) != state]
        gone = held.keys() - self._devices.keys()
        if changed or gone:
            journal.put_devices(changed, gone)

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
            self._cannot = f"live.db cannot be written: {error}."
            return False
        except sqlite3.DatabaseError as error:
            log.warning("live.db is broken: %s.", error)
            self._reopen()
            return False
        except OSError as error:
            self._cannot = f"live.db cannot be written: {_why(error)}."
            return False
        self._cannot = ""
        return True

    def _tell(self) -> None:
        """Say what has changed, once."""
        if self.trouble == self._told:
            return
        self._told = self.trouble
        if self._inside:
            log.warning("%s", self.trouble)
        elif self._cannot:
            log.warning("%s Ticks are kept in memory until it can.", self._cannot)
        else:
            log.info("live.db can be written again.")
        self._on_change()

    def _open_main(self) -> None:
        self._main = open_or_replace(self._path)

    def _reopen(self) -> None:
        if self._main is not None:
            self._main.close()
            self._main = None
        with suppress(sqlite3.Error, OSError):
            self._open_main()
            if self._main is not None:
                self._mend_devices(self._main)

    def _in_memory(self) -> Journal:
        if self._overflow is None:
            folder = self._overflow_path.parent
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700, parents=True)
            if not is_own_folder(folder):
                raise PermissionError(_not_own(folder))
            self._overflow = open_or_replace(self._overflow_path)
            self._mend_devices(self._overflow)
        return self._overflow


def is_own_folder(folder: Path) -> bool:
    """Whether it is a folder, not a link to one, and belongs to who runs this.

    /dev/shm is open to every user: what another has put there under our name is not touched.
    """
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _last_tick(journal: Journal) -> int:
    """The tick that came last, in ms; 0 where there is none."""
    rows, _ = journal.last_rows(TABLES["recorder"])
    return rows[0][0] if rows else 0


def _by_key(states: Iterable[DeviceState]) -> dict[Key, DeviceState]:
    return {(state.table, state.device): state for state in states}


def _not_own(folder: Path) -> str:
    return f"{folder} is not this user's own folder, and is left alone"


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
