"""A reader of files that are replaced, merged and deleted under its hands."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.storage import history as module
from monitor.storage.history import History, Opened
from monitor.storage.parquet import PeriodFiles
from monitor.storage.retention import merge_days
from monitor.storage.tiers import parse_tiers
from tests.storage.hours import EVER, WATTS, watts, write
from tests.storage.made import GPU, HOUR, RAW, START

# --- a file that changes --------------------------------------------------------------------


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_read_anew(files, history) -> None:
    path = write(files, 0, 10)
    stamp = os.stat(path)
    assert watts(history)[0] == 0
    with open(path, "rb") as held:  # its inode is not given to the next one
        write(files, 10, 20)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        now = os.stat(path)
        assert (now.st_size, now.st_mtime_ns) == (stamp.st_size, stamp.st_mtime_ns)
        (file,) = history.open(GPU, RAW, *EVER)
        assert file.last == START + 19_000
        assert watts(history)[0] == 10
        assert held.read(4) == b"PAR1"


def test_an_opened_file_stays_what_it_was(files, history) -> None:
    path = write(files, 0, 10)
    (file,) = history.open(GPU, RAW, *EVER)
    write(files, 0, 20, base=64.0)
    os.unlink(path)
    assert file.read([0], WATTS).num_rows == 20
    assert file.last == START + 9000
    assert watts(history) == []


def test_a_footer_is_read_once_for_as_long_as_its_file_stands(files, history, monkeypatch) -> None:
    write(files, 0, 10)
    read = []
    groups = module._groups
    monkeypatch.setattr(module, "_groups", lambda file: read.append(1) or groups(file))
    for _ in range(3):
        watts(history)
    assert len(read) == 1
    write(files, 0, 11)
    watts(history)
    assert len(read) == 2


def test_footers_that_were_not_used_for_longest_are_forgotten(files, history, monkeypatch) -> None:
    monkeypatch.setattr(module, "_FOOTERS", 2)
    paths = [write(files, 3600 * hour, 3600 * hour + 2) for hour in range(3)]
    for hour in (0, 1, 0, 2):
        watts(history, START + HOUR * hour, START + HOUR * (hour + 1))
    assert list(history._footers) == [paths[0], paths[2]]


# --- between the look at the folder and the last file ------------------------------------------


class Interrupted(History):
    """A reader that is held up once, before or after it opens its file number `at`."""

    def __init__(
        self, folder: Path, at: int, meanwhile: Callable[[], object], *, after: bool = False
    ) -> None:
        super().__init__(str(folder), "node1")
        self._left = at
        self._meanwhile = meanwhile
        self._after = after

    def _open(self, path: str) -> Opened | None:
        self._left -= 1
        if self._left == -1 and not self._after:
            self._meanwhile()
        opened = super()._open(path)
        if self._left == -1 and self._after:
            self._meanwhile()
        return opened


def merge(files: PeriodFiles, *, killed: bool = False) -> None:
    hours = {path: Path(path).read_bytes() for path in files.periods(GPU, RAW).values()}
    merge_days(files, parse_tiers("1s:3d"), START + 48 * HOUR)
    for path, content in hours.items() if killed else ():
        Path(path).write_bytes(content)


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("after", [False, True])
def test_a_merge_while_files_are_opened_shows_each_row_once(tmp_path, files, at, after) -> None:
    for hour in range(3):
        write(files, 3600 * hour, 3600 * hour + 10)
    expected = watts(History(str(tmp_path), "node1"))
    assert watts(Interrupted(tmp_path, at, lambda: merge(files), after=after)) == expected


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("after", [False, True])
def test_half_a_merge_while_files_are_opened_shows_each_row_once(
    tmp_path, files, at, after
) -> None:
    for hour in range(3):
        write(files, 3600 * hour, 3600 * hour + 10)
    expected = watts(History(str(tmp_path), "node1"))
    reader = Interrupted(tmp_path, at, lambda: merge(files, killed=True), after=after)
    assert len(reader.open(GPU, RAW, *EVER)) == 1
    assert watts(reader) == expected


@pytest.mark.parametrize("after", [False, True])
def test_an_hour_that_is_closed_while_files_are_opened_is_whole(tmp_path, files, after) -> None:
    """The closing flush adds the hour's last minute, then begins the next hour."""
    for hour in range(2):
        write(files, 3600 * hour, 3600 * hour + 10)

    def flush() -> None:
        write(files, 3600, 3620)
        write(files, 7200, 7205)

    expected = [*range(10), *range(3600, 3620), *range(7200, 7205)]
    assert watts(Interrupted(tmp_path, 1, flush, after=after)) == expected


def test_an_hour_that_is_pruned_while_files_are_opened_takes_no_other_with_it(
    tmp_path, files
) -> None:
    paths = [write(files, 3600 * hour, 3600 * hour + 10) for hour in range(3)]
    reader = Interrupted(tmp_path, 0, lambda: os.unlink(paths[0]))
    assert watts(reader) == [*range(3600, 3610), *range(7200, 7210)]
    reader = Interrupted(tmp_path, 0, lambda: os.unlink(paths[1]))
    assert reader.first(GPU, RAW) == START + 2 * HOUR


def test_the_first_row_is_the_same_while_its_day_is_merged(tmp_path, files) -> None:
    for hour in range(3):
        write(files, 3600 * hour, 3600 * hour + 10)
    assert Interrupted(tmp_path, 0, lambda: merge(files)).first(GPU, RAW) == START


def test_a_file_replaced_while_it_is_opened_is_read_with_its_own_footer(tmp_path, files) -> None:
    write(files, 0, 10)

    class Replaced(History):
        asked = 0

        def _identity(self, path: str) -> tuple[object, ...]:
            found = super()._identity(path)
            self.asked += 1
            if self.asked == 1:  # after the look, before the file is opened
                write(files, 0, 500)
            return found

    reader = Replaced(str(tmp_path), "node1")
    assert len(watts(reader)) == 500
    write(files, 0, 600)
    assert len(watts(reader)) == 600
