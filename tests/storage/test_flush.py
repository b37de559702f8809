"""From memory to six tiers: through kills, restarts, a clock set back, and disks that fail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import TABLES, Table
from monitor.storage.flush import Flusher
from monitor.storage.parquet import PeriodFiles
from monitor.storage.store import Store
from monitor.storage.tiers import Tier, parse_tiers
from tests.storage.made import (
    FEW,
    GPU,
    HOUR,
    RAW,
    ROLLED,
    START,
    TIERS,
    FailingFiles,
    Killed,
    KilledFiles,
    StillClock,
    add,
    assert_complete,
    assert_same_rows,
    files_in,
    plain_aggregate,
    seconds,
    store_in,
    stored,
    tick,
)

TEN_SECONDS, ONE_MINUTE, ONE_HOUR = ROLLED[0], ROLLED[1], ROLLED[-1]


def rows_in_memory(flusher: Flusher) -> int:
    return sum(len(buffer) for buffer in flusher.buffers.values())


# --- the usual course ---------------------------------------------------------------------------


def test_an_open_hour_has_its_raw_rows_and_the_buckets_that_are_closed(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 75))
    assert flusher.flush(START + 75_000) == START
    raw = stored(files, GPU, RAW)
    assert len(raw) == 2 * 75
    for tier, closed in ((TEN_SECONDS, 70), (ONE_MINUTE, 60)):
        before = raw[raw["time"].astype("int64") < START + 1000 * closed]
        assert_same_rows(stored(files, GPU, tier), plain_aggregate(before, GPU, tier.seconds), GPU)
    assert stored(files, GPU, ONE_HOUR).empty


def test_a_bucket_is_closed_by_a_later_tick_not_by_the_clock(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 10))
    flusher.flush(START + 30_000)
    assert stored(files, GPU, TEN_SECONDS).empty
    add(flusher, seconds(10, 11))
    flusher.flush(START + 30_000)
    assert stored(files, GPU, TEN_SECONDS)["samples"].tolist() == [10, 10]


def test_an_hour_that_is_over_is_complete_and_leaves_memory(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    for minute in range(0, 70, 5):
        add(flusher, seconds(60 * minute, 60 * minute + 300, 10))
        flusher.flush(START + 60_000 * (minute + 5))
    assert min(flusher.buffers["gpu"].columns().times) == START + HOUR
    assert flusher.flush(START + 2 * HOUR + 5000) == START + 2 * HOUR
    assert rows_in_memory(flusher) == 0
    assert_complete(files, seconds(0, 4200, 10))


def test_the_last_hour_closes_without_another_tick(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 100))
    flusher.flush(START + 100_000)
    flusher.flush(START + HOUR + 5000)
    assert_complete(files, seconds(0, 100))


def test_a_tick_that_arrives_after_its_hour_was_closed_is_not_lost(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3599, 60))
    flusher.flush(START + HOUR + 5000)
    add(flusher, seconds(3599, 3600))
    flusher.flush(START + HOUR + 65_000)
    assert_complete(files, [*seconds(0, 3599, 60), *seconds(3599, 3600)])


def test_a_closed_hour_is_not_written_again(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 100))
    flusher.flush(START + HOUR + 5000)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")}
    add(flusher, seconds(3600, 3700))
    flusher.flush(START + HOUR + 200_000)
    after = {path: path.stat().st_ino for path in before}
    hours_and_raw = [path for path in before if "tier=1s" in str(path) or "tier=10s" in str(path)]
    assert hours_and_raw
    assert {p: after[p] for p in hours_and_raw} == {p: before[p] for p in hours_and_raw}


# --- restarts and kills -------------------------------------------------------------------------


@pytest.mark.parametrize("second", [5, 10, 59, 60, 61, 305, 901])
def test_a_restart_in_mid_bucket_changes_no_roll_up(second: int, tmp_path: Path) -> None:
    clock = StillClock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, second))
    clock.ms = START + 1000 * second
    store.flush()
    store.close()
    clock.ms += 3000
    store = store_in(tmp_path, clock)
    store.recover()
    add(store, seconds(second + 3, 1000))
    clock.ms = START + HOUR + 5000
    store.flush()
    store.close()
    assert_complete(files_in(tmp_path / "data"), [*seconds(0, second), *seconds(second + 3, 1000)])


TIMES = [*seconds(2400, 5400, 60)]
END = START + 3 * HOUR


def record(store: Store, clock: StillClock, times: Iterable[int]) -> None:
    """Take up what is left, then record, and flush each ten minutes."""
    store.recover()
    for time in times:
        clock.ms = time
        store.add(time, tick(time))
        if time % 600_000 == 0:
            store.flush()


def test_a_kill_between_any_two_steps_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    survived, step = False, 0
    while not survived:
        folder, clock = tmp_path / str(step), StillClock(TIMES[0])
        store = store_in(folder, clock, KilledFiles, FEW)
        assert isinstance(store._files, KilledFiles)
        store._files.left = step
        try:
            record(store, clock, TIMES)
            clock.ms = END
            store.flush()
            survived = True
        except Killed:
            pass
        store.close()
        rest = [] if survived else [time for time in TIMES if time > clock.ms]
        store = store_in(folder, clock, PeriodFiles, FEW)
        record(store, clock, rest)
        clock.ms = END
        store.flush()
        store.close()
        assert_complete(files_in(folder / "data"), TIMES, parse_tiers(FEW)[1:])
        step += 7  # has no rhythm with tables, tiers and the two steps of a write
    assert step > 70


@given(
    lives=st.lists(
        st.tuples(st.sets(st.integers(0, 239), max_size=25), st.booleans()), min_size=1, max_size=4
    )
)
@settings(max_examples=8, deadline=None)
def test_any_lives_of_recorders_add_up(
    lives: list[tuple[set[int], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each records some half minutes of two hours, and ends with a flush or without one."""
    folder, clock = tmp_path_factory.mktemp("lives"), StillClock()
    recorded: list[int] = []
    for offsets, flushed in lives:
        newest = recorded[-1] if recorded else 0
        times = [t for n in sorted(offsets) if (t := START + 30_000 * n) > newest]
        store = store_in(folder, clock, PeriodFiles, FEW)
        record(store, clock, times)
        recorded += times
        if flushed:
            store.flush()
        store.close()
    clock.ms = END
    store = store_in(folder, clock, PeriodFiles, FEW)
    record(store, clock, [])
    store.close()
    if recorded:
        assert_complete(files_in(folder / "data"), recorded, parse_tiers(FEW)[1:])


