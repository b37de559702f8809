"""kill -9 at random moments: no tick older than an interval is lost, none is there twice."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

import pandas as pd

from tests.faults.recorders import (
    RecorderProcess,
    newest_in_live_db,
    parquet_files,
    recording,
    rows_in_parquet,
    ticks_in_live_db,
    wait_for,
)

INTERVAL = 0.1
OPTIONS = ("--gpu-source", "demo", "--interval", str(INTERVAL), "--flush-interval", "0.2")
KILLS = 50


def test_fifty_kills_lose_no_tick_and_double_none(tmp_path: Path) -> None:
    moments = random.Random(20261124)
    seen: set[int] = set()
    for _ in range(KILLS):
        known = len(ticks_in_live_db(tmp_path))
        recorder = RecorderProcess(tmp_path, *OPTIONS)
        wait_for(lambda known=known: len(ticks_in_live_db(tmp_path)) > known)
        time.sleep(moments.uniform(0.05, 0.9))  # the moment of the kill is the test
        before = ticks_in_live_db(tmp_path)
        recorder.kill()
        ticks = ticks_in_live_db(tmp_path)
        assert set(before) <= set(ticks), "a tick that was there before the kill is gone"
        assert_no_gap_but_what_was_counted(tmp_path, ticks[known:])
        seen |= set(ticks)

    with recording(tmp_path, *OPTIONS) as recorder:
        wait_for(lambda: newest_in_live_db(tmp_path) > max(seen))
        assert recorder.stop() == 0

    rows = rows_in_parquet(tmp_path, "gpu")
    assert len(rows) == len(set(rows)), "a tick is there twice"
    times = {tick for tick, _ in rows}
    assert seen <= times
    assert not list(tmp_path.rglob("*.writing"))
    assert parquet_files(tmp_path)
    assert not list(tmp_path.rglob("*.broken-*"))
    _rolled_equals_raw(tmp_path)


def assert_no_gap_but_what_was_counted(data: Path, ticks: list[int]) -> None:
    """Of one recorder's run: every tick from its first to its last, less those it counted."""
    database = sqlite3.connect(f"file:{data / 'live.db'}?mode=ro", uri=True)
    query = "SELECT missed_count FROM recorder ORDER BY rowid DESC LIMIT 1"
    (missed,) = database.execute(query).fetchone()
    database.close()
    due = round((ticks[-1] - ticks[0]) / (1000 * INTERVAL)) + 1
    assert len(ticks) == due - missed


def _rolled_equals_raw(data: Path) -> None:
    raw = pd.concat(map(pd.read_parquet, parquet_files(data, "gpu", "1s")))
    rolled = pd.concat(map(pd.read_parquet, parquet_files(data, "gpu", "10s")))
    groups = raw.assign(bucket=raw["time"].dt.floor("10s")).groupby(
        ["device", "bucket"], observed=True
    )
    expected = groups["power_watts"].agg(["mean", "min", "max", "size"])
    rolled = rolled.set_index(["device", "time"]).sort_index()
    assert len(rolled) >= 0.8 * len(expected)
    expected = expected.loc[rolled.index]
    assert (rolled["samples"] == expected["size"]).all()
    for column, of in (
        ("power_watts", "mean"),
        ("power_watts_min", "min"),
        ("power_watts_max", "max"),
    ):
        assert (rolled[column] - expected[of]).abs().max() < 0.01
