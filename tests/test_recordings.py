"""`open_store` reads what any recorder wrote: beside it, after it, and copied elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import monitor
from monitor import open_store
from monitor.settings import Settings
from monitor.sources.base import Rows
from monitor.storage import store as storing
from monitor.storage.store import Store
from tests.fakes import FakeClock

NOON = 1_763_985_600  # 2025-11-24T12:00Z
START, END = "2025-11-24T12:00Z", "2025-11-24T12:03Z"
FLUSHED, TICKS = 120, 180


def readings(second: int) -> Rows:
    return {
        "gpu": [
            {"device": "GPU-a", "index": 0, "power_watts": 100.0 + second, "xid_count": second},
            {"device": "GPU-b", "index": 1, "memory_used_bytes": 7},
        ],
        "host": [{"device": "host", "cpu_percent": 12.5}],
        "process": [{"device": "GPU-a", "pid": pid, "name": f"run {pid}"} for pid in (11, 12)],
        "recorder": [{"device": "host", "missed_count": 0}],
    }


def record(folder: Path) -> Store:
    """A recorder's storage that is still open: two minutes in files, one in live.db alone."""
    clock = FakeClock(NOON)
    store = Store(Settings(data=str(folder)), clock)
    for second in range(TICKS):
        if second == FLUSHED:
            store.flush()
        store.add(round(clock.wall() * 1000), readings(second))
        clock.run(1)
    return store


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Path]:
    """The folder of a recorder that is running."""
    store = record(tmp_path / "data")
    yield tmp_path / "data"
    store.close()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder copied from a machine whose name no path can have."""
    monkeypatch.setattr(storing, "host_name", lambda: "node 7")
    record(tmp_path / "made").close()
    shutil.copytree(tmp_path / "made", tmp_path / "copied")
    return tmp_path / "copied"


def power(folder: Path) -> pd.Series:
    frame = open_store(folder).series(
        "gpu", ["power_watts"], start=START, end=END, devices=["GPU-a"], resolution="1s"
    )
    return frame["power_watts"]


def test_every_tick_of_a_recorder_that_is_running_is_there(recording: Path) -> None:
    assert power(recording).tolist() == [100.0 + second for second in range(TICKS)]


def test_a_folder_without_live_db_has_what_the_files_have(recording: Path) -> None:
    for file in recording.glob("live.db*"):
        file.unlink()
    assert power(recording).tolist() == [100.0 + second for second in range(FLUSHED)]


def test_a_copied_folder_is_read_under_its_own_host(elsewhere: Path) -> None:
    store = open_store(elsewhere)
    assert (store.hosts, store.host) == (["node_7"], "node 7")
    assert power(elsewhere).tolist() == [100.0 + second for second in range(TICKS)]


def test_of_several_hosts_one_is_chosen(elsewhere: Path) -> None:
    for folder in elsewhere.glob("*/*/host=node_7"):
        shutil.copytree(folder, folder.with_name("host=other"))
    with pytest.raises(ValueError, match="name one of: node_7, other"):
        open_store(elsewhere)
    assert open_store(elsewhere, host="node 7").host == "node 7"
    assert len(open_store(elsewhere, host="other").series("gpu", start=START, end=END)) > 0
    with pytest.raises(ValueError, match=r"nothing of .third. .* there are: node_7, other"):
        open_store(elsewhere, host="third")


def test_newest_rows_of_a_shared_folder_are_nobody_elses(elsewhere: Path) -> None:
    for folder in elsewhere.glob("*/*/host=node_7"):
        shutil.copytree(folder, folder.with_name("host=other"))
    store = open_store(elsewhere, host="other")
    frame = store.series("gpu", "power_watts", START, END, devices=["GPU-a"], resolution="1s")
    assert len(frame) == FLUSHED


def test_what_there_is_can_be_listed(recording: Path) -> None:
    store = open_store(str(recording))
    assert store.tables == ["gpu", "host", "process", "recorder"]
    assert store.tiers == ["1s", "10s", "1m"]
    assert store.devices("gpu") == ["GPU-a", "GPU-b"]
    with pytest.raises(ValueError, match="there are gpu, host"):
        store.devices("gpus")


@pytest.mark.parametrize(
    "start",
    [
        "2025-11-24T12:02:00",
        datetime(2025, 11, 24, 12, 2),  # noqa: DTZ001
        datetime(2025, 11, 24, 12, 2, tzinfo=UTC),
        datetime(2025, 11, 24, 13, 2, tzinfo=timezone(timedelta(hours=1))),
        pd.Timestamp("2025-11-24T12:02Z"),
        pd.Timestamp("2025-11-24T12:02"),
    ],
    ids=repr,
)
def test_a_moment_is_a_text_or_a_time_of_any_kind(recording: Path, start: datetime) -> None:
    end = pd.Timestamp("2025-11-24T12:02:10Z")
    frame = open_store(recording).series("gpu", "power_watts", start, end, devices=[0])
    assert frame["power_watts"].tolist() == [220.0 + second for second in range(10)]


def test_without_a_resolution_every_row_of_the_finest_tier_comes(recording: Path) -> None:
    store = open_store(recording)
    assert len(store.series("gpu", "power_watts", START, END)) == 2 * TICKS
    few = store.series("gpu", "power_watts", START, END, max_points=5, devices=["0"])
    assert len(few) <= 5
    assert few["power_watts_max"].max() == 100.0 + TICKS - 1
    assert few["samples"].sum() == TICKS


def test_a_frame_has_time_device_and_the_columns(recording: Path) -> None:
    store = open_store(recording)
    frame = store.series("gpu", ["power_watts", "xid_count"], START, END, resolution="1m")
    assert list(frame)[:2] == ["time", "device"]
    assert str(frame["time"].dtype) == "datetime64[ms, UTC]"
    assert frame["samples"].tolist() == [60] * 6
    assert frame["xid_count"].tolist()[:3] == [59, 119, 179]
    assert np.isnan(frame["power_watts"].tolist()[3])


def test_processes_have_a_row_each(recording: Path) -> None:
    frame = open_store(recording).series("process", ["pid", "name"], START, END, resolution="1s")
    assert list(frame) == ["time", "device", "pid", "name"]
    assert len(frame) == 2 * TICKS
    assert set(frame["name"]) == {"run 11", "run 12"}


def test_a_span_without_rows_is_an_empty_frame_of_the_same_columns(recording: Path) -> None:
    store = open_store(recording)
    for table in ("gpu", "process"):
        for resolution in ("1s", "1m"):
            whole = store.series(table, (), START, END, resolution=resolution)
            empty = store.series(table, (), "2025-01-01", "2025-01-02", resolution=resolution)
            assert len(empty) == 0
            assert list(empty) == list(whole)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"metrics": ["watts"]}, "metrics: gpu has no 'watts'; it has index"),
        ({"start": "never"}, "start: 'never' is not a time"),
        ({"devices": [9]}, r"devices: gpu has no '9'; there are: 0 \(GPU-a\), 1 \(GPU-b\)"),
        ({"resolution": "7m"}, "resolution: nothing is kept at '7m'; there are 1s, 10s, 1m"),
        ({"max_points": 1}, "max_points: 1 is not between 2 and 100,000"),
        ({"max_points": "a"}, "max_points: 'a' is no whole number"),
        ({"max_points": 2.5}, "max_points: 2.5 is no whole number"),
        ({"start": 5}, "start: 5 is not a time; write an ISO 8601 time"),
        ({"end": None}, "end: None is not a time"),
        ({"end": pd.NaT}, "end: 'NaT' is not a time"),
        ({"devices": 9}, "devices: gpu has no '9'"),
        ({"devices": 0.5}, "devices: 0.5 is no list of names"),
        ({"devices": [None]}, "devices: .None. is no list of names"),
        ({"metrics": None}, "metrics: None is no list of names"),
        ({"metrics": 5}, "metrics: gpu has no '5'"),
        ({"resolution": 7}, "resolution: nothing is kept at '7'"),
        ({"table": 5}, "table: there is no table 5"),
        ({"table": []}, "table: there is no table"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    recording: Path, more: dict[str, object], says: str
) -> None:
    asked = {"table": "gpu", "start": START, "end": END, **more}
    with pytest.raises(ValueError, match=says) as refused:
        open_store(recording).series(**asked)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_one_device_and_a_resolution_may_be_a_number(recording: Path) -> None:
    store = open_store(recording)
    found = store.series("gpu", "power_watts", START, END, 0, resolution=60)
    assert found.equals(store.series("gpu", "power_watts", START, END, ["GPU-a"], resolution="1m"))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_store(tmp_path / "nowhere")
    with pytest.raises(AttributeError):
        monitor.open_stores  # noqa: B018


def test_a_recorder_does_not_load_what_it_has_no_use_for() -> None:
    code = "import monitor.recording.recorder, sys; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "False\n"
    code = "import monitor, sys; print('pyarrow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "False\n"
