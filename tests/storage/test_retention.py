"""What goes, to the millisecond; and a day merged through kills at every step."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.storage.flush import Flusher
from monitor.storage.parquet import PeriodFiles
from monitor.storage.retention import merge_days, prune
from monitor.storage.schema import raw_schema
from monitor.storage.tiers import Tier, bounds, parse_tiers
from tests.storage.made import (
    GPU,
    HOUR,
    RAW,
    START,
    TIERS,
    FailingFiles,
    Killed,
    KilledFiles,
    add,
    files_in,
    seconds,
    stored,
)

DAY = 24 * HOUR
MIDNIGHT = START // DAY * DAY
LONG = parse_tiers("1s:14d,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y")


def made(files: PeriodFiles, tier: Tier, *periods: str) -> list[Path]:
    """Files that nobody could open."""
    paths = [Path(f"{files.folder(GPU, tier)}/{period}.parquet") for period in periods]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not to be opened")
    return paths


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_a_file_goes_when_its_last_row_is_past_the_tiers_age_and_not_before(
    tier: Tier, tmp_path: Path
) -> None:
    files = files_in(tmp_path)
    (path,) = made(files, tier, tier.period_of(START))
    end = bounds(tier.period_of(START))[1] + 1000 * tier.keep_seconds
    assert prune(files, TIERS, end - 1) == 0
    assert path.read_bytes() == b"not to be opened"
    assert prune(files, TIERS, end) == 1
    assert not path.exists()


def test_a_merged_day_goes_with_its_last_hour(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    (path,) = made(files, RAW, "2026-11-24")
    end = MIDNIGHT + DAY + 1000 * RAW.keep_seconds
    prune(files, TIERS, end - 1)
    assert path.exists()
    prune(files, TIERS, end)
    assert not path.exists()


@pytest.mark.parametrize(
    "name",
    [
        "2026-11-24T10.parquet.bak",
        "2026-11-24T10.parquet.broken-20261124T100000Z",
        "2026-11-24T10.parquet.99.writing",
        "2026-11-24T10 (copy).parquet",
        "mine.parquet",
        "2026-11-24T10",
        "README.md",
    ],
)
def test_only_complete_names_of_ours_go(name: str, tmp_path: Path) -> None:
    files = files_in(tmp_path)
    (ours,) = made(files, RAW, "2026-11-24T10")
    other = ours.with_name(name)
    other.write_bytes(b"")
    prune(files, TIERS, MIDNIGHT + 4000 * DAY)
    assert other.exists()
    assert not ours.exists()


def test_other_hosts_and_other_folders_stay(tmp_path: Path) -> None:
    ours, theirs = files_in(tmp_path), PeriodFiles(str(tmp_path), "node2", lambda: 0)
    (other,) = made(theirs, RAW, "2026-11-24T10")
    (unknown,) = made(ours, Tier("2s", 2, 60, "hour"), "2026-11-24T10")
    prune(ours, TIERS, MIDNIGHT + 4000 * DAY)
    assert other.exists()
    assert unknown.exists()


def test_a_folder_that_cannot_be_read_does_not_keep_the_others_full(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    files.error = PermissionError(13, "Permission denied")
    (last,) = made(files, TIERS[-1], "2020-01")
    files.fails = lambda path: "tier=1s" in path
    prune(files, TIERS, MIDNIGHT)
    assert not last.exists()


# --- merged days --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours of a day and of the next, of two GPUs, raw."""
    folder = tmp_path_factory.mktemp("days")
    flusher = Flusher(files_in(folder), LONG[:1])
    for hour in (0, 1, 22, 23, 24):
        add(flusher, seconds(3600 * hour, 3600 * hour + 3600, 300, MIDNIGHT))
    flusher.flush(MIDNIGHT + 30 * HOUR)
    return folder


@pytest.fixture
def folder(two_days: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two_days, tmp_path / "data")


def sorted_rows(files: PeriodFiles) -> pd.DataFrame:
    rows = stored(files, GPU, RAW).astype({"host": str, "device": str})
    return rows.sort_values(["time", "device"], ignore_index=True)


OVER = MIDNIGHT + DAY + HOUR


def test_a_closed_day_becomes_one_file_with_the_same_rows(folder: Path) -> None:
    files = files_in(folder)
    before = sorted_rows(files)
    assert merge_days(files, LONG, OVER) == 3  # gpu, process, recorder
    assert list(files.periods(GPU, RAW)) == ["2026-11-24", "2026-11-25T00"]
    pd.testing.assert_frame_equal(sorted_rows(files), before)
    day = pd.read_parquet(files.path(GPU, RAW, "2026-11-24T22"), partitioning=None)
    devices = day["device"].astype(str).tolist()
    assert devices == sorted(devices)
    assert day.groupby("device", observed=True)["time"].is_monotonic_increasing.all()
    assert merge_days(files, LONG, OVER) == 0


@pytest.mark.parametrize(
    ("now", "tiers"),
    [(MIDNIGHT + DAY - 1, LONG), (MIDNIGHT + DAY + 1000, LONG), (OVER, TIERS)],
    ids=["the day is not over", "its last hour may not be flushed", "kept for an hour"],
)
def test_a_day_stays_in_hours(now: int, tiers: tuple[Tier, ...], folder: Path) -> None:
    files = files_in(folder)
    assert merge_days(files, tiers, now) == 0
    assert len(files.periods(GPU, RAW)) == 5


