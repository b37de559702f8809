"""A data folder with years of history, made in half a minute: one realistic day, told many times.

Its 1 s tier has the two days before `END`, the others reach back as far as `TIERS` says. Every
file is written by the code that a recorder writes with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.realistic import gpu_columns, host_columns
from monitor.storage.buffer import Columns
from monitor.storage.folders import SUFFIX
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from monitor.storage.tiers import Tier, bounds, parse_tiers

DAY_MS = 86_400_000
TIERS_TEXT = "1s:2d,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y"
TIERS = parse_tiers(TIERS_TEXT)
HOST = "h100-server"


def write_history(
    folder: Path,
    end: int,
    tiers: Sequence[Tier] = TIERS,
    gpus: int = 8,
    host: str = HOST,
    names: Sequence[str] = (),
) -> None:
    """Fill the folder with what a recorder would have there at `end`, in ms and a whole day.

    `names` are the GPUs' own, where it matters which they are.
    """
    files = PeriodFiles(str(folder), host, lambda: end / 1000)
    of_gpus = _more_gpus(gpu_columns(0, 86_400), gpus)
    if names:
        of_gpus = replace(of_gpus, devices=names)
    for day in (of_gpus, host_columns(0, 86_400)):
        for tier in tiers:
            _write_tier(files, tier, day, end)


def _write_tier(files: PeriodFiles, tier: Tier, day: Columns, end: int) -> None:
    host = files.host
    rows = to_arrow(day, host) if tier.raw else roll_up(day, tier.seconds, host)
    begin = end - max(DAY_MS, tier.keep_seconds * 1000 // DAY_MS * DAY_MS)
    periods: dict[str, list[pa.Table]] = {}
    for start in range(begin, end, DAY_MS):
        for period, part in _by_period(tier, moved(rows, start), start):
            periods.setdefault(period, []).append(part)
    for period, parts in periods.items():
        path = f"{files.folder(day.table, tier)}/{period}{SUFFIX}"
        files.write(path, pa.concat_tables(parts), lasting=False)


def _by_period(tier: Tier, day: pa.Table, start: int) -> Iterator[tuple[str, pa.Table]]:
    if tier.keep_seconds > DAY_MS // 1000 or tier.period != "hour":
        name = tier.period_of(start)
        yield (name.partition("T")[0], day)
        return
    times = day.column("time").cast(pa.int64()).to_numpy()
    for hour in range(start, start + DAY_MS, 3_600_000):
        if hour >= start + DAY_MS - tier.keep_seconds * 1000:
            first, after = bounds(tier.period_of(hour))
            yield tier.period_of(hour), day.filter(pa.array((times >= first) & (times < after)))


def moved(rows: pa.Table, by: int) -> pa.Table:
    """The same rows, `by` ms later."""
    field = rows.schema.field("time")
    times = rows.column("time").cast(pa.int64()).to_numpy() + by
    return rows.set_column(0, field, pa.array(times).cast(field.type))


def _more_gpus(day: Columns, gpus: int) -> Columns:
    """The day with this many GPUs: those there are, again under other names."""
    if gpus <= len(day.devices):
        return day.take(np.flatnonzero(day.device_codes < gpus))
    copies = -(-gpus // len(day.devices))
    names = [
        f"{name[:-3]}{copy:03d}" if copy else name for copy in range(copies) for name in day.devices
    ]
    codes = np.concatenate([day.device_codes + copy * len(day.devices) for copy in range(copies)])
    keep = np.flatnonzero(codes < gpus)
    return Columns(
        day.table,
        np.tile(day.times, copies)[keep],
        codes[keep].astype(np.int32),
        np.tile(day.cells, (copies, 1))[keep],
        names[:gpus],
        {},
    )
