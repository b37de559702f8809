"""A recording of the machine and its GPUs, and what the page's charts have of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monitor.queries.archive import Archive
from monitor.queries.latest import Latest
from monitor.queries.live_rows import LiveRows
from monitor.queries.trends import CHARTS
from monitor.queries.view import View
from monitor.recording.follower import Follower
from monitor.sources.base import DeviceState, Row
from monitor.storage.history import History
from monitor.storage.tiers import parse_tiers
from tests.queries.ticks import latest
from tests.storage.made import START, StillClock, store_in

ALL = frozenset(chart.name for chart in CHARTS)


class Charted:
    """A store on a clock that is moved by hand; each tick is followed at once."""

    def __init__(self, folder: Path, tiers: str = "1s:1d,10s:10d,1m:30d", start: int = START):
        self.clock = StillClock(start)
        self.store = store_in(folder, self.clock, tiers=tiers)
        paths = [folder / "state/live.db"]
        self.follower = Follower(paths)
        self.follower.poll()
        self.archive = Archive(
            History(str(folder / "data"), "node1"),
            LiveRows(paths, self.follower),
            parse_tiers(tiers),
        )

    def tick(self, host: Row | None = None, *gpus: Row, milliseconds: int = 1000) -> None:
        """Rows at the present moment; then the clock moves on."""
        rows = {
            "host": [{"device": "host", **(host or {})}],
            "gpu": list(gpus),
            "recorder": [{"device": "host", "tick_seconds": 0.01}],
        }
        self.store.add(self.clock.ms, rows)
        self.clock.ms += milliseconds
        self.follower.poll()

    def cpu(self, values: Sequence[float | None], milliseconds: int = 1000) -> None:
        """A tick for each, of the machine alone."""
        for value in values:
            self.tick({"cpu_percent": value}, milliseconds=milliseconds)


def view(
    start: int,
    end: int,
    charts: Sequence[str] | frozenset[str] = ALL,
    gpus: Sequence[str] | None = None,
) -> View:
    return View(start, end, None if gpus is None else frozenset(gpus), frozenset(charts), False)


def gpus_of(*states: DeviceState) -> Latest:
    """A tick of a machine with these GPUs, none of which was read."""
    return latest(gpus=[], states=states)


def decoded(answer: Any, chart: str) -> np.ndarray[Any, Any]:
    """Shape (lines, mean and perhaps lowest and highest, points), as a browser reads them."""
    found = answer["charts"][chart]
    values = np.frombuffer(base64.b64decode(found["values"], validate=True), "<f4")
    kinds = 3 if answer["rolled"] else 1
    return values.reshape(len(found["lines"]), kinds, answer["count"])


def grid(answer: Any) -> list[int]:
    """The time of each point, in ms since 1970."""
    return [answer["start"] + at * answer["step"] for at in range(answer["count"])]