def test_recovering_twice_is_recovering_once(tmp_path: Path) -> None:
    clock = StillClock()
    add(store_in(tmp_path, clock), seconds(0, 100))
    for _ in range(2):
        store = store_in(tmp_path, clock)
        store.recover()
        store.close()
    clock.ms = START + HOUR + 5000
    store = store_in(tmp_path, clock)
    store.recover()
    store.flush()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 100))


def test_ticks_taken_while_the_past_is_recovered_stand_once(tmp_path: Path) -> None:
    """The recorder samples from its first second on; `recover` runs beside it."""
    clock = StillClock()
    add(store_in(tmp_path, clock), seconds(0, 100))
    store = store_in(tmp_path, clock)
    add(store, seconds(100, 110))
    store.recover()
    clock.ms = START + HOUR + 5000
    store.flush()
    assert_complete(files_in(tmp_path / "data"), seconds(0, 110))


# --- the clock set back -------------------------------------------------------------------------


def test_a_clock_set_back_into_a_closed_hour_fills_its_gaps(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3600, 60))
    add(flusher, seconds(3600, 4000, 20))
    flusher.flush(START + 4_000_000)
    assert not flusher.covers(START + 30_000)
    assert flusher.covers(START + 60_000)
    add(flusher, seconds(30, 1830, 60))
    flusher.flush(START + 1_830_000)
    flusher.flush(END)
    assert_complete(
        files, [*seconds(0, 3600, 60), *seconds(3600, 4000, 20), *seconds(30, 1830, 60)]
    )


def test_a_clock_set_back_within_the_open_hour_reaches_every_tier(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(1800, 1900))
    flusher.flush(START + 1_900_000)
    add(flusher, seconds(600, 700))
    flusher.flush(START + 700_000)
    flusher.flush(END)
    assert_complete(files, [*seconds(600, 700), *seconds(1800, 1900)])


def test_a_tick_that_comes_while_its_hour_is_being_closed_is_kept(tmp_path: Path) -> None:
    """A clock that was ahead makes every hour look over, also the one being recorded."""

    class Interrupted(PeriodFiles):
        during: list[int] = []  # noqa: RUF012

        def write(self, path: str, rows: object, **options: bool) -> None:
            super().write(path, rows, **options)
            while self.during:
                time = self.during.pop()
                flusher.add(time, tick(time))

    files = files_in(tmp_path, Interrupted)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(7200, 7201))
    flusher.flush(START + 7_200_000)
    add(flusher, seconds(0, 10))
    Interrupted.during = [START + 10_000]
    flusher.flush(START + 10_500)
    flusher.flush(END + HOUR)
    assert_complete(files, [*seconds(0, 11), *seconds(7200, 7201)])


def test_hours_passed_on_the_way_back_to_the_present_leave_memory(tmp_path: Path) -> None:
    """Set back a day, the sampler asks about every tick of that day, and records none."""
    flusher = Flusher(files_in(tmp_path), TIERS)
    for hour in range(5):
        add(flusher, seconds(3600 * hour, 3600 * hour + 3600, 60))
    flusher.flush(START + 5 * HOUR + 5000)
    for hour in range(5):
        now = START + hour * HOUR + 60_000
        assert flusher.covers(now)
        flusher.flush(now)
    flusher.flush(START + 5 * HOUR + 5000)
    assert rows_in_memory(flusher) == 0


