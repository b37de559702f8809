"""All of a recorder's storage behind one door: live.db at once, Parquet in its time."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pyarrow as pa

from monitor.metrics import TABLES
from monitor.recording.clock import Clock
from monitor.settings import Settings
from monitor.sources.base import Rows
from monitor.storage.flush import HOUR_MS, Flusher
from monitor.storage.journals import FLUSHED, Journals
from monitor.storage.locations import host_name, live_db, overflow_db
from monitor.storage.parquet import PeriodFiles
from monitor.storage.retention import merge_days, prune
from monitor.storage.tiers import bounds

log = logging.getLogger(__name__)

_ADVICE = "Recording goes on in memory, which keeps the last day, and is saved when this is mended."


class Store:
    """What the sampler and the recorder's jobs write to; `on_change` tells of a new `state`.

    `add` and `covers` belong to the sampling thread, the rest to the flush thread.
    """

    def __init__(
        self, settings: Settings, clock: Clock, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._data = settings.data
        self._trouble = ""
        self._tiers = settings.parsed_tiers
        self.journals = Journals(live_db(settings), overflow_db(settings), on_change)
        self._files = PeriodFiles(settings.data, host_name(), clock.wall)
        self._flusher = Flusher(self._files, self._tiers)
        self.journals.drain()
        self._left_behind = self.journals.marks()
        self._newest: int | None = None
        self._flushed = int(str(self.journals.note(FLUSHED).get("before", 0)))

    def newest(self) -> int:
        """No tick recorded is later (ms since 1970); 0 before the first.

        At the start, the end of the hour where the newest is in a file.
        """
        if self._newest is None:
            self._newest = max(self.journals.newest(), self._end_of_files())
        return self._newest

    def covers(self, time: int) -> bool:
        """Whether the tick at `time` (ms since 1970) is recorded already."""
        if time > self.newest():  # no need to look
            return False
        return self.journals.has(time) or self._flusher.covers(time)

    def add(self, time: int, rows: Rows) -> None:
        """Keep a tick."""
        if time < self._flushed:
            # The clock was set back: these rows too must be recovered after a kill.
            self._note_flushed(time // HOUR_MS * HOUR_MS)
        self.journals.append(time, rows)
        self._flusher.add(time, rows)
        self._newest = max(self._newest or 0, time)

    def recover(self) -> None:
        """Take up what an earlier recorder left in live.db, and put it where it belongs."""
        for table in TABLES.values():
            for tier in self._tiers:
                try:
                    self._files.sweep(table, tier)
                except OSError as error:
                    log.warning("%s cannot be read: %s.", self._files.folder(table, tier), error)
            for rows in self.journals.columns(table, self._flushed, marks=self._left_behind):
                self._flusher.extend(rows)
        self.flush()

    def flush(self) -> None:
        """Write what is new to Parquet; what is there may go from live.db after an hour."""
        self.journals.drain()
        now = round(self._clock.wall() * 1000)
        first = self._flusher.flush(now)
        if first != self._flushed and not self._flusher.trouble:
            self._note_flushed(first)
        self._say()
        if not self._flusher.trouble:
            self._take_back()
        self.journals.trim(min(first, self._flushed, now - HOUR_MS))
        # Arrow keeps what it used for the next flush; a recorder has a minute until then.
        pa.default_memory_pool().release_unused()

    def prune(self, now: float) -> None:
        """Delete what is past its age and merge closed days. `now` is in seconds, and patient."""
        prune(self._files, self._tiers, round(now * 1000))
        merge_days(self._files, self._tiers, round(now * 1000))

    def state(self) -> dict[str, object]:
        """Whether everything is being written, and if not, why."""
        trouble = self.journals.trouble or self._trouble
        return {"ok": not trouble, "reason": trouble, "advice": _ADVICE if trouble else ""}

    def close(self) -> None:
        """Close live.db."""
        self.journals.close()

    def _take_back(self) -> None:
        """Load an hour that had to leave memory; the next flush writes it."""
        for hour in sorted(self._flusher.left_to_journal)[:1]:
            for table in TABLES.values():
                for rows in self.journals.columns(table, hour, hour + HOUR_MS):
                    self._flusher.extend(rows)
            self._flusher.left_to_journal.discard(hour)

    def _end_of_files(self) -> int:
        """The end of the last raw file's period; 0 where there is none."""
        try:
            periods = self._files.periods(TABLES["recorder"], self._tiers[0])
        except OSError:
            return 0
        return max((bounds(period)[1] for period in periods), default=0)

    def _note_flushed(self, before: int) -> None:
        self._flushed = before
        self.journals.put_note(FLUSHED, {"before": before})

    def _say(self) -> None:
        reasons = sorted(set(self._flusher.trouble.values()))
        trouble = (
            f"History cannot be saved to {self._data}: {'; '.join(reasons).lower()}."
            if reasons
            else ""
        )
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.warning("%s", trouble)
        else:
            log.info("History is saved to %s again.", self._data)
        self._on_change()
