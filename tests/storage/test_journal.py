"""live.db by itself: what is appended is there for others at once, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from monitor.metrics import TABLES
from monitor.sources.base import DeviceState
from monitor.storage.journal import Journal
from tests.storage.made import GPU, PROCESS, START, seconds, tick
from tests.storage.test_buffer import rows_of

TICKS = seconds(0, 5)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens journals by name, and closes them in the end."""
    journals: list[Journal] = []

    def open_journal(name: str = "live.db", **options: bool) -> Journal:
        journals.append(Journal(tmp_path / name, **options))
        return journals[-1]

    yield open_journal
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Callable[..., Journal]) -> Journal:
    return opened()


def append(journal: Journal, times: range = TICKS) -> None:
    for time in times:
        journal.append(time, tick(time))


def expected(table: str, times: range = TICKS) -> list[tuple[int, dict[str, object]]]:
    return [(time, row) for time in times for row in tick(time)[table]]


@pytest.mark.parametrize("table", ["gpu", "process", "recorder"])
def test_rows_come_back_in_order_of_arrival(journal: Journal, table: str) -> None:
    append(journal, seconds(3, 5))
    append(journal, seconds(0, 3))
    rows, _ = journal.rows_after(TABLES[table], 0)
    assert rows == expected(table, seconds(3, 5)) + expected(table, seconds(0, 3))
    assert list(journal.iterate(TABLES[table])) == rows


def test_a_cursor_gives_each_row_once(journal: Journal) -> None:
    append(journal, seconds(0, 2))
    first, cursor = journal.rows_after(GPU, 0)
    assert journal.rows_after(GPU, cursor) == ([], cursor)
    append(journal, seconds(2, 5))
    rest, _ = journal.rows_after(GPU, cursor)
    assert first + rest == expected("gpu")


def test_an_empty_journal(journal: Journal) -> None:
    assert journal.rows_after(GPU, 0) == ([], 0)
    assert journal.last_rows(GPU) == ([], 0)
    assert journal.newest(GPU) == (0, 0)
    columns, cursor = journal.columns(GPU)
    assert (len(columns), cursor) == (0, 0)
    assert columns.cells.shape == (0, len(GPU.metrics))
    assert journal.devices() == []
    assert journal.note("recorder") == {}
    assert journal.is_sound()


@pytest.mark.parametrize("table", ["gpu", "process"])
def test_columns_are_the_rows(journal: Journal, table: str) -> None:
    append(journal)
    columns, cursor = journal.columns(TABLES[table])
    assert rows_of(columns) == expected(table)
    assert cursor == journal.newest(TABLES[table])[1]


def test_columns_of_more_rows_than_a_batch(journal: Journal) -> None:
    with journal.transaction():
        journal._db.executemany(
            "INSERT INTO process (time, device, pid, name) VALUES (?, ?, ?, ?)",
            [(n, f"GPU-{n % 3}", n, f"name {n % 5}" if n % 7 else None) for n in range(10_000)],
        )
    columns, cursor = journal.columns(PROCESS)
    assert cursor == len(columns) == 10_000
    assert columns["pid"].tolist() == list(range(10_000))
    devices = [columns.devices[code] for code in columns.device_codes]
    assert devices == [f"GPU-{n % 3}" for n in range(10_000)]
    names = [None if np.isnan(c) else columns.words["name"][int(c)] for c in columns["name"]]
    assert names == [f"name {n % 5}" if n % 7 else None for n in range(10_000)]


def test_columns_from_a_start_to_before_an_end(journal: Journal) -> None:
    append(journal)
    columns, cursor = journal.columns(GPU, TICKS[1], TICKS[3])
    assert rows_of(columns) == expected("gpu", seconds(1, 3))
    assert journal.rows_after(GPU, cursor)[0] == expected("gpu", seconds(3, 5))


def test_columns_up_to_a_cursor(journal: Journal) -> None:
    append(journal, seconds(0, 3))
    cursor = journal.newest(GPU)[1]
    append(journal, seconds(3, 5))
    assert rows_of(journal.columns(GPU, last=cursor)[0]) == expected("gpu", seconds(0, 3))


def test_the_last_rows_are_those_that_came_last(journal: Journal) -> None:
    append(journal)
    assert journal.last_rows(GPU)[0] == expected("gpu", seconds(4, 5))
    append(journal, seconds(-10, -9))  # the clock was set back
    rows, cursor = journal.last_rows(GPU)
    assert rows == expected("gpu", seconds(-10, -9))
    assert journal.rows_after(GPU, cursor)[0] == []
    assert journal.newest(GPU) == (TICKS[-1], cursor)


def test_delete_before_leaves_what_is_as_old_as_that(journal: Journal) -> None:
    append(journal)
    cursor = journal.newest(GPU)[1]
    journal.delete_before(GPU, TICKS[3])
    assert journal.rows_after(GPU, 0)[0] == expected("gpu", seconds(3, 5))
    assert journal.rows_after(PROCESS, 0)[0] == expected("process")
    append(journal, seconds(5, 6))
    assert journal.rows_after(GPU, cursor)[0] == expected("gpu", seconds(5, 6))


def test_devices_are_noted_one_by_one(journal: Journal) -> None:
    first = DeviceState("gpu", "GPU-a", facts={"index": 0, "name": "H100", "serial": None})
    second = DeviceState("gpu", "GPU-b", "late", "No answer for 2 s.")
    disk = DeviceState("disk", "GPU-a")
    journal.put_devices([first, second, disk])
    assert journal.devices() == [first, second, disk]
    lost = DeviceState("gpu", "GPU-a", "lost", "Gone.", {"index": 0})
    journal.put_devices([lost])
    assert {(d.table, d.device): d for d in journal.devices()} == {
        ("gpu", "GPU-a"): lost,
        ("gpu", "GPU-b"): second,
        ("disk", "GPU-a"): disk,
    }


