"""Ticks find a place: live.db, or memory while the disk is full; a broken live.db costs little."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.metrics import TABLES
from monitor.sources.base import DeviceState
from monitor.storage.journal import Journal
from monitor.storage.journals import KEPT_IN_MEMORY_MS, Journals
from monitor.storage.salvage import open_or_replace
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


def devices_in(path: Path) -> list[str]:
    journal = Journal(path, readonly=True)
    names = [state.device for state in journal.devices()]
    journal.close()
    return names


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


def test_a_device_forgotten_while_the_disk_was_full_is_gone_once_there_is_room(
    journals: Journals, tmp_path: Path
) -> None:
    provisional = [DeviceState("gpu", f"GPU {n}", reason="x" * 200) for n in range(100)]
    journals.put_devices(provisional)
    fill(journals)
    append(journals, seconds(0, 200))
    # Not one page more for the log either.
    journals._main._db.execute("PRAGMA query_only = 1")
    journals.put_devices([DeviceState("gpu", "GPU-a")], [("gpu", s.device) for s in provisional])
    assert len(devices_in(tmp_path / "live.db")) == 100
    assert devices_in(tmp_path / "shm/overflow.db") == ["GPU-a"]
    journals._main._db.execute("PRAGMA query_only = 0")
    make_room(journals)
    journals.drain()
    assert devices_in(tmp_path / "live.db") == ["GPU-a"]
    assert journals.devices() == [DeviceState("gpu", "GPU-a")]


def test_devices_that_could_not_be_noted_once_are_noted_later(
    journals: Journals, tmp_path: Path
) -> None:
    journals.put_devices([DeviceState("gpu", "GPU 0")])
    journals._main._db.execute("PRAGMA query_only = 1")
    journals.put_devices([DeviceState("gpu", "GPU-a")], [("gpu", "GPU 0")])
    journals._main._db.execute("PRAGMA query_only = 0")
    journals.drain()
    assert devices_in(tmp_path / "live.db") == ["GPU-a"]


def test_memory_lists_all_devices_from_its_first_tick(journals: Journals, tmp_path: Path) -> None:
    journals.put_devices([DeviceState("gpu", "GPU-a"), DeviceState("gpu", "GPU-b")])
    fill(journals)
    append(journals, seconds(0, 200))
    assert devices_in(tmp_path / "shm/overflow.db") == ["GPU-a", "GPU-b"]


def test_devices_are_those_an_earlier_recorder_left_in_either_file(tmp_path: Path) -> None:
    killed = opened_in(tmp_path)
    killed.put_devices([DeviceState("gpu", "GPU-a"), DeviceState("gpu", "GPU-b")])
    fill(killed)
    append(killed, seconds(0, 200))
    lost = DeviceState("gpu", "GPU-b", "lost", "Gone.")
    killed._overflow.put_devices([lost])
    killed.close()
    journals = opened_in(tmp_path)
    assert journals.devices() == [DeviceState("gpu", "GPU-a"), lost]
    journals.close()


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


def test_memory_keeps_the_last_day(journals: Journals, tmp_path: Path) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    first = times_in(tmp_path / "shm/overflow.db")[0]
    day = KEPT_IN_MEMORY_MS // 1000
    append(journals, seconds(day + 190, day + 195))
    journals.trim(START)
    kept = times_in(tmp_path / "shm/overflow.db")
    assert first < kept[0] == START + 194_000
    assert kept == [*each_twice(seconds(194, 200)), *each_twice(seconds(day + 190, day + 195))]


def test_a_clock_that_was_ahead_once_costs_memory_nothing(
    journals: Journals, tmp_path: Path
) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    before = times_in(tmp_path / "shm/overflow.db")
    ahead = 3 * KEPT_IN_MEMORY_MS // 1000
    append(journals, seconds(ahead, ahead + 1))
    append(journals, seconds(200, 205))
    journals.trim(START)
    assert set(before) | set(seconds(200, 205)) <= set(times_in(tmp_path / "shm/overflow.db"))


def test_the_log_of_memory_is_used_again_after_a_trim(journals: Journals, tmp_path: Path) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    log = tmp_path / "shm/overflow.db-wal"
    sizes = []
    for start in range(200, 1000, 200):
        journals.trim(START)
        append(journals, seconds(start, start + 200))
        sizes.append(log.stat().st_size)
    assert sizes[-1] <= 1.2 * sizes[0]


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


# --- a folder in /dev/shm that is not ours ---------------------------------------------------


def link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)


def dangling_link(folder: Path) -> None:
    folder.symlink_to(folder.with_name("nowhere"))


def file(folder: Path) -> None:
    folder.write_text("in the way")


def anothers(folder: Path) -> None:
    if os.getuid():
        pytest.skip("giving a folder away takes root")
    folder.mkdir()
    os.chown(folder, 12345, 12345)


each_foreign = pytest.mark.parametrize("put", [link, dangling_link, file, anothers])


@each_foreign
def test_a_folder_that_is_not_ours_is_left_alone_and_that_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, put: Callable[[Path], None]
) -> None:
    changes: list[str] = []
    journals = opened_in(tmp_path, changes)
    fill(journals)
    put(tmp_path / "shm")
    before = sorted(tmp_path.rglob("*"))
    append(journals, seconds(0, 200))
    for n in range(100):
        journals.put_devices([DeviceState("gpu", f"GPU-{n}", "ok", "x" * 200)])
    journals.drain()
    assert sorted(tmp_path.rglob("*")) == before
    assert journals.trouble.startswith("live.db cannot be written: ")
    assert f"a kill loses them: {tmp_path / 'shm'} is not this user's own" in journals.trouble
    assert len(caplog.records) == len(changes) == 1
    make_room(journals)
    append(journals, seconds(200, 201))
    assert journals.trouble == ""
    journals.close()


@each_foreign
def test_a_recorder_begins_beside_such_a_folder_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, put: Callable[[Path], None]
) -> None:
    put(tmp_path / "shm")
    if (tmp_path / "shm").is_dir():
        (tmp_path / "shm/overflow.db").write_bytes(b"not to be opened" * 100)
    before = sorted(tmp_path.rglob("*"))
    journals = opened_in(tmp_path)
    append(journals, seconds(0, 3))
    journals.close()
    assert sorted({*tmp_path.rglob("*")} - {tmp_path / "live.db"}) == before
    [record] = caplog.records
    assert f"{tmp_path / 'shm'} is not this user's own folder" in record.getMessage()


def test_the_folder_is_made_for_this_user_alone(journals: Journals, tmp_path: Path) -> None:
    fill(journals)
    append(journals, seconds(0, 200))
    assert (tmp_path / "shm").stat().st_mode & 0o777 == 0o700


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
        # A tick of two rows may be saved by half.
        assert times[:-10] == each_twice(seconds(0, len(times)))[: len(times) - 10]
    journals.close()


def test_a_live_db_that_breaks_under_the_recorder_lists_the_devices_again(
    journals: Journals, tmp_path: Path
) -> None:
    journals.put_devices([DeviceState("gpu", "GPU-a")])
    append(journals, seconds(0, 3))
    journals._main.close()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"live.db{suffix}").unlink(missing_ok=True)
    (tmp_path / "live.db").write_bytes(b"something else" * 400)
    journals._main = Journal.__new__(Journal)
    journals._main._db = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    append(journals, seconds(3, 5))
    assert devices_in(tmp_path / "live.db") == ["GPU-a"]
    assert list(tmp_path.glob("live.db.broken-*"))


def test_what_is_saved_of_a_broken_one_tells_whose_devices_they_are(tmp_path: Path) -> None:
    path = broken(tmp_path, "middle")
    journal = Journal(path)
    journal.put_note("recorder", {"sources": [{"name": "demo"}]})
    journal.close()
    journals = opened_in(tmp_path)
    assert list(tmp_path.glob("live.db.broken-*"))
    assert journals.devices() == [DeviceState("gpu", "GPU-a")]
    assert journals.note("recorder") == {"sources": [{"name": "demo"}]}
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
