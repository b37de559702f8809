"""From memory to Parquet: the raw rows of each hour, and the tiers rolled up from them.

The raw rows of every hour that is not finished are in memory, so each file is a function of them:
writing it again, after a kill at whatever moment, gives the same file.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

import numpy as np

from monitor.metrics import TABLES, Table
from monitor.sources.base import Rows
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import from_arrow, to_arrow
from monitor.storage.tiers import Tier

HOUR_MS = 3_600_000
# A tick of the hour before may still be on its way when the hour has struck.
_GRACE_MS = 2_000
_HOURS_IN_MEMORY = 3


class Flusher:
    """Holds a Buffer for each table, and which hours of them are not yet wholly in Parquet.

    `add` is called on the sampling thread and never waits for a flush; everything else on the
    flush thread.
    """

    def __init__(self, files: PeriodFiles, tiers: Sequence[Tier]) -> None:
        self.trouble: dict[str, str] = {}
        self.buffers = {name: Buffer(table) for name, table in TABLES.items()}
        self._files = files
        self._tiers = tiers
        self._lock = threading.RLock()
        # Held for an instant, by whoever adds rows and by whoever lets an hour go.
        self._gate = threading.Lock()
        self._dirty: set[int] = set()
        self._adopted: set[tuple[int, str]] = set()
        # End of the last bucket written, by hour, table and tier.
        self._rolled: dict[tuple[int, str, str], int] = {}
        self._newest = 0
        # Hours of which buckets that were closed have gained a row.
        self._late: set[int] = set()
        # Hours that left memory unsaved while nothing could be written: live.db has them.
        self.left_to_journal: set[int] = set()

    def add(self, time: int, rows: Rows) -> None:
        """Take a tick. `time` is in ms since 1970."""
        hour = time // HOUR_MS * HOUR_MS
        with self._gate:
            for name, of_table in rows.items():
                if of_table:
                    self.buffers[name].append(time, of_table)
            self._dirty.add(hour)
            if time < self._newest:
                self._late.add(hour)
            self._newest = max(self._newest, time)

    def extend(self, rows: Columns) -> None:
        """Take rows that a journal kept; those of a tick that is here already are left out."""
        buffer = self.buffers[rows.table.name]
        known = buffer.columns().times
        buffer.extend(rows.take(np.flatnonzero(~np.isin(rows.times, known))))
        for hour in (np.unique(rows.times // HOUR_MS) * HOUR_MS).tolist():
            self._dirty.add(hour)
        if len(rows):
            self._newest = max(self._newest, int(rows.times.max()))

    def covers(self, time: int) -> bool:
        """Whether the tick at `time` is recorded, in memory or in a file of an hour gone by."""
        with self._lock, contextlib.suppress(OSError):
            self._adopt(TABLES["recorder"], time // HOUR_MS * HOUR_MS)
        # The recorder writes a row of its own at every tick.
        return bool(np.any(self.buffers["recorder"].columns().times == time))

    def flush(self, now: int) -> int:
        """Write what is new. Returns the start of the first hour that is not finished.

        What cannot be written stays for the next time, table by table; `trouble` says why.
        """
        with self._lock:
            self.trouble = {}
            unfinished = []
            for hour in sorted(self._dirty):
                over = now >= hour + HOUR_MS + _GRACE_MS or self._newest >= hour + HOUR_MS
                with self._gate:
                    self._dirty.discard(hour)
                    if hour in self._late:
                        self._late.discard(hour)
                        self._roll_anew(hour)
                # Each has its turn, whatever became of the one before.
                complete = [self._flush_table(table, hour, over=over) for table in TABLES.values()]
                lasting = over and all(self._settle(table) for table in TABLES.values())
                if False in complete or not lasting or not self._closed(hour):
                    self._dirty.add(hour)
                    unfinished.append(hour)
            self._bound_memory(unfinished)
            return min([*unfinished, *self.left_to_journal], default=now // HOUR_MS * HOUR_MS)

    def _flush_table(self, table: Table, hour: int, *, over: bool) -> bool:
        try:
            self._adopt(table, hour)
            rows = self.buffers[table.name].columns(hour, hour + HOUR_MS)
            if len(rows):
                self._write_raw(table, rows, hour)
                self._write_rolled(table, rows, hour, over=over)
        except OSError as error:
            self.trouble[table.name] = error.strerror or str(error)
            return False
        return True

    def _settle(self, table: Table) -> bool:
        """Whether all files of the table now stand, also after a power cut."""
        try:
            for tier in self._tiers:
                self._files.settle(table, tier)
        except OSError as error:
            self.trouble[table.name] = error.strerror or str(error)
            return False
        return True

    def _write_raw(self, table: Table, rows: Columns, hour: int) -> None:
        tier = self._tiers[0]
        path = self._files.path(table, tier, tier.period_of(hour))
        stored = to_arrow(rows, self._files.host)
        if tier.period_of(hour) in path.rpartition("/")[2]:
            self._files.write(path, stored, lasting=False)
        else:  # its day has been merged
            self._files.add(path, stored, table.keys, lasting=False)

    def _write_rolled(self, table: Table, rows: Columns, hour: int, *, over: bool) -> None:
        newest = int(rows.times.max())
        for tier in self._tiers[1:]:
            bucket = tier.seconds * 1000
            begin = self._rolled.get((hour, table.name, tier.name), hour)
            # A bucket is closed once a later tick has come, or its hour is over.
            end = hour + HOUR_MS if over else max(begin, newest // bucket * bucket)
            if end <= begin:
                continue
            part = rows if end - begin == HOUR_MS else rows.between(begin, end)
            rolled = roll_up(part, tier.seconds, self._files.host)
            if rolled.num_rows:
                path = self._files.path(table, tier, tier.period_of(hour))
                self._files.add(path, rolled, table.keys, lasting=False)
            self._rolled[hour, table.name, tier.name] = end

    def _adopt(self, table: Table, hour: int) -> None:
        """Load what a file has of this hour: a restart, or a clock set back, goes on with it."""
        if (hour, table.name) in self._adopted:
            return
        tier = self._tiers[0]
        stored = self._files.read(self._files.path(table, tier, tier.period_of(hour)))
        if stored is not None:
            self.extend(from_arrow(stored, table).between(hour, hour + HOUR_MS))
        self._adopted.add((hour, table.name))

    def _closed(self, hour: int) -> bool:
        """Let the hour go, unless a tick of it has come while it was being written."""
        with self._gate:
            if hour in self._dirty:
                return False
            self._forget(hour)
            return True

    def _bound_memory(self, unfinished: list[int]) -> None:
        """With nothing to write to for hours, only the newest stay in memory."""
        for hour in unfinished[:-_HOURS_IN_MEMORY]:
            with self._gate:
                self._forget(hour)
                self._dirty.discard(hour)
            self.left_to_journal.add(hour)

    def _forget(self, hour: int) -> None:
        for buffer in self.buffers.values():
            buffer.drop(hour, hour + HOUR_MS)
        self._adopted = {(of, name) for of, name in self._adopted if of != hour}
        self._roll_anew(hour)

    def _roll_anew(self, hour: int) -> None:
        for key in [key for key in self._rolled if key[0] == hour]:
            del self._rolled[key]
