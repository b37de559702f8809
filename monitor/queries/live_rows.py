"""The newest rows, which the files do not have yet."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from monitor.metrics import Table
from monitor.recording.follower import KEPT_MS, Follower
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.journal import Journal
from monitor.storage.journals import FLUSHED, is_own_folder

_KNOWN_SECONDS = 5.0


class LiveRows:
    """Rows of live.db and its stand-in: from a follower's memory, as far as that reaches back.

    Without a follower, as in a notebook, all of them are read from the files at `paths`, live.db
    first.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        follower: Follower | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = paths
        self._follower = follower
        self._monotonic = monotonic
        # When the note was read, on the monotonic clock, and what it said.
        self._known_flushed = (-_KNOWN_SECONDS, 0)

    def columns(self, table: Table, start: int) -> Columns:
        """Every row since `start` (ms since 1970) that no file has, and some that one has.

        To be asked before files are opened: what is flushed meanwhile, and goes, is in those.
        """
        kept = self._kept(table)
        oldest = 1 << 62 if kept is None else int(kept.times.min(initial=1 << 62))
        # Memory ends here when the hour before is not flushed yet, files cannot be written, or
        # the recorder stopped long ago.
        start = max(start, self._flushed()) if start < oldest else start
        if kept is not None and start >= oldest:
            return kept
        older = self._journalled(table, start, oldest)
        return older if kept is None else _joined(older, kept)

    def first(self, table: Table, start: int) -> int | None:
        """Time of the oldest row at hand that is not before `start`; None where there is none."""
        kept = self._kept(table)
        times = (self._journalled(table, start, 1 << 62) if kept is None else kept).times
        return int(times[times >= start].min()) if np.any(times >= start) else None

    def reaches(self, table: Table, start: int) -> bool:
        """Whether memory holds every row since `start`, which is in ms since 1970."""
        kept = self._kept(table)
        newest = self._follower.latest.time if self._follower else None
        if kept is None or newest is None or start < newest - KEPT_MS:
            return False
        # The first to arrive is the oldest, unless the clock was set back since.
        return len(kept) > 0 and int(kept.times[0]) <= start

    def _kept(self, table: Table) -> Columns | None:
        """What the follower holds; None before its first tick, or without one."""
        if self._follower is None or self._follower.latest.time is None:
            return None
        return self._follower.buffers[table.name].columns()

    def _flushed(self) -> int:
        """The moment before which every row is in a file; 0 where nothing says so.

        It moves on once an hour, and what was true some seconds ago only costs a longer look.
        """
        read, before = self._known_flushed
        if self._monotonic() - read > _KNOWN_SECONDS:
            before = self._noted_flushed()
            self._known_flushed = (self._monotonic(), before)
        return before

    def _noted_flushed(self) -> int:
        for path in self._paths[:1]:
            with contextlib.suppress(sqlite3.Error), contextlib.closing(_open(path)) as journal:
                before = journal.note(FLUSHED).get("before")
                return before if isinstance(before, int) else 0
        return 0

    def _journalled(self, table: Table, start: int, end: int) -> Columns:
        found = Buffer(table)
        seen: set[int] = set()
        for at, path in enumerate(self._paths):
            # The stand-in's folder is in a place that is open to every user.
            if not path.exists() or (at > 0 and not is_own_folder(path.parent)):
                continue
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