def test_a_kill_at_any_step_of_a_merge_loses_nothing(two_days: Path, tmp_path: Path) -> None:
    survived, step = False, 0
    while not survived:
        folder = shutil.copytree(two_days, tmp_path / str(step))
        before = sorted_rows(files_in(folder))
        files = files_in(folder, KilledFiles)
        files.left = step
        try:
            merge_days(files, LONG, OVER)
            survived = True
        except Killed:
            pass
        pd.testing.assert_frame_equal(sorted_rows(files_in(folder)), before)
        merge_days(files_in(folder), LONG, OVER)
        assert list(files_in(folder).periods(GPU, RAW)) == ["2026-11-24", "2026-11-25T00"]
        pd.testing.assert_frame_equal(sorted_rows(files_in(folder)), before)
        step += 1
    assert step > 10


def test_a_broken_hour_is_moved_aside_and_the_rest_of_its_day_merged(folder: Path) -> None:
    files = files_in(folder)
    path = Path(files.path(GPU, RAW, "2026-11-24T01"))
    path.write_bytes(path.read_bytes()[:-20])
    merge_days(files, LONG, OVER)
    assert list(files.periods(GPU, RAW)) == ["2026-11-24", "2026-11-25T00"]
    hours = stored(files, GPU, RAW)["time"].dt.floor("h").astype("int64").unique()
    assert sorted((hours - MIDNIGHT) // HOUR) == [0, 22, 23, 24]


def test_a_disk_that_is_full_keeps_the_hours(folder: Path) -> None:
    files = files_in(folder, FailingFiles)
    before = sorted_rows(files)
    files.fails = lambda path: path.endswith("2026-11-24.parquet")
    merge_days(files, LONG, OVER)
    pd.testing.assert_frame_equal(sorted_rows(files), before)
    assert len(files.periods(GPU, RAW)) == 5


def test_hours_of_different_ages_of_the_catalogue_are_merged(folder: Path) -> None:
    files = files_in(folder)
    path = files.path(GPU, RAW, "2026-11-24T01")
    files.write(path, pq.read_table(path, partitioning=None).drop_columns(["xid_count"]))
    merge_days(files, LONG, OVER)
    day = stored(files, GPU, RAW)
    second_hour = day["time"].astype("int64") // HOUR * HOUR == MIDNIGHT + HOUR
    first_gpu = day["device"].astype(str) == "GPU-a"
    assert day.loc[second_hour, "xid_count"].isna().all()
    assert day.loc[~second_hour & first_gpu, "xid_count"].notna().all()


class WatchedFiles(PeriodFiles):
    """Files that note the devices of each row group of a merge, as it comes."""

    seen: list[list[str]]

    def write_groups(self, path: str, groups: Iterable[pa.Table], some: pa.Table) -> None:
        def watched() -> Iterator[pa.Table]:
            for group in groups:
                self.seen.append(group.column("device").unique().to_pylist())
                yield group

        super().write_groups(path, watched(), some)


_WIDE = len(raw_schema(GPU))


@pytest.mark.parametrize(
    ("cells", "groups"),
    [
        (1_000_000, [["GPU-a", "GPU-b"]]),
        # A device's four hours have 48 rows.
        (48 * _WIDE, [["GPU-a"], ["GPU-b"]]),
        (24 * _WIDE, [["GPU-a"]] * 2 + [["GPU-b"]] * 2),
        (1, [["GPU-a"]] * 4 + [["GPU-b"]] * 4),
    ],
    ids=["a table at once", "a device at once", "half a day at once", "an hour at once"],
)
def test_a_merge_holds_no_more_than_it_may(
    cells: int, groups: list[list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.storage.retention._CELLS_AT_ONCE", cells)
    before = sorted_rows(files_in(folder))
    files = files_in(folder, WatchedFiles)
    files.seen = []
    merge_days(files, LONG, OVER)
    assert files.seen[: len(groups)] == groups
    pd.testing.assert_frame_equal(sorted_rows(files_in(folder)), before)
    day = pd.read_parquet(files.path(GPU, RAW, "2026-11-24"), partitioning=None)
    keys = day[["device", "time"]].astype({"device": str})
    pd.testing.assert_frame_equal(keys, keys.sort_values(["device", "time"], ignore_index=True))


def test_an_hour_that_breaks_while_its_day_is_merged_costs_no_other(folder: Path) -> None:
    class Breaking(PeriodFiles):
        def write_groups(self, path: str, groups: Iterable[pa.Table], some: pa.Table) -> None:
            hour = Path(self.path(GPU, RAW, "2026-11-24T22"))
            if "/gpu/" in path:
                hour.write_bytes(b"")
            super().write_groups(path, groups, some)

    files = files_in(folder, Breaking)
    merge_days(files, LONG, OVER)
    hours = ["2026-11-24T00", "2026-11-24T01", "2026-11-24T23", "2026-11-25T00"]
    assert list(files.periods(GPU, RAW)) == hours
    merge_days(files_in(folder), LONG, OVER)
    assert list(files.periods(GPU, RAW)) == ["2026-11-24", "2026-11-25T00"]


def test_a_merge_needs_no_pandas(folder: Path) -> None:
    """A recorder has none: it costs 35 MB."""
    code = (
        "import sys; from monitor.storage.parquet import PeriodFiles;"
        "from monitor.storage.retention import merge_days;"
        "from monitor.storage.tiers import parse_tiers;"
        f"files = PeriodFiles({str(folder)!r}, 'node1', lambda: 0);"
        f"print(merge_days(files, parse_tiers('1s:14d'), {OVER}), 'pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["3", "False"]
