"""Ticks find a place: live.db, or memory while the disk is full; a broken live.db costs little."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from monitor.metrics import TABLES
from monitor.sources.base import DeviceState
from monitor.storage.journal import Journal
from monitor.storage.journals import Journals, open_or_replace
from tests.storage.made import GPU, START, seconds, tick


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    opened = opened_in(tmp_path)
    yield opened
    opened.close()


def opened_in(folder: Path, changes: list[str] | None = None) -> Journals:
    noted = changes if changes is not None else []
    return Journals(folder / "live.db", folder / "shm/overflow.db", lambda: noted.append("changed"))


def append(journals: Journals, times: range) -> None:
    for time in times:
        journals.append(time, tick(time))


def fill(journals: Journals) -> None:
    """As a full disk does: live.db can have no further page."""
    journals._main._db.execute("PRAGMA max_page_count = 1")


def make_room(journals: Journals) -> None:
    journals._main._db.execute("PRAGMA max_page_count = 1000000000")


def times_in(path: Path) -> list[int]:
    journal = Journal(path, readonly=True)
    columns, _ = journal.columns(GPU)
    journal.close()
    return columns.times.tolist()


def times_of(journals: Journals) -> list[int]:
    return [t for c in journals.columns(GPU, 0, 1 << 62) for t in c.times.tolist()]


def each_twice(times: range) -> list[int]:
    return [time for time in times for _ in range(2)]


def test_ticks_go_to_live_db_and_nothing_to_memory(journals: Journals, tmp_path: Path) -> None:
    append(journals, seconds(0, 5))
    assert times_in(tmp_path / "live.db") == each_twice(seconds(0, 5))
    assert not (tmp_path / "shm").exists()
    assert journals.trouble == ""


def test_a_full_disk_sends_ticks_to_memory_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes: list[str] = []
    journals = opened_in(tmp_path, changes)
    append(journals, seconds(0, 5))
    fill(journals)
    with caplog.at_level(logging.INFO):
        append(journals, seconds(5, 200))
    assert "full" in journals.trouble
    assert len(caplog.records) == len(changes) == 1
    in_live = len(times_in(tmp_path / "live.db")) // 2
    assert times_in(tmp_path / "shm/overflow.db") == each_twice(seconds(in_live, 200))
    journals.close()


def test_devices_and_notes_find_a_place_too(journals: Journals, tmp_path: Path) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    for n in range(500):
        journals.put_devices([DeviceState("gpu", f"GPU-{n}", "ok", "x" * 200)])
    journals.put_note("recorder", {"text": "y" * 9000})
    memory = Journal(tmp_path / "shm/overflow.db", readonly=True)
    assert memory.devices()
    assert memory.note("recorder")
    memory.close()
    make_room(journals)
    journals.drain()
    live = Journal(tmp_path / "live.db", readonly=True)
    assert len(live.devices()) == 500
    assert live.note("recorder")["text"].startswith("y")
    live.close()


def test_when_there_is_room_again_memory_is_emptied_into_live_db(
    journals: Journals, tmp_path: Path
) -> None:
    append(journals, seconds(0, 5))
    fill(journals)
    append(journals, seconds(5, 200))
    make_room(journals)
    journals.drain()
    append(journals, seconds(200, 205))
    assert times_in(tmp_path / "live.db") == each_twice(seconds(0, 205))
    assert list((tmp_path / "shm").iterdir()) == []
    assert journals.trouble == ""


def test_while_it_is_full_draining_changes_nothing(journals: Journals, tmp_path: Path) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    journals.drain()
    assert sorted(times_of(journals)) == each_twice(seconds(0, 200))
    assert (tmp_path / "shm/overflow.db").exists()
    make_room(journals)
    journals.drain()
    assert times_of(journals) == each_twice(seconds(0, 200))


def test_what_a_killed_recorder_left_in_memory_is_taken_up(tmp_path: Path) -> None:
    killed = opened_in(tmp_path)
    fill(killed)
    append(killed, seconds(0, 200))
    killed.close()
    journals = opened_in(tmp_path)
    assert sorted(times_of(journals)) == each_twice(seconds(0, 200))
    journals.drain()
    assert sorted(times_in(tmp_path / "live.db")) == each_twice(seconds(0, 200))
    journals.close()


def test_a_kill_between_moving_and_deleting_doubles_nothing(tmp_path: Path) -> None:
    journals = opened_in(tmp_path)
    fill(journals)
    append(journals, seconds(0, 200))
    journals._overflow._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = (tmp_path / "shm/overflow.db").read_bytes()
    make_room(journals)
    journals.drain()
    journals.close()
    (tmp_path / "shm/overflow.db").write_bytes(left)
    journals = opened_in(tmp_path)
    journals.drain()
    assert times_in(tmp_path / "live.db") == each_twice(seconds(0, 200))
    journals.close()


def test_trimming_forgets_what_is_older(journals: Journals, tmp_path: Path) -> None:
    append(journals, seconds(0, 10))
    journals.trim(START + 4000)
    assert times_in(tmp_path / "live.db") == each_twice(seconds(4, 10))


def test_a_follower_sees_what_comes_after_everything_was_trimmed(
    journals: Journals, tmp_path: Path
) -> None:
    """A machine that slept for hours, or GPUs without a process for one."""
    append(journals, seconds(0, 10))
    follower = Journal(tmp_path / "live.db", readonly=True)
    _, cursor = follower.rows_after(GPU, 0)
    journals.trim(START + 9_000_000)
    append(journals, seconds(9000, 9003))
    found, _ = follower.rows_after(GPU, cursor)
    follower.close()
    assert [time for time, _ in found] == each_twice(seconds(9000, 9003))


# --- broken -------------------------------------------------------------------------------------


def broken(folder: Path, spoil: str) -> Path:
    """A live.db of a thousand ticks, spoilt."""
    path = folder / "live.db"
    journal = Journal(path)
    with journal.transaction():
        for time in seconds(0, 1000):
            for name, rows in tick(time).items():
                names = TABLES[name].columns
                journal._db.executemany(
                    journal._inserts[name],
                    [(time, row["device"], *[row.get(c) for c in names]) for row in rows],
                )
    journal.put_devices([DeviceState("gpu", "GPU-a")])
    journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    content = bytearray(path.read_bytes())
    if spoil == "header":
        content[:100] = bytes(100)
    elif spoil == "middle":
        at = len(content) // 2 // 4096 * 4096
        content[at : at + 8192] = b"\xff" * 8192
    else:
        content = content[: len(content) // 2 // 4096 * 4096]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("spoil", ["header", "middle", "truncated"])
def test_a_broken_live_db_is_moved_aside_and_recording_goes_on(
    spoil: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = broken(tmp_path, spoil)
    content = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        journals = opened_in(tmp_path)
    append(journals, seconds(1000, 1005))
    assert len(caplog.records) == 1
    times = times_in(path)
    assert times[-10:] == each_twice(seconds(1000, 1005))
    asides = [p for p in tmp_path.iterdir() if p.name.startswith("live.db.")]
    assert any(p.read_bytes() == content for p in asides)
    if spoil == "middle":
        assert len(times) > 200
        assert times[:-10] == each_twice(seconds(0, len(times) // 2 - 5))[: len(times) - 10]
    journals.close()


def test_a_sound_live_db_is_left_as_it_is(tmp_path: Path) -> None:
    journals = opened_in(tmp_path)
    append(journals, seconds(0, 5))
    journals.close()
    journal = open_or_replace(tmp_path / "live.db")
    journal.close()
    assert [p.name for p in tmp_path.iterdir()] == ["live.db"]
    assert len(times_in(tmp_path / "live.db")) == 10


def test_a_file_that_is_no_database_in_memory_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / "shm").mkdir()
    (tmp_path / "shm/overflow.db").write_bytes(b"something else" * 100)
    journals = opened_in(tmp_path)
    append(journals, seconds(0, 3))
    journals.drain()
    assert len(times_in(tmp_path / "live.db")) == 6
    journals.close()
