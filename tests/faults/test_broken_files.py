"""Files that were damaged: moved aside under a name that says when, and the rest goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.faults.recorders import (
    newest_in_live_db,
    parquet_files,
    recording,
    rows_in_parquet,
    ticks_in_live_db,
    wait_for,
)

OPTIONS = ("--gpu-source", "demo", "--interval", "0.1", "--flush-interval", "0.3")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A data folder in which a recorder was at work."""
    with recording(tmp_path, *OPTIONS) as recorder:
        wait_for(lambda: len(ticks_in_live_db(tmp_path)) > 10)
        assert recorder.stop() == 0
    return tmp_path


def test_a_truncated_parquet_file_is_moved_aside_and_written_anew(recorded: Path) -> None:
    file = parquet_files(recorded, "gpu", "1s")[0]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    log = recorded / "log"
    with recording(recorded, *OPTIONS, log=log) as recorder:
        wait_for(lambda: list(file.parent.glob("*.broken-*")))
        assert recorder.stop() == 0
    # live.db still had the rows, so the file is whole again.
    times = {tick for tick, _ in rows_in_parquet(recorded, "gpu")}
    assert set(ticks_in_live_db(recorded)) <= times
    assert log.read_text().count("cannot be read") == 1
    assert list(file.parent.glob("*.broken-2*"))


def test_a_corrupt_live_db_is_moved_aside_and_what_can_be_read_is_kept(recorded: Path) -> None:
    database = recorded / "live.db"
    before = ticks_in_live_db(recorded)
    sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = bytearray(database.read_bytes())
    content[-3 * 4096 : -2 * 4096] = b"\xff" * 4096
    database.write_bytes(content)
    log = recorded / "log"
    with recording(recorded, *OPTIONS, log=log) as recorder:
        wait_for(lambda: newest_in_live_db(recorded) > before[-1])
        assert recorder.stop() == 0
    assert [
        path
        for path in recorded.glob("live.db.broken-2*")
        if not path.name.endswith(("wal", "shm"))
    ]
    assert log.read_text().count("is broken") == 1
    # They were flushed before, so not one is missing from the history.
    times = {tick for tick, _ in rows_in_parquet(recorded, "gpu")}
    assert set(before) <= times


def test_something_that_is_no_database_is_moved_aside(recorded: Path) -> None:
    for file in recorded.glob("live.db*"):
        file.unlink()
    (recorded / "live.db").write_bytes(b"This is not a database, but long enough to look at." * 100)
    with recording(recorded, *OPTIONS) as recorder:
        wait_for(lambda: ticks_in_live_db(recorded))
        assert recorder.stop() == 0
    assert list(recorded.glob("live.db.broken-*"))


def test_a_table_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "gpu").write_text("a file where a folder belongs")
    log = tmp_path / "log"
    with recording(tmp_path, *OPTIONS, log=log) as recorder:
        wait_for(lambda: parquet_files(tmp_path, "host"))
        (tmp_path / "gpu").unlink()
        wait_for(lambda: parquet_files(tmp_path, "gpu"))
        assert recorder.stop() == 0
    text = log.read_text()
    assert text.count("History cannot be saved") == 1
    assert text.count("History is saved") == 1
    gpu = {tick for tick, _ in rows_in_parquet(tmp_path, "gpu")}
    host = {tick for tick, _ in rows_in_parquet(tmp_path, "host")}
    assert gpu == host
