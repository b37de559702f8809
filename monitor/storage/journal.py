"""live.db: every tick the moment it was read, in SQLite with a write-ahead log.

It is what a kill or a full disk cannot take, and how a web process follows the recorder. One
table per catalogue table, one transaction per tick. Commits never wait for the disk: the log is
carried into the file by `checkpoint`, on the flush thread.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from monitor.metrics import TABLES, Table
from monitor.sources.base import DeviceState, Row, Rows
from monitor.storage.buffer import Columns

_SQL_TYPES = {"float32": "REAL", "float64": "REAL", "int64": "INTEGER", "text": "TEXT"}
_BATCH = 4096


class Journal:
    """One live.db. Its one writer is the recorder; any number of processes read.

    `sqlite3.OperationalError` (disk full, locked) and `sqlite3.DatabaseError` (corrupt) pass
    through to the caller. A connection belongs to the thread that made it unless `shared`.
    """

    def __init__(self, path: Path, *, readonly: bool = False, shared: bool = False) -> None:
        self.path = path
        mode = "ro" if readonly else "rwc"
        self._db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=not shared,
            timeout=2.0,
        )
        try:
            if not readonly:
                self._prepare()
            self._inserts = {table.name: _insert(table) for table in TABLES.values()}
            self._columns = {table.name: table.columns for table in TABLES.values()}
        except sqlite3.Error:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=0")
        for table in TABLES.values():
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS {_quoted(table.name)} "
                "(time INTEGER NOT NULL, device TEXT NOT NULL)"
            )
            # An older live.db gains the columns that the catalogue has gained since.
            present = {row[1] for row in self._db.execute(f"PRAGMA table_info({table.name})")}
            for metric in table.metrics:
                if metric.column not in present:
                    self._db.execute(
                        f"ALTER TABLE {_quoted(table.name)} ADD COLUMN {_quoted(metric.column)} "
                        f"{_SQL_TYPES[metric.unit.storage]}"
                    )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS devices (kind TEXT, device TEXT, state TEXT NOT NULL, "
            "PRIMARY KEY (kind, device))"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
        )

    def append(self, time: int, rows: Rows) -> None:
        """Add a tick, in one transaction. `time` is in ms since 1970."""
        with self.transaction():
            for name, of_table in rows.items():
                columns = self._columns[name]
                self._db.executemany(
                    self._inserts[name],
                    [
                        (time, row["device"], *[row.get(column) for column in columns])
                        for row in of_table
                    ],
                )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nothing on an exception."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads that see one moment."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def version(self) -> int:
        """A number that changes when another connection has written. Costs microseconds."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def rows_after(self, table: Table, cursor: int) -> tuple[list[tuple[int, Row]], int]:
        """(time, row) of each row past `cursor`, in order of arrival, and the new cursor."""
        return self._rows(table, "rowid > ?", cursor)

    def last_rows(self, table: Table) -> tuple[list[tuple[int, Row]], int]:
        """(time, row) of each row of the tick that came last, and the cursor behind it."""
        name = _quoted(table.name)
        newest = f"(SELECT time FROM {name} ORDER BY rowid DESC LIMIT 1)"
        return self._rows(table, f"rowid > ? AND time = {newest}", 0)

    def iterate(self, table: Table) -> Iterator[tuple[int, Row]]:
        """(time, row) of every row; sqlite3.DatabaseError where the file is broken."""
        for _, time, row in self._each(table, "rowid > ?", 0):
            yield time, row

    def is_sound(self) -> bool:
        """Whether every page of the file can be made sense of. Some 10 ms for an hour."""
        return bool(self._db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def take(self, other: Journal) -> None:
        """Add every tick of another journal that is not here yet, in one transaction."""
        with self.transaction():
            for table in TABLES.values():
                here = {time for (time,) in self._db.execute(_times(table))}
                self._db.executemany(
                    self._inserts[table.name],
                    (
                        (time, row["device"], *[row.get(column) for column in table.columns])
                        for time, row in other.iterate(table)
                        if time not in here
                    ),
                )
            for name, value in other._db.execute("SELECT * FROM notes"):
                self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))
            for state in other._db.execute("SELECT * FROM devices"):
                self._db.execute("INSERT OR REPLACE INTO devices VALUES (?, ?, ?)", state)

    def _rows(self, table: Table, where: str, cursor: int) -> tuple[list[tuple[int, Row]], int]:
        found: list[tuple[int, Row]] = []
        for rowid, time, row in self._each(table, where, cursor):
            cursor = rowid
            found.append((time, row))
        return found, cursor

    def _each(self, table: Table, where: str, cursor: int) -> Iterator[tuple[int, int, Row]]:
        names = ", ".join(map(_quoted, table.columns))
        for rowid, time, device, *values in self._db.execute(
            f"SELECT rowid, time, device, {names} FROM {_quoted(table.name)} "
            f"WHERE {where} ORDER BY rowid",
            (cursor,),
        ):
            row: Row = {"device": device}
            row.update(
                (column, value)
                for column, value in zip(table.columns, values, strict=True)
                if value is not None
            )
            yield rowid, time, row

    def columns(
        self, table: Table, start: int = 0, end: int = 1 << 62, last: int = 1 << 62
    ) -> tuple[Columns, int]:
        """Rows with start <= time < end as columns, and the cursor of the newest of them.

        `last` is a cursor: what came after it is left out.
        """
        words: dict[str, dict[str, int]] = {
            metric.column: {} for metric in table.metrics if metric.unit.storage == "text"
        }
        text_at = {table.columns.index(column): codes for column, codes in words.items()}
        devices: dict[str, int] = {}
        names = ", ".join(map(_quoted, table.columns))
        cursor = 0
        times, codes, blocks = [], [], []
        query = self._db.execute(
            f"SELECT rowid, time, device, {names} FROM {_quoted(table.name)} "
            "WHERE time >= ? AND time < ? AND rowid <= ? ORDER BY rowid",
            (start, end, last),
        )
        while batch := query.fetchmany(_BATCH):
            cursor = batch[-1][0]
            _rowids, ticks, names_of, *cells = zip(*batch, strict=True)
            times.append(np.array(ticks, np.int64))
            codes.append(
                np.array([devices.setdefault(d, len(devices)) for d in names_of], np.int32)
            )
            for at, known in text_at.items():
                cells[at] = tuple(
                    None if word is None else known.setdefault(word, len(known))
                    for word in cells[at]
                )
            blocks.append(np.array(cells, np.float64).T)
        empty = np.empty((0, len(table.metrics)))
        return (
            Columns(
                table,
                np.concatenate(times) if times else np.empty(0, np.int64),
                np.concatenate(codes) if codes else np.empty(0, np.int32),
                np.concatenate(blocks) if blocks else empty,
                list(devices),
                {column: list(codes) for column, codes in words.items()},
            ),
            cursor,
        )

    def delete_before(self, table: Table, time: int) -> None:
        """Forget rows older than `time`; the pages are used again, the file does not shrink.

        The newest row stays, as SQLite counts an emptied table's rows from 1 again, where a cursor
        would never find them.
        """
        name = _quoted(table.name)
        self._db.execute(
            f"DELETE FROM {name} WHERE time < ? AND rowid < (SELECT max(rowid) FROM {name})",
            (time,),
        )

    def has(self, table: Table, time: int) -> bool:
        """Whether there is a row of that tick."""
        query = f"SELECT 1 FROM {_quoted(table.name)} WHERE time = ? LIMIT 1"
        return self._db.execute(query, (time,)).fetchone() is not None

    def newest(self, table: Table) -> tuple[int, int]:
        """(latest time in ms, cursor of the newest row); zeros where the table is empty."""
        query = f"SELECT coalesce(max(time), 0), coalesce(max(rowid), 0) FROM {_quoted(table.name)}"
        time, cursor = self._db.execute(query).fetchone()
        return int(time), int(cursor)

    def checkpoint(self) -> None:
        """Carry the log into the file and to the disk, without waiting for readers."""
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def put_devices(
        self, states: Sequence[DeviceState], gone: Collection[tuple[str, str]] = ()
    ) -> None:
        """Note how these devices are, and forget those `gone` (table, device), at once.

        Others keep what was noted of them.
        """
        with self.transaction():
            self._db.executemany("DELETE FROM devices WHERE kind = ? AND device = ?", gone)
            self._db.executemany(
                "INSERT OR REPLACE INTO devices VALUES (?, ?, ?)",
                [(s.table, s.device, json.dumps(_state_fields(s))) for s in states],
            )

    def devices(self) -> list[DeviceState]:
        """Every device noted and not forgotten."""
        return [
            _device(table, device, state)
            for table, device, state in self._db.execute("SELECT * FROM devices")
        ]

    def put_note(self, name: str, value: Mapping[str, object]) -> None:
        """Note a small object by name, such as the recorder's own state."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def note(self, name: str) -> dict[str, object]:
        """The object noted by that name; empty where there is none."""
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else {}

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


# They are read with every tick and hardly ever change: the same one again while they do not.
@lru_cache(maxsize=1024)
def _device(table: str, device: str, state: str) -> DeviceState:
    return DeviceState(table, device, **json.loads(state))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _times(table: Table) -> str:
    return f"SELECT DISTINCT time FROM {_quoted(table.name)}"


def _insert(table: Table) -> str:
    names = ", ".join(map(_quoted, ("time", "device", *table.columns)))
    marks = ", ".join("?" * (2 + len(table.columns)))
    return f"INSERT INTO {_quoted(table.name)} ({names}) VALUES ({marks})"


def _state_fields(state: DeviceState) -> dict[str, object]:
    return {"status": state.status, "reason": state.reason, "facts": dict(state.facts)}
