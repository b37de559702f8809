"""What is current, worked out once per tick however many ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from zlib import crc32

import orjson

from monitor.metrics import PROCESS
from monitor.queries.answers import answers
from monitor.queries.compare import Comparison, compare
from monitor.queries.compare_snapshot import BRIEF, COMPARED_METRICS, MORE_METRICS, with_comparison
from monitor.queries.last_xid import LastXids
from monitor.queries.latest import Latest
from monitor.queries.processes import READ_EVERY_MS, GpuProcesses, gpu_processes, steady_memory
from monitor.queries.recent import recent
from monitor.queries.snapshot import snapshot
from monitor.queries.sparks import sparks
from monitor.recording.follower import Follower
from monitor.sources.base import Row

Made = TypeVar("Made")


class Current:
    """The follower's newest tick, and what has been made of it already."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._made: dict[str, tuple[int, Any]] = {}
        self._last_xids = LastXids()
        self._processes_at: tuple[object, ...] = ()
        self._processes_sum = 0
        self._encoded: dict[tuple[bool, bool], tuple[object, orjson.Fragment]] = {}

    @property
    def latest(self) -> Latest:
        """The newest tick."""
        return self._follower.latest

    @property
    def ended(self) -> bool:
        """Whether no more ticks will come."""
        return self._follower.stopped

    async def next(self, after: int, timeout: float | None = None) -> Latest:
        """The first tick past the sequence number `after`; the present one on a timeout."""
        return await self._follower.next(after, timeout)

    def snapshot(self, *, compared: bool = False, more: bool = False) -> dict[str, object]:
        """The tick as the page shows it, and its `age` in seconds now.

        `compared` adds what a page needs that shows its GPUs side by side, with `more` metrics.
        """
        if compared:
            metrics = COMPARED_METRICS + MORE_METRICS if more else COMPARED_METRICS
            made = self.once(
                f"compared, more: {more}",
                lambda latest: with_comparison(
                    self._snapshot(latest, BRIEF),
                    latest,
                    compare(latest, self._recent(), metrics),
                    more=more,
                ),
            )
        else:
            made = self.once("snapshot", self._snapshot)
        ticked = self.latest.time
        age = 0.0 if ticked is None else max(0.0, time.time() - ticked / 1000)
        return {**made, "age": round(age, 1)}

    def first_snapshot(self) -> dict[str, object] | None:
        """The snapshot for a page that is opened; None before the first tick."""
        return self.snapshot() if self.latest.time is not None and self.latest.recorder else None

    def encoded_snapshot(self, *, compared: bool = False, more: bool = False) -> orjson.Fragment:
        """The snapshot as JSON, once for all who are sent it in the same tenth of a second."""
        made = self.snapshot(compared=compared, more=more)
        moment = (self.latest.sequence, made["age"])
        was, encoded = self._encoded.get((compared, more), (None, orjson.Fragment(b"")))
        if was != moment:
            encoded = orjson.Fragment(orjson.dumps(made))
            self._encoded[compared, more] = (moment, encoded)
        return encoded

    def comparison(self) -> Comparison:
        """The GPUs of the tick side by side, with every metric."""
        return self.once("comparison", lambda latest: compare(latest, self._recent()))

    def backlog(self) -> dict[str, object]:
        """The two minutes before it, for the sparklines."""
        return self.once("backlog", lambda latest: sparks(latest, self._follower.buffers))

    def processes(self) -> GpuProcesses:
        """The processes on every GPU."""
        return self.once(
            "processes",
            lambda latest: gpu_processes(
                latest, steady_memory(latest, self._follower.buffers["gpu"])
            ),
        )

    def last_xids(self) -> Mapping[str, int]:
        """The newest XID by UUID, of each GPU that had one."""
        return self._last_xids.at(self.latest, self._follower.buffers["gpu"])

    def _snapshot(self, latest: Latest, brief: Collection[str] = ()) -> dict[str, object]:
        found = snapshot(latest, self._follower.peaks.over(latest.time or 0), brief=brief)
        answered = answers(latest, self._recent())
        told = [[each.words, each.device, each.state, each.title] for each in answered]
        return {**found, "answers": told, "processes": self._processes_shown()}

    def _processes_shown(self) -> int:
        """A number that is another once pages have others to show: they ask for them then.

        Looked at when processes are read; where there are none, as often.
        """
        latest = self.latest
        rows = bool(latest.table(PROCESS.name))
        moment = latest.ticks.get(PROCESS.name) if rows else (latest.time or 0) // READ_EVERY_MS
        gpus = [gpu.device for gpu in latest.gpus()]
        if self._processes_at != (rows, moment, gpus):
            self._processes_at = rows, moment, gpus
            found = self.processes()
            self._processes_sum = crc32(orjson.dumps([gpus, found.rows, found.unaccounted]))
        return self._processes_sum

    def _recent(self) -> Mapping[str, Row]:
        return self.once("recent", lambda latest: recent(latest, self._follower.buffers["gpu"]))

    def once(self, name: str, make: Callable[[Latest], Made]) -> Made:
        """`make(latest)`, kept by name until the next tick."""
        latest = self.latest
        sequence, made = self._made.get(name, (-1, None))
        if sequence != latest.sequence:
            made = make(latest)
            self._made[name] = (latest.sequence, made)
        return made  # type: ignore[no-any-return]
