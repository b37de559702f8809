"""The newest rows: from memory as far as that reaches, from live.db and its stand-in beyond."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monitor.queries.archive import Archive
from monitor.queries.live_rows import LiveRows
from monitor.recording.follower import KEPT_MS, Follower
from monitor.storage.buffer import Columns
from monitor.storage.history import History
from monitor.storage.journal import Journal
from monitor.storage.journals import FLUSHED
from tests.fakes import FakeClock
from tests.queries.recorded import GPU, Recording, assert_answer, plain, plain_ticks
from tests.storage.made import HOUR, START, tick

MINUTE = 60_000


def fill(path: Path, times: range) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(path)
    for time in times:
        journal.append(time, tick(time))
    journal.close()
    return path


def since(rows: Columns, start: int) -> list[int]:
    """The ticks of those rows that count, sorted; each row once."""
    keys = list(zip(rows.times.tolist(), rows.device_codes.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    return sorted({time for time, _ in keys if time >= start})


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return fill(tmp_path / "live.db", range(START, START + 100_000, 1000))


@pytest.fixture
def following() -> Callable[[Path], Follower]:
    """A follower of a live.db, which has read what it does on a start."""
    followers: list[Follower] = []

    def follow(path: Path, poll: bool = True) -> Follower:
        followers.append(Follower([path]))
        if poll:
            followers[-1].poll()
        return followers[-1]

    yield follow
    for follower in followers:
        for followed in follower._followed:
            followed.close()


def test_without_a_follower_all_rows_are_read_from_live_db(live: Path) -> None:
    rows = LiveRows([live]).columns(GPU, START + 40_000)
    assert since(rows, 0) == [*range(START + 40_000, START + 100_000, 1000)]
    assert rows["power_watts"].tolist()[0] == 140.0
    assert LiveRows([live]).first(GPU, START + 40_500) == START + 41_000
    assert LiveRows([live]).first(GPU, START + HOUR) is None


def test_a_tick_of_live_db_and_its_stand_in_comes_once(live: Path, tmp_path: Path) -> None:
    stand_in = fill(tmp_path / "own/overflow.db", range(START + 90_000, START + 120_000, 1000))
    rows = LiveRows([live, stand_in]).columns(GPU, START)
    assert since(rows, 0) == [*range(START, START + 120_000, 1000)]


def test_a_stand_in_that_another_user_may_have_put_there_is_not_read(live, tmp_path) -> None:
    fill(tmp_path / "real/overflow.db", range(START + HOUR, START + HOUR + 5000, 1000))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    rows = LiveRows([live, tmp_path / "link/overflow.db"]).columns(GPU, START)
    assert rows.times.max() < START + HOUR


@pytest.mark.parametrize("content", [None, b"", b"not a database, but long enough" * 99])
def test_a_live_db_that_is_missing_or_broken_is_no_rows(tmp_path: Path, content) -> None:
    path = tmp_path / "live.db"
    if content is not None:
        path.write_bytes(content)
    lines = LiveRows([path])
    assert len(lines.columns(GPU, 0)) == 0
    assert lines.first(GPU, 0) is None
    assert not lines.reaches(GPU, START)


def test_before_a_follower_s_first_tick_live_db_is_read(live: Path, following) -> None:
    rows = LiveRows([live], following(live, poll=False)).columns(GPU, START)
    assert len(since(rows, START)) == 100


def test_memory_alone_answers_for_what_it_reaches(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked([1.0] * 50)
    for path in tmp_path.rglob("live.db*"):
        path.unlink()
    lines = LiveRows(recording.paths, recording.follower)
    assert since(lines.columns(GPU, START + 10_000), START + 10_000) == [
        *range(START + 10_000, START + 50_000, 1000)
    ]
    assert lines.reaches(GPU, START)
    assert not lines.reaches(GPU, START - 1)
    assert not lines.reaches(GPU, START - KEPT_MS)
    assert lines.first(GPU, START + 500) == START + 1000


def test_what_left_memory_is_read_from_live_db_and_each_row_comes_once(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked([1.0] * 100)
    recording.follower.buffers["gpu"].drop_before(START + 60_000)
    rows = LiveRows(recording.paths, recording.follower).columns(GPU, START + 20_000)
    assert since(rows, START + 20_000) == [*range(START + 20_000, START + 100_000, 1000)]


def test_a_recorder_that_stopped_long_ago_leaves_no_hole(tmp_path: Path) -> None:
    """A web process that starts later has no more in memory than the last hour, by its clock."""
    recording = Recording(tmp_path, "1s:1h,1m:24h,1h:2y")
    recording.ticked(np.arange(1500.0) / 8)
    recording.flush()
    recording.ticked(np.arange(100.0) / 8)
    for dropped in (START + 1200_000, START + 1550_000, START + HOUR):
        for buffer in recording.follower.buffers.values():
            buffer.drop_before(dropped)
        archive = recording.archive()
        for tier in recording.tiers:
            found = archive.series(
                GPU, ["power_watts"], START, START + HOUR, tier=tier, max_points=None
            )
            expected = (
                plain_ticks(recording.raw(), START, START + HOUR)
                if tier.raw
                else plain(recording.raw(), tier.seconds * 1000, START, START + HOUR)
            )
            assert_answer(found, expected, found.columns)


def test_an_hour_whose_file_could_not_be_written_is_read_from_live_db(tmp_path: Path) -> None:
    recording = Recording(tmp_path, interval=MINUTE)
    for hour in range(3):
        recording.ticked([float(hour)] * 60)
    rows = LiveRows(recording.paths, recording.follower).columns(GPU, START)
    assert len(since(rows, START)) == 180
    recording.flush()
    recording.store.journals.trim(START + 2 * HOUR)
    archive = recording.archive()
    found = archive.series(GPU, ["power_watts"], START, START + 3 * HOUR, tier=recording.tiers[0])
    assert len(found.lines[0]) == 180


def test_what_the_recorder_says_is_in_files_is_not_read_from_live_db(live: Path) -> None:
    clock = FakeClock(0)
    rows = LiveRows([live], monotonic=clock.monotonic)
    for flushed, wait, first in ((20_000, 0, 20_000), (50_000, 4, 20_000), (50_000, 2, 50_000)):
        journal = Journal(live)
        journal.put_note(FLUSHED, {"before": START + flushed})
        journal.close()
        clock.run(wait)
        # The note is looked at again after five seconds.
        assert since(rows.columns(GPU, START), 0)[0] == START + first


def test_a_late_tick_is_read_from_live_db_before_it_is_flushed(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked([1.0] * 10)
    recording.clock.ms += 60_000
    recording.ticked([2.0] * 10)
    recording.flush()
    recording.clock.ms -= 50_000
    recording.ticked([3.0] * 10)
    archive = Archive(
        History(str(tmp_path / "data"), "node1"), LiveRows(recording.paths), recording.tiers
    )
    found = archive.series(GPU, ["power_watts"], START, START + HOUR, max_points=None)
    assert_answer(found, plain_ticks(recording.raw(), START, START + HOUR), ["power_watts"])
    assert found.lines[0].columns["power_watts"].tolist() == [1.0] * 10 + [3.0] * 10 + [2.0] * 10


def test_reading_leaves_no_connection_behind(live: Path, tmp_path: Path) -> None:
    for _ in range(3):
        LiveRows([live, tmp_path / "none/overflow.db"]).columns(GPU, START)
    descriptors = Path("/proc/self/fd").iterdir()
    assert not [link for link in descriptors if link.is_symlink() and link.resolve() == live]
    assert not (tmp_path / "none").exists()
