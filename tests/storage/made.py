"""Ticks made for storage tests, what they must become, and files and clocks that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from monitor.metrics import TABLES, RollUp, Table
from monitor.settings import DEFAULT_TIERS, Settings
from monitor.sources.base import Rows
from monitor.storage.buffer import Columns
from monitor.storage.flush import Flusher
from monitor.storage.parquet import PeriodFiles
from monitor.storage.store import Store
from monitor.storage.tiers import Tier, parse_tiers
from monitor.xid import Severity, decoded

HOUR = 3_600_000
START = 1_795_528_800_000 // HOUR * HOUR  # 2026-11-24T14
TIERS = parse_tiers(DEFAULT_TIERS)
RAW, ROLLED = TIERS[0], TIERS[1:]
# One of each period, for tests that write many files.
FEW = "1s:1h,1m:24h,1h:2y"
GPU, PROCESS = TABLES["gpu"], TABLES["process"]


class StillClock:
    """Stands where it is put, in ms since 1970."""

    def __init__(self, ms: int = START) -> None:
        self.ms = ms

    def wall(self) -> float:
        return self.ms / 1000

    monotonic = elapsed = wall


def tick(time: int) -> Rows:
    """A tick whose every value can be told from its time."""
    second = time // 1000 % 3600
    return {
        "gpu": [
            {"device": "GPU-a", "power_watts": 100.0 + second, "xid_count": second},
            {"device": "GPU-b", "power_watts": 300.0 - second / 8, "clock_event_reasons": 4},
        ],
        "process": [{"device": "GPU-a", "pid": 7 + second % 2, "name": "train"}],
        "recorder": [{"device": "host", "tick_seconds": 0.01}],
    }


def files_in(folder: Path, kind: type[PeriodFiles] = PeriodFiles) -> PeriodFiles:
    return kind(str(folder), "node1", lambda: START / 1000)


def add(sink: Flusher | Store, times: Iterable[int]) -> None:
    for time in times:
        sink.add(time, tick(time))


def seconds(begin: int, end: int, step: int = 1, start: int = START) -> range:
    """Times (ms) of the ticks from second `begin` of `start` on, before second `end`."""
    return range(start + 1000 * begin, start + 1000 * end, 1000 * step)


def stored(files: PeriodFiles, table: Table, tier: Tier) -> pd.DataFrame:
    """All rows of a tier in the folder, as a person reads them; hours of a merged day left out."""
    periods = files.periods(table, tier)
    frames = [
        pd.read_parquet(path, partitioning=None)
        for period, path in periods.items()
        if not ("T" in period and period.partition("T")[0] in periods)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def plain_aggregate(raw: pd.DataFrame, table: Table, seconds: int) -> pd.DataFrame:
    """The rolled rows, by pandas' own means, of raw rows as a file has them."""
    raw = raw.sort_values("time", kind="stable").copy()
    for key in table.keys:
        raw[key] = raw[key].astype("object")
    bucket = raw["time"].dt.floor(f"{seconds}s").rename("bucket")
    groups = raw.groupby([bucket, *table.keys], sort=False)
    result: dict[str, pd.Series] = {}
    for metric in table.metrics:
        if metric.unit.storage != "text":
            raw[metric.column] = raw[metric.column].astype("float64")
        column = raw.groupby([bucket, *(raw[key] for key in table.keys)], sort=False)[metric.column]
        if metric.roll_up is RollUp.MEAN:
            mean = column.mean()
            result[metric.column] = np.rint(mean) if metric.unit.storage == "int64" else mean
            result[f"{metric.column}_min"] = column.min()
            result[f"{metric.column}_max"] = column.max()
        elif metric.roll_up is RollUp.LAST:
            result[metric.column] = column.last()
        elif metric.roll_up is RollUp.WORST:
            result[metric.column] = column.agg(worst_xid)
        else:
            result[metric.column] = column.agg(_or)
    result["samples"] = groups.size()
    return pd.DataFrame(result).rename_axis([*("time",), *(f"key_{key}" for key in table.keys)])


def worst_xid(numbers: pd.Series) -> float:
    """The most severe, of several such the last; NaN where there is none."""
    severities = get_args(Severity)
    ranked = [(severities.index(decoded(int(one)).severity), one) for one in numbers.dropna()]
    worst = max((rank for rank, _ in ranked), default=None)
    return next((one for rank, one in reversed(ranked) if rank == worst), np.nan)