def test_history_whose_raw_rows_are_gone_is_not_replaced_by_less(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3600))
    flusher.flush(START + HOUR + 5000)
    before = {tier.name: stored(files, GPU, tier) for tier in ROLLED}
    for path in tmp_path.rglob("tier=1s/*/*.parquet"):
        path.unlink()  # pruned: past the raw tier's age
    add(flusher, seconds(655, 660))
    flusher.flush(START + 660_000)
    flusher.flush(END)
    for tier in ROLLED:
        after = stored(files, GPU, tier)
        assert after["samples"].tolist() == before[tier.name]["samples"].tolist(), tier.name


# --- disks that fail ----------------------------------------------------------------------------


def test_a_full_disk_is_said_and_made_up_for(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 100))
    files.fails = lambda path: True
    assert flusher.flush(START + 100_000) == START
    assert "No space left on device" in flusher.trouble.values()
    add(flusher, seconds(100, 4000, 10))
    assert flusher.flush(START + 4_000_000) == START
    files.fails = lambda path: False
    assert flusher.flush(START + 4_060_000) == START + HOUR
    assert flusher.trouble == {}
    flusher.flush(END)
    assert_complete(files, [*seconds(0, 100), *seconds(100, 4000, 10)])


def test_a_disk_that_fills_between_two_tiers_leaves_no_tier_behind(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 1000))
    for full in ("tier=1s", "tier=10s", "tier=1m", "tier=5m", "tier=15m"):
        files.fails = lambda path, full=full: full in path
        flusher.flush(START + 1_000_000)
    files.fails = lambda path: False
    flusher.flush(END)
    assert_complete(files, seconds(0, 1000))


def test_one_tables_unreadable_folder_costs_that_table(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    flusher = Flusher(files, TIERS)
    files.error = PermissionError(13, "Permission denied")
    files.fails = lambda path: "/process/" in path
    add(flusher, seconds(0, 100))
    flusher.flush(START + 100_000)
    assert flusher.trouble == {"process": "Permission denied"}
    assert len(stored(files, GPU, RAW)) == 200


def test_what_cannot_be_read_does_not_stop_the_sampler(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    flusher = Flusher(files, TIERS)
    files.error = PermissionError(13, "Permission denied")
    files.fails = lambda path: True
    assert flusher.covers(START) is False


def test_a_disk_full_for_hours_does_not_fill_memory(tmp_path: Path) -> None:
    files = files_in(tmp_path, FailingFiles)
    flusher = Flusher(files, TIERS)
    files.fails = lambda path: True
    for hour in range(8):
        add(flusher, seconds(3600 * hour, 3600 * hour + 3600, 60))
        flusher.flush(START + (hour + 1) * HOUR)
    assert len(flusher.buffers["gpu"]) <= 3 * 2 * 60


def test_an_hour_is_not_let_go_before_its_files_names_are_on_the_disk(tmp_path: Path) -> None:
    class Unsettled(PeriodFiles):
        fails = True

        def settle(self, table: Table, tier: Tier) -> None:
            if self.fails and (table.name, tier.name) == ("gpu", "1h"):
                raise OSError(5, "Input/output error")
            super().settle(table, tier)

    files = files_in(tmp_path, Unsettled)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3600, 60))
    assert flusher.flush(START + HOUR + 5000) == START
    assert flusher.trouble == {"gpu": "Input/output error"}
    files.fails = False
    assert flusher.flush(START + HOUR + 65_000) == START + HOUR
    assert flusher.trouble == {}
    assert_complete(files, seconds(0, 3600, 60))


def test_all_names_of_an_hour_reach_the_disk_after_its_last_file(tmp_path: Path) -> None:
    class Ordered(PeriodFiles):
        steps: list[str] = []  # noqa: RUF012

        def write(self, path: str, rows: object, **options: bool) -> None:
            self.steps.append(f"write {Path(path).parent}")
            super().write(path, rows, **options)

        def settle(self, table: Table, tier: Tier) -> None:
            self.steps.append(f"settle {self.folder(table, tier)}")
            super().settle(table, tier)

    files = files_in(tmp_path, Ordered)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3600, 60))
    flusher.flush(START + HOUR - 1)
    assert not any(step.startswith("settle") for step in files.steps)
    flusher.flush(START + HOUR + 5000)
    written = {step.split()[1] for step in files.steps if step.startswith("write")}
    last = max(at for at, step in enumerate(files.steps) if step.startswith("write"))
    assert written <= {step.split()[1] for step in files.steps[last + 1 :]}


# --- a merged day -------------------------------------------------------------------------------


def test_a_clock_set_back_into_a_merged_day_adds_to_the_days_file(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    flusher = Flusher(files, TIERS)
    add(flusher, seconds(0, 3600, 60))
    flusher.flush(START + HOUR + 5000)
    for table in map(TABLES.get, ("gpu", "process", "recorder")):
        for tier in (RAW, TEN_SECONDS):
            hour = files.path(table, tier, tier.period_of(START))
            Path(hour).rename(Path(hour).with_name("2026-11-24.parquet"))
    assert flusher.covers(START + 60_000)
    add(flusher, seconds(30, 3600, 60))
    flusher.flush(END)
    assert set(files.periods(GPU, RAW)) == {"2026-11-24"}
    assert_complete(files, seconds(0, 3600, 30))
