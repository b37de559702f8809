"""All of storage behind its one door: what the sampler and the recorder's jobs rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.settings import Settings
from monitor.storage.journal import Journal
from monitor.storage.locations import overflow_db
from monitor.storage.store import Store
from tests.storage.made import (
    GPU,
    HOUR,
    RAW,
    START,
    FailingFiles,
    StillClock,
    add,
    assert_complete,
    files_in,
    seconds,
    store_in,
    stored,
)


def live(folder: Path) -> Journal:
    return Journal(folder / "state/live.db", readonly=True)


def test_a_tick_is_in_live_db_at_once_and_in_parquet_after_a_flush(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 5))
    assert len(live(tmp_path).columns(GPU)[0]) == 10
    assert not list(tmp_path.rglob("*.parquet"))
    store.flush()
    assert len(stored(files_in(tmp_path / "data"), GPU, RAW)) == 10
    store.close()


def test_live_db_keeps_an_hour_for_those_who_follow(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 7200, 60))
    clock.ms = START + 2 * HOUR + 5000
    store.flush()
    times = live(tmp_path).columns(GPU)[0].times
    assert min(times) == START + HOUR + 60_000
    store.close()


def test_nothing_is_forgotten_in_live_db_before_it_is_in_parquet(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock, FailingFiles)
    files = store._files
    assert isinstance(files, FailingFiles)
    files.fails = lambda path: "/host=" in path
    add(store, seconds(0, 10_800, 60))
    clock.ms = START + 3 * HOUR + 5000
    store.flush()
    assert min(live(tmp_path).columns(GPU)[0].times) == START
    store.close()
    again = store_in(tmp_path, clock)
    again.recover()
    again.close()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 10_800, 60))


def test_the_state_says_what_is_wrong_once_and_when_it_is_mended(tmp_path: Path) -> None:
    clock, changes = StillClock(), []
    settings = Settings(data=str(tmp_path / "data"), state_dir=tmp_path / "state")
    store = Store(settings, clock, lambda: changes.append(1))
    assert store.state()["ok"] is True
    add(store, seconds(0, 5))
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    for _ in range(3):
        store.flush()
    state = store.state()
    assert state["ok"] is False
    assert str(blocked) in str(state["reason"])
    assert state["advice"]
    assert len(changes) == 1
    blocked.unlink()
    store.flush()
    assert store.state() == {"ok": True, "reason": "", "advice": ""}
    assert len(changes) == 2
    store.close()


# --- a tick is written once ---------------------------------------------------------------------


def test_a_tick_in_memory_or_in_live_db_or_in_parquet_is_covered(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, [*seconds(0, 10), *seconds(3600, 3610), *seconds(7200, 7210)])
    clock.ms = START + 2 * HOUR + 10_000
    store.flush()
    for second in (5, 3605, 7205):
        assert store.covers(START + 1000 * second)
        assert not store.covers(START + 1000 * second + 500)
    assert not store.covers(START + 1000 * 20)
    assert not store.covers(START + 1000 * 7300)
    store.close()


def test_the_last_second_of_the_recorder_before_is_not_recorded_again(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 10))
    clock.ms = START + 10_000
    store.flush()
    store.close()
    again = store_in(tmp_path, clock)
    assert again.covers(START + 9000)
    assert not again.covers(START + 10_000)
    again.close()


def test_a_second_that_only_live_db_has_is_covered_before_it_is_recovered(tmp_path: Path) -> None:
    """The recorder samples at once; `recover` comes after its first tick."""
    clock = StillClock()
    add(store_in(tmp_path, clock), seconds(0, 10))
    again = store_in(tmp_path, clock)
    assert again.covers(START + 9000)
    again.close()


def test_a_lost_live_db_does_not_make_a_recorded_second_new(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 10))
    store.flush()
    store.close()
    (tmp_path / "state/live.db").unlink()
    again = store_in(tmp_path, clock)
    assert again.covers(START + 9000)
    again.close()


# --- recovered ----------------------------------------------------------------------------------


def test_hours_that_were_never_flushed_are(tmp_path: Path) -> None:
    clock = StillClock()
    add(store_in(tmp_path, clock), seconds(0, 9000, 60))
    clock.ms = START + 9000_000
    store = store_in(tmp_path, clock)
    store.recover()
    clock.ms = START + 3 * HOUR + 5000
    store.flush()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 9000, 60))
    store.close()


def test_a_lost_live_db_costs_only_what_was_not_flushed(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 95))
    clock.ms = START + 95_000
    store.flush()
    store.close()
    (tmp_path / "state/live.db").write_bytes(b"not a database, but long enough to look at" * 30)
    store = store_in(tmp_path, clock)
    store.recover()
    add(store, seconds(100, 200))
    clock.ms = START + HOUR + 5000
    store.flush()
    assert_complete(files_in(tmp_path / "data"), [*seconds(0, 95), *seconds(100, 200)])
    store.close()


def test_a_broken_raw_file_of_the_open_hour_is_made_again_from_live_db(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 95))
    clock.ms = START + 95_000
    store.flush()
    store.close()
    (raw,) = (tmp_path / "data/gpu/tier=1s").rglob("*.parquet")
    raw.write_bytes(raw.read_bytes()[:-50])
    store = store_in(tmp_path, clock)
    store.recover()
    clock.ms = START + HOUR + 5000
    store.flush()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 95))
    store.close()


@pytest.fixture
def shared_memory(tmp_path: Path) -> Path:
    settings = Settings(data=str(tmp_path / "data"), state_dir=tmp_path / "state")
    path = overflow_db(settings)
    yield path
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if path.parent.exists():
        path.parent.rmdir()


def test_a_recorder_killed_on_a_disk_that_was_full_from_the_start(
    tmp_path: Path, shared_memory: Path
) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    store.journals._main._db.execute("PRAGMA max_page_count = 1")
    add(store, seconds(0, 200))
    assert shared_memory.exists()
    store.close()
    store = store_in(tmp_path, clock)
    store.recover()
    clock.ms = START + HOUR + 5000
    store.flush()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 200))
    store.close()


def test_a_disk_full_of_ticks_and_files_is_made_up_for(tmp_path: Path, shared_memory: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock, FailingFiles)
    files = store._files
    assert isinstance(files, FailingFiles)
    add(store, seconds(0, 100))
    clock.ms = START + 100_000
    store.flush()
    files.fails = lambda path: True
    store.journals._main._db.execute("PRAGMA max_page_count = 1")
    add(store, seconds(100, 400))
    clock.ms = START + 400_000
    store.flush()
    assert store.state()["ok"] is False
    files.fails = lambda path: False
    store.journals._main._db.execute("PRAGMA max_page_count = 1000000000")
    add(store, seconds(400, 500))
    clock.ms = START + HOUR + 5000
    store.flush()
    assert store.state()["ok"] is True
    assert not shared_memory.exists()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 500))
    # The last hour, each row once.
    assert sorted(live(tmp_path).columns(GPU)[0].times[::2]) == list(seconds(5, 500))
    store.close()


# --- the rest -----------------------------------------------------------------------------------


def test_strays_of_a_killed_writer_are_gone_after_the_start(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 10))
    store.flush()
    store.close()
    (file,) = (tmp_path / "data/gpu/tier=1s").rglob("*.parquet")
    stray = file.with_name(f"{file.name}.4711.writing")
    stray.write_bytes(b"PAR1")
    store = store_in(tmp_path, clock)
    store.recover()
    assert not stray.exists()
    assert file.exists()
    store.close()


def test_pruning_goes_by_the_time_it_is_given(tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 3600, 60))
    clock.ms = START + HOUR + 5000
    store.flush()
    clock.ms = START + 1000 * HOUR  # a clock that has jumped
    store.prune((START + 2 * HOUR) / 1000 - 1)
    assert list(files_in(tmp_path / "data").periods(GPU, RAW))
    store.prune((START + 2 * HOUR) / 1000)
    assert not list(files_in(tmp_path / "data").periods(GPU, RAW))
    store.close()


def test_a_flush_in_mid_hour_needs_no_pandas(tmp_path: Path) -> None:
    """A recorder has none: it costs 35 MB, and a quarter of a second where it comes first."""
    half = START + HOUR // 2
    code = (
        "import sys; from monitor.settings import Settings;"
        "from monitor.storage.store import Store;"
        f"clock = type('Clock', (), dict(wall=lambda self: {(half + 150_000) / 1000}));"
        f"store = Store(Settings(data={str(tmp_path)!r}), clock());"
        f"times = range({half}, {half + 150_000}, 1000);"
        "[store.add(at, {'gpu': [{'device': 'GPU-0', 'power_watts': at / 7}]}) for at in times];"
        "store.flush(); store.close(); print('pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False"]
    assert list(tmp_path.rglob("tier=1m/*/*.parquet"))