def assert_same_rows(rolled: pd.DataFrame, expected: pd.DataFrame, table: Table) -> None:
    """Equal keys, each once, and equal values: to float32's precision where that is the type."""
    keys = ["time", *table.keys]
    indexed = rolled.set_index(pd.MultiIndex.from_frame(rolled[keys].astype("object")))
    assert indexed.index.is_unique
    assert set(indexed.index) == set(expected.index)
    indexed = indexed.loc[list(expected.index)]
    for column in expected.columns:
        ours, theirs = indexed[column], expected[column]
        assert ours.isna().tolist() == theirs.isna().tolist(), column
        present = theirs.notna().to_numpy()
        ours, theirs = ours[present], theirs[present]
        if not pd.api.types.is_numeric_dtype(theirs):
            assert ours.astype(str).tolist() == theirs.astype(str).tolist(), column
        else:
            # Float32 has no digits left for what is nearer to zero than that.
            np.testing.assert_allclose(
                ours.astype("float64"),
                theirs.astype("float64"),
                rtol=3e-7,
                atol=1e-37,
                err_msg=column,
            )


def assert_complete(
    files: PeriodFiles, times: Iterable[int], tiers: Sequence[Tier] = ROLLED
) -> None:
    """Every tick is in the raw tier once, and every tier is the aggregate of the raw rows."""
    ticks = [(time, tick(time)) for time in sorted(set(times))]
    for name in ("gpu", "process", "recorder"):
        table = TABLES[name]
        raw = stored(files, table, RAW)
        expected = sorted((time, str(row["device"])) for time, rows in ticks for row in rows[name])
        found = zip(raw["time"].astype("int64"), raw["device"].astype(str), strict=True)
        assert sorted(found) == expected
        for tier in tiers:
            rolled = stored(files, table, tier)
            assert_same_rows(rolled, plain_aggregate(raw, table, tier.seconds), table)


def columns_of(table: Table, rows: int, seed: int = 0, devices: int = 2) -> Columns:
    """Rows with a value, or sometimes none, in every column."""
    random = np.random.default_rng(seed)
    cells = random.integers(0, 3, (rows, len(table.metrics))).astype(float)
    words = {}
    for at, metric in enumerate(table.metrics):
        if metric.unit.storage == "text":
            words[metric.column] = [f"{metric.column} {n}" for n in range(3)]
        elif metric.unit.storage != "int64":
            cells[:, at] += random.random(rows)
        if metric.column not in table.keys:
            cells[random.random(rows) < 0.2, at] = np.nan
    return Columns(
        table,
        START + 1000 * (np.arange(rows, dtype=np.int64) // devices),
        np.arange(rows, dtype=np.int32) % devices,
        cells,
        [f"device {n}" for n in range(devices)],
        words,
    )


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


class KilledFiles(PeriodFiles):
    """Files of a process that is killed before its step number `left`, counted from 0.

    A write is two steps: before it, and when it has reached the disk.
    """

    left = -1
    steps = 0

    def _step(self) -> None:
        if self.steps == self.left:
            raise Killed
        self.steps += 1

    def write(self, path: str, rows: object, **options: bool) -> None:
        self._step()
        super().write(path, rows, **options)
        self._step()

    def write_groups(self, path: str, groups: object, some: object) -> None:
        self._step()
        super().write_groups(path, groups, some)
        self._step()

    def delete(self, path: str) -> None:
        self._step()
        super().delete(path)


class FailingFiles(PeriodFiles):
    """Files that fail with `error` wherever `fails` says so of a path."""

    error = OSError(28, "No space left on device")
    fails: Callable[[str], bool] = staticmethod(lambda path: False)

    def read(self, path: str) -> object:
        if self.error.errno != 28 and self.fails(path):
            raise self.error
        return super().read(path)

    def periods(self, table: Table, tier: Tier) -> dict[str, str]:
        if self.error.errno != 28 and self.fails(self.folder(table, tier) + "/"):
            raise self.error
        return super().periods(table, tier)

    def write(self, path: str, rows: object, **options: bool) -> None:
        if self.fails(path):
            raise self.error
        super().write(path, rows, **options)

    def write_groups(self, path: str, groups: object, some: object) -> None:
        if self.fails(path):
            raise self.error
        super().write_groups(path, groups, some)


def store_in(
    folder: Path,
    clock: StillClock,
    kind: type[PeriodFiles] = PeriodFiles,
    tiers: str = DEFAULT_TIERS,
) -> Store:
    """A recorder's storage, with files of that kind in `folder/data`."""
    settings = Settings(data=str(folder / "data"), state_dir=folder / "state", tiers=tiers)
    store = Store(settings, clock)
    store._files = files_in(folder / "data", kind)
    store._flusher = Flusher(store._files, settings.parsed_tiers)
    return store


def _or(values: pd.Series) -> float:
    bits = [int(value) for value in values.dropna()]
    return float(np.bitwise_or.reduce(bits)) if bits else np.nan