def test_devices_that_are_gone_go_with_what_comes_in_their_place(
    journal: Journal, opened: Callable[..., Journal]
) -> None:
    named, disk = DeviceState("gpu", "GPU-a"), DeviceState("disk", "GPU 3")
    journal.put_devices([DeviceState("gpu", "GPU 3"), disk])
    reader = opened(readonly=True)
    with reader.snapshot():
        before = reader.devices()
        journal.put_devices([named], [("gpu", "GPU 3"), ("gpu", "never there")])
        assert reader.devices() == before
    assert reader.devices() == [disk, named]


def test_a_note_is_the_one_noted_last(journal: Journal) -> None:
    journal.put_note("recorder", {"pid": 1, "sources": [{"ok": True}]})
    journal.put_note("flushed", {"before": 5})
    journal.put_note("recorder", {"pid": 2})
    assert journal.note("recorder") == {"pid": 2}
    assert journal.note("flushed") == {"before": 5}


def test_take_adds_all_that_another_holds(journal: Journal, opened: Callable[..., Journal]) -> None:
    other = opened("other.db")
    append(journal, seconds(0, 2))
    journal.put_note("kept", {"by": "journal"})
    journal.put_devices([DeviceState("gpu", "GPU-a"), DeviceState("gpu", "GPU-b")])
    append(other, seconds(2, 5))
    other.put_note("recorder", {"pid": 3})
    other.put_devices([DeviceState("gpu", "GPU-b", "lost")])
    journal.take(other)
    for name in ("gpu", "process", "recorder"):
        assert journal.rows_after(TABLES[name], 0)[0] == expected(name)
    assert journal.note("kept") == {"by": "journal"}
    assert journal.note("recorder") == {"pid": 3}
    assert {d.device: d.status for d in journal.devices()} == {"GPU-a": "ok", "GPU-b": "lost"}


def test_a_take_that_fails_adds_nothing(journal: Journal, opened: Callable[..., Journal]) -> None:
    other = opened("other.db")
    append(other)
    other._db.execute("DROP TABLE notes")
    with pytest.raises(sqlite3.OperationalError, match="notes"):
        journal.take(other)
    assert journal.rows_after(GPU, 0) == ([], 0)


def test_a_tick_is_there_whole_or_not_at_all(journal: Journal) -> None:
    append(journal, seconds(0, 1))
    with pytest.raises(KeyError):
        journal.append(TICKS[1], {**tick(TICKS[1]), "unheard_of": [{"device": "x"}]})
    with pytest.raises(sqlite3.IntegrityError):
        journal.append(TICKS[1], {"gpu": [{"device": "GPU-a"}, {"device": None}]})
    assert journal.rows_after(GPU, 0)[0] == expected("gpu", seconds(0, 1))
    append(journal, seconds(1, 5))  # and the next transaction is none the worse
    assert journal.rows_after(GPU, 0)[0] == expected("gpu")


def test_a_snapshot_sees_one_moment(journal: Journal, opened: Callable[..., Journal]) -> None:
    append(journal, seconds(0, 2))
    reader = opened(readonly=True)
    with reader.snapshot():
        assert reader.newest(GPU)[0] == TICKS[1]
        append(journal, seconds(2, 5))
        assert reader.newest(GPU)[0] == TICKS[1]
    assert reader.newest(GPU)[0] == TICKS[4]


def test_the_version_changes_when_another_has_written(
    journal: Journal, opened: Callable[..., Journal]
) -> None:
    reader = opened(readonly=True)
    before = reader.version()
    assert reader.version() == before
    append(journal, seconds(0, 1))
    assert reader.version() != before


def test_a_reader_cannot_write(journal: Journal, opened: Callable[..., Journal]) -> None:
    append(journal)
    reader = opened(readonly=True)
    assert reader.rows_after(GPU, 0)[0] == expected("gpu")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        append(reader)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.put_note("recorder", {})


def test_a_reader_creates_no_file(tmp_path: Path, opened: Callable[..., Journal]) -> None:
    with pytest.raises(sqlite3.OperationalError):
        opened("missing.db", readonly=True)
    assert not list(tmp_path.iterdir())


def test_an_older_file_gains_the_columns_of_today(
    tmp_path: Path, opened: Callable[..., Journal]
) -> None:
    old = sqlite3.connect(tmp_path / "live.db")
    old.execute("CREATE TABLE gpu (time INTEGER NOT NULL, device TEXT NOT NULL, power_watts REAL)")
    old.execute("INSERT INTO gpu VALUES (?, 'GPU-a', 55.5)", (START - 1000,))
    old.commit()
    old.close()
    for _ in range(2):  # and a second opening finds nothing to do
        opened().close()
    journal = opened()
    append(journal)
    past = (START - 1000, {"device": "GPU-a", "power_watts": 55.5})
    assert journal.rows_after(GPU, 0)[0] == [past, *expected("gpu")]
    assert journal.rows_after(PROCESS, 0)[0] == expected("process")


def test_a_path_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "100% of #1?"
    folder.mkdir()
    journal = Journal(folder / "live.db")
    append(journal)
    journal.close()
    assert (folder / "live.db").stat().st_size


def test_a_torn_page_is_not_sound(tmp_path: Path, opened: Callable[..., Journal]) -> None:
    journal = opened()
    append(journal, seconds(0, 500))
    journal.checkpoint()
    assert journal.is_sound()
    journal.close()
    with (tmp_path / "live.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 20)
    broken = opened(readonly=True)
    try:
        sound = broken.is_sound()
    except sqlite3.DatabaseError:
        sound = False
    assert not sound
