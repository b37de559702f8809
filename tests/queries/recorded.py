"""A recording made tick by tick with the real store, and what a query of it must answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from monitor.metrics import TABLES, RollUp
from monitor.queries.archive import Archive
from monitor.queries.live_rows import LiveRows
from monitor.queries.series import Series
from monitor.recording.follower import Follower
from monitor.settings import DEFAULT_TIERS
from monitor.storage.history import History
from monitor.storage.tiers import parse_tiers
from tests.storage.made import START, StillClock, store_in, worst_xid

GPU = TABLES["gpu"]
COLUMNS = (
    "memory_used_bytes",
    "power_watts",
    "energy_joules",
    "clock_event_reasons",
    "xid_count",
)
METRICS = [GPU[column] for column in COLUMNS]
MISSING = dict.fromkeys(COLUMNS)


class Recording:
    """A recorder's storage on a clock that is moved by hand, and every tick it was given."""

    def __init__(
        self, folder: Path, tiers: str = DEFAULT_TIERS, interval: int = 1000, start: int = START
    ) -> None:
        self.folder = folder
        self.tiers = parse_tiers(tiers)
        self.interval = interval
        self.clock = StillClock(start)
        self.ticks: list[dict[str, object]] = []
        self.newest_tick = 0
        self.store = store_in(folder, self.clock, tiers=tiers)
        self._text = tiers
        self.paths = [folder / "state/live.db", folder / "no-stand-in/overflow.db"]
        # As when the page is open from the start; poll is its thread's work.
        self.follower = Follower(self.paths)
        self.follower.poll()

    @property
    def newest(self) -> int:
        return max((int(str(row["time"])) for row in self.ticks), default=self.clock.ms)

    def tick(self, *readings: dict[str, object], poll: bool = True) -> bool:
        """A tick at the present moment, unless there is one; then the clock moves on."""
        time = self.clock.ms // self.interval * self.interval
        self.clock.ms = time + self.interval
        if self.store.covers(time):
            return False
        rows = [{"device": f"GPU-{at}", **MISSING, **row} for at, row in enumerate(readings)]
        host = [{"device": "host", "tick_seconds": 0.01}]
        self.store.add(time, {"gpu": rows, "recorder": host})
        self.ticks += [{"time": time, **row} for row in rows]
        self.newest_tick = time
        if poll:
            self.follower.poll()
        return True

    def ticked(self, watts: Iterable[float | None]) -> None:
        """A tick for each, of one GPU."""
        for value in watts:
            self.tick({"power_watts": value}, poll=False)
        self.follower.poll()

    def flush(self) -> None:
        self.store.flush()

    def restart(self) -> None:
        self.store.close()
        self.store = store_in(self.folder, self.clock, tiers=self._text)
        self.store.recover()
        self.follower.poll()

    def archive(self, *, follows: bool = True, interval: int | None = None) -> Archive:
        """What the page asks; or, without a follower, what a notebook does."""
        live = LiveRows(self.paths, self.follower if follows else None)
        history = History(str(self.folder / "data"), "node1")
        return Archive(history, live, self.tiers, interval or self.interval)

    def raw(self) -> pd.DataFrame:
        return pd.DataFrame(self.ticks, columns=["time", "device", *COLUMNS]).astype(
            dict.fromkeys(COLUMNS, "float64")
        )


def plain(raw: pd.DataFrame, step: int, start: int, end: int) -> pd.DataFrame:
    """What pandas makes of the ticks of the buckets that are in the span; by device and time."""
    raw = raw.sort_values("time", kind="stable")
    raw = raw.assign(time=raw["time"] // step * step)
    raw = raw[(raw["time"] >= start // step * step) & (raw["time"] < end)]
    groups = raw.groupby(["device", "time"])
    found: dict[str, pd.Series] = {}
    for metric in METRICS:
        name, column = metric.column, groups[metric.column]
        if metric.roll_up is RollUp.MEAN:
            whole = metric.unit.storage == "int64"
            found[name] = np.rint(column.mean()) if whole else column.mean()
            found[f"{name}_min"], found[f"{name}_max"] = column.min(), column.max()
        elif metric.roll_up is RollUp.LAST:
            found[name] = column.last()
        elif metric.roll_up is RollUp.WORST:
            found[name] = column.agg(worst_xid)
        else:
            found[name] = column.agg(_bits)
    return pd.DataFrame({**found, "samples": groups.size()})


def plain_ticks(raw: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """The ticks of the span themselves, by device and time."""
    raw = raw[(raw["time"] >= start) & (raw["time"] < end)]
    return raw.set_index(["device", "time"]).sort_index()[list(COLUMNS)]


def answered(series: Series) -> pd.DataFrame:
    """The lines as one table by device and time, `samples` too; each line's times are rising."""
    frames = []
    for line in series.lines:
        assert len(line) > 0
        assert np.all(np.diff(line.times) > 0), (line.device, line.times.tolist())
        frame = pd.DataFrame({"device": line.device, "time": line.times, **line.columns})
        frames.append(frame)
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames).set_index(["device", "time"])


def assert_answer(
    series: Series, expected: pd.DataFrame, columns: Sequence[str] | None = None, within: float = 0
) -> None:
    """The same points with the same values; whole numbers may be off by `within`."""
    found = answered(series)
    assert found.index.tolist() == expected.index.tolist()
    for name in expected.columns if columns is None else columns:
        if len(expected):
            np.testing.assert_allclose(
                found[name].astype("float64"),
                expected[name].astype("float64"),
                rtol=3e-7,
                atol=max(within, 1e-37),
                err_msg=name,
            )


def _bits(values: pd.Series) -> float:
    bits = [int(value) for value in values.dropna()]
    return float(np.bitwise_or.reduce(bits)) if bits else np.nan
