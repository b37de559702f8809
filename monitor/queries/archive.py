"""All that was recorded: any metric over any span, from the tier that fits it.

Gaps stay gaps: a tick or a bucket that was not recorded is no point. What a coarser tier has not
been given yet is rolled up here from the rows that are, so a line goes on to the newest tick.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from monitor.metrics import GPU, HOST, Metric, Table
from monitor.queries.live_rows import LiveRows
from monitor.queries.series import Line, Series, coarser, joined, recent_lines, stored_lines
from monitor.queries.steps import fitting_step, points
from monitor.storage.buffer import Columns
from monitor.storage.history import History, columns_of
from monitor.storage.tiers import Tier

MAX_POINTS = 1_000
_DAY_MS = 86_400_000


class Archive:
    """All that was recorded of one host, up to the newest tick. `interval` (ms) is a raw step."""

    def __init__(
        self, history: History, live: LiveRows, tiers: Sequence[Tier], interval: int = 1000
    ) -> None:
        self.history = history
        self.live = live
        self.tiers = tiers
        self.interval = interval

    def series(
        self,
        table: Table,
        columns: Sequence[str],
        start: int,
        end: int,
        *,
        devices: Sequence[str] | None = None,
        tier: Tier | None = None,
        max_points: int | None = MAX_POINTS,
        step: int | None = None,
    ) -> Series:
        """The metrics with start <= time < end (ms since 1970), of all devices or of these.

        From `tier` or, without one, from the finest that covers the span in `max_points` a line.
        A tier that has more is rolled up further as it is read, so no spike is lost; to `step` ms
        a point where that is given. A bucket counts by its beginning; the one that `start` is in
        belongs to the span.
        """
        if table.keys != ("device",):
            raise ValueError(f"{table.name} has several rows of one device, which are no line")
        named = {table[column] for column in columns}
        metrics = [metric for metric in table.metrics if metric in named]
        tier = tier or self.tier_for(table, start, end, max_points)
        own = self.step(tier)
        wanted = step or fitting_step(start, end, own, max_points, raw=tier.raw)

        def lines(rolled_up: bool) -> tuple[int, list[Line]]:
            # Whole buckets, so that a point does not change as the span moves on.
            bucket = wanted if rolled_up else _bucket(tier)
            begin, stop = start - start % bucket, end + -end % bucket
            found = self._lines(table, metrics, tier, begin, stop, devices)
            return begin, [coarser(line, metrics, wanted) for line in found] if rolled_up else found

        begin, found = lines(wanted > own)
        most = max(map(len, found), default=0)
        if max_points and not step and most > max_points:
            # Recorded when the interval was shorter than it is now.
            wanted = fitting_step(start, end, own, max_points, raw=False)
            begin, found = lines(True)
        return Series(table, metrics, tier, wanted, begin, end, found)

    def prepare(self) -> None:
        """Read a little of every file, and of each tier the newest day of one device.

        Whoever asks first does not wait for what takes long once.
        """
        with contextlib.suppress(OSError):
            for table, column in ((HOST, "cpu_percent"), (GPU, "power_watts")):
                devices: list[str] | None = None
                for tier in reversed(self.tiers):
                    last = self.history.prepare(table, tier)
                    if last is not None:
                        day = (last + 1 - _DAY_MS, last + 1)
                        found = self.series(table, [column], *day, devices=devices, tier=tier)
                        devices = [line.device for line in found.lines[:1]] or devices

    def step(self, tier: Tier) -> int:
        """Milliseconds between two points of a tier."""
        return self.interval if tier.raw else max(tier.seconds * 1000, self.interval)

    def tier_for(self, table: Table, start: int, end: int, max_points: int | None) -> Tier:
        """The finest tier that has the whole span, as far as any has, in so many points.

        Where none does, the one with the fewest points of those that have it.
        """
        fitting = [
            tier
            for tier in self.tiers
            if max_points is None or points(start, end, self.step(tier), raw=tier.raw) <= max_points
        ]
        others = [tier for tier in reversed(self.tiers) if tier not in fitting]
        for tier in [*fitting, *others]:
            if self._covers(table, tier, start, end):
                return tier
        return self.tiers[-1]

    def first(self, table: Table) -> int | None:
        """Time of the oldest tick, in ms since 1970, as near as tiers tell; None without any."""
        found, bucket = None, 0
        for tier in reversed(self.tiers):
            first = self.history.first(table, tier)
            # A bucket begins before its first tick does, which a finer tier may still have.
            if first is not None and (found is None or first < found + bucket):
                found, bucket = first, _bucket(tier)
        if found is None:
            return min(self.live.columns(table, 0).times.tolist(), default=None)
        return found

    def _covers(self, table: Table, tier: Tier, start: int, end: int) -> bool:
        """Whether no other tier has rows of the span that are older than this one's first."""
        first = self.history.first(table, tier)
        if first is not None and first <= start:
            return True
        known = [time for time in (first, self.live.first(table, start)) if time is not None]
        mine = min(known, default=end)
        for other in self.tiers:
            theirs = None if other is tier else self.history.first(table, other, start)
            bucket = max(tier.seconds, other.seconds) * 1000
            if theirs is not None and theirs // bucket < mine // bucket:
                return False
        return True

    def _lines(
        self,
        table: Table,
        metrics: Sequence[Metric],
        tier: Tier,
        start: int,
        end: int,
        devices: Sequence[str] | None,
    ) -> list[Line]:
        schema = columns_of(table, tier, tuple(metric.column for metric in metrics))
        parts: dict[str, list[Line]] = {}
        after = start
        # Before the files: what is flushed in between is in both, not in neither.
        rows = self.live.columns(table, start)
        # Memory that reaches back so far has every row: no need to open a file.
        files = (
            [] if self.live.reaches(table, start) else self.history.open(table, tier, start, end)
        )
        bucket = _bucket(tier)
        for file in files:
            groups = file.groups(start, end, devices)
            stored = file.decoded(groups, schema) if groups else None
            # What a broken file has may still be in memory.
            if stored is None or len(stored.times):
                after = max(after, file.last + bucket)
            if stored is not None:
                for line in stored_lines(stored, schema, start, end, devices):
                    parts.setdefault(line.device, []).append(line)
        if _set_back(rows, after - bucket):
            # Ticks that are older than the files' last are not in them yet.
            oldest = int(rows.times.min())
            after = max(start, min(after, -(-oldest // bucket) * bucket))
        for line in recent_lines(rows, metrics, tier, after, end, devices):
            parts.setdefault(line.device, []).append(line)
        return [joined(lines) for _, lines in sorted(parts.items())]


def _bucket(tier: Tier) -> int:
    return 1 if tier.raw else tier.seconds * 1000


def _set_back(rows: Columns, last: int) -> bool:
    """Whether the clock was, before some of these rows or since `last`, a time in the files."""
    times = rows.times
    return len(times) > 0 and bool(times[-1] < last or np.any(np.diff(times) < 0))
