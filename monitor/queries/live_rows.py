"""The newest rows, which the files do not have yet."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monitor.metrics import Table
from monitor.recording.follower import KEPT_MS, Follower
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.journal import Journal


class LiveRows:
    """Rows of live.db and its stand-in: from a follower's memory, as far as that reaches back.

    Without a follower, as in a notebook, all of them are read from the files at `paths`.
    """

    def __init__(self, paths: Sequence[Path], follower: Follower | None = None) -> None:
        self._paths = paths
        self._follower = follower

    def columns(self, table: Table, start: int) -> Columns:
        """Every row since `start` (ms since 1970), and perhaps some before it."""
        newest = self._follower.latest.time if self._follower else None
        if self._follower is None or newest is None:
            return self._journalled(table, start, 1 << 62)
        kept = self._follower.buffers[table.name].columns()
        if start >= newest - KEPT_MS:
            return kept
        # Files are behind by more than an hour: they cannot be written, or have just been begun.
        older = self._journalled(table, start, newest - KEPT_MS)
        return _joined(older, kept.between(newest - KEPT_MS)) if len(older) else kept

    def reaches(self, table: Table, start: int) -> bool:
        """Whether memory holds every row since `start`, which is in ms since 1970."""
        newest = self._follower.latest.time if self._follower else None
        if self._follower is None or newest is None or start < newest - KEPT_MS:
            return False
        times = self._follower.buffers[table.name].columns().times
        # The first to arrive is the oldest, unless the clock was set back since.
        return len(times) > 0 and int(times[0]) <= start

    def _journalled(self, table: Table, start: int, end: int) -> Columns:
        found = Buffer(table)
        seen: set[int] = set()
        for path in self._paths:
            # There is none before the first tick, or it has just been replaced.
            with contextlib.suppress(sqlite3.Error), contextlib.closing(_open(path)) as journal:
                rows, _ = journal.columns(table, start, end)
                new = [at for at, time in enumerate(rows.times.tolist()) if time not in seen]
                found.extend(rows.take(np.array(new, np.int64)))
                seen.update(rows.times.tolist())
        return found.columns()


def _open(path: Path) -> Journal:
    return Journal(path, readonly=True)


def _joined(first: Columns, then: Columns) -> Columns:
    both = Buffer(first.table)
    both.extend(first)
    both.extend(then)
    return both.columns()
