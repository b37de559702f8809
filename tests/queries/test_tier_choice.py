"""Which tier answers, and how far it is rolled up: the finest that has the span and fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.queries.archive import Archive
from monitor.queries.live_rows import LiveRows
from monitor.queries.steps import fitting_step
from monitor.settings import DEFAULT_TIERS
from monitor.storage.buffer import Buffer
from monitor.storage.history import History
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from monitor.storage.tiers import parse_tiers
from tests.queries.recorded import GPU, Recording, answered
from tests.storage.made import HOUR, START, files_in

TIERS = {tier.name: tier for tier in parse_tiers(DEFAULT_TIERS)}
DAY = 24 * HOUR
NOW = START
Spans = dict[str, Sequence[tuple[int, int]]]


def kept(folder: Path, spans: Spans, interval: int = 1000, tiers: str = DEFAULT_TIERS) -> Archive:
    """An archive of files alone: spans (ms before NOW) that each tier has rows of."""
    files = files_in(folder)
    for name, of_tier in spans.items():
        tier = TIERS[name]
        rows = Buffer(GPU)
        for begin, end in of_tier:
            # The ends, and one in each file between: a file says when it begins.
            bucket = tier.seconds * 1000
            times = [*range(NOW - begin, NOW - end, max(HOUR // 2, bucket)), NOW - end - bucket]
            for time in times:
                rows.append(time // bucket * bucket, [{"device": "d", "power_watts": 1.0}])
        found = rows.columns()
        for period in sorted({tier.period_of(time) for time in found.times.tolist()}):
            mine = [at for at, time in enumerate(found.times) if tier.period_of(time) == period]
            part = found.take(mine)
            made = to_arrow(part, "node1") if tier.raw else roll_up(part, tier.seconds, "node1")
            files.write(files.path(GPU, tier, period), made)
    return Archive(History(str(folder), "node1"), LiveRows([]), parse_tiers(tiers), interval)


def chosen(archive: Archive, ago: int, most: int | None, until: int = 0) -> str:
    return archive.tier_for(GPU, NOW - ago, NOW - until, most).name


EVERYWHERE: Spans = {
    "1s": [(HOUR, 0)],
    "10s": [(6 * HOUR, 0)],
    "1m": [(DAY, 0)],
    "5m": [(7 * DAY, 0)],
    "15m": [(90 * DAY, 0)],
    "1h": [(300 * DAY, 0)],
}


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A year of recording at the default settings."""
    return kept(tmp_path_factory.mktemp("pruned"), EVERYWHERE)


@pytest.mark.parametrize(
    ("ago", "most", "tier"),
    [
        (HOUR, 3600, "1s"),
        (HOUR, 3599, "10s"),
        (HOUR, 1000, "10s"),
        (HOUR, None, "1s"),
        (6 * HOUR, None, "10s"),
        (6 * HOUR, 1000, "1m"),
        (DAY, 1440, "1m"),
        (DAY, 1000, "5m"),
        (7 * DAY, 5000, "5m"),
        (90 * DAY, 1000, "1h"),
        (300 * DAY, 1000, "1h"),
        (3000 * DAY, 1000, "1h"),
        (60_000, 60, "1s"),
        # Nothing fits in so few: the one with the fewest.
        (DAY, 10, "1h"),
        (HOUR, 2, "1h"),
    ],
)
def test_the_finest_that_has_the_span_and_fits_is_chosen(pruned, ago, most, tier) -> None:
    assert chosen(pruned, ago, most) == tier


@pytest.mark.parametrize(
    ("ago", "until", "tier"),
    [(2 * HOUR, HOUR, "10s"), (DAY, DAY - HOUR, "1m"), (DAY * 9, DAY * 8, "15m")],
)
def test_what_has_been_pruned_is_shown_from_a_coarser_tier(pruned, ago, until, tier) -> None:
    assert chosen(pruned, ago, None, until) == tier


@pytest.mark.parametrize(
    ("interval", "ago", "most", "tier"),
    [
        (500, HOUR // 2, 3600, "1s"),
        (500, HOUR // 2, 3599, "10s"),
        (5000, HOUR, 720, "1s"),
        (5000, HOUR, 719, "10s"),
        (60_000, HOUR, 60, "1s"),
        (60_000, HOUR, 59, "5m"),
    ],
)
def test_the_interval_says_how_many_points_a_tier_has(tmp_path, interval, ago, most, tier) -> None:
    assert chosen(kept(tmp_path, EVERYWHERE, interval), ago, most) == tier


def test_a_recording_that_began_lately_is_shown_from_the_finest_that_fits(tmp_path: Path) -> None:
    young = {name: [(HOUR // 2, 0)] for name in TIERS}
    archive = kept(tmp_path, young)
    assert chosen(archive, HOUR, None) == "1s"
    assert chosen(archive, 7 * DAY, None) == "1s"
    assert chosen(archive, 7 * DAY, 1000) == "15m"


def test_before_anything_is_recorded_the_finest_that_fits_is_chosen(tmp_path: Path) -> None:
    assert chosen(kept(tmp_path, {}), HOUR, None) == "1s"
    assert chosen(kept(tmp_path, {}), DAY, 1000) == "5m"


def test_a_pause_before_the_span_s_first_row_makes_no_tier_coarser(tmp_path: Path) -> None:
    """The machine was off for days: the fine tiers have been pruned, and begin anew."""
    paused = {name: [(HOUR // 2, 0)] for name in ("1s", "10s", "1m")}
    paused |= {name: [(6 * DAY, 5 * DAY), (HOUR // 2, 0)] for name in ("5m", "15m", "1h")}
    archive = kept(tmp_path, paused)
    assert chosen(archive, HOUR, None) == "1s"
    assert chosen(archive, DAY, 1000) == "5m"
    assert chosen(archive, 6 * DAY, None) == "5m"


def test_a_tier_added_later_does_not_hide_what_others_have(tmp_path: Path) -> None:
    added = {"1s": [(7 * DAY, 0)], "10s": [(HOUR, 0)], "1h": [(7 * DAY, 0)]}
    archive = kept(tmp_path, added, tiers="1s:14d,10s:30d,1h:2y")
    assert chosen(archive, DAY, 9000) == "1h"
    assert chosen(archive, HOUR, 1000) == "10s"


def test_a_coarse_tier_added_last_leaves_the_span_to_a_finer_one(tmp_path: Path) -> None:
    archive = kept(tmp_path, {"1s": [(7 * DAY, 0)], "1h": [(2 * HOUR, 0)]}, tiers="1s:14d,1h:2y")
    assert chosen(archive, 7 * DAY, 1000) == "1s"
    assert chosen(archive, 2 * HOUR, 1000) == "1h"
    found = archive.series(GPU, ["power_watts"], NOW - 7 * DAY, NOW)
    assert (found.tier.name, found.step, found.rolled) == ("1s", 900_000, True)
    assert found.lines[0].times[0] == NOW - 7 * DAY


def test_rows_that_are_in_no_file_yet_count_for_every_tier(tmp_path: Path) -> None:
    """A minute after the start, coarse files are from before the pause, and no fine one is."""
    recording = Recording(tmp_path)
    old = {name: [(6 * DAY, 5 * DAY)] for name in ("5m", "15m", "1h")}
    kept(tmp_path / "data", old)
    recording.ticked([1.0] * 30)
    for follows in (True, False):
        archive = recording.archive(follows=follows)
        assert archive.tier_for(GPU, START - HOUR, START + 30_000, None).name == "1s"
        assert archive.tier_for(GPU, START - 6 * DAY, START + 30_000, None).name == "5m"


def test_a_raw_file_that_has_gone_is_not_missed_while_memory_has_its_rows(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked([1.0] * 700)
    recording.flush()
    (raw,) = (tmp_path / "data/gpu/tier=1s").rglob("*.parquet")
    raw.unlink()
    archive = recording.archive()
    assert archive.tier_for(GPU, START, START + 700_000, None).name == "1s"
    archive = recording.archive(follows=False)
    assert archive.tier_for(GPU, START - HOUR, START + 700_000, None).name == "1s"


def test_the_first_row_is_the_oldest_of_any_tier_or_of_live_db(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    assert recording.archive().first(GPU) is None
    recording.ticked([1.0] * 3)
    assert recording.archive().first(GPU) == START
    kept(tmp_path / "data", {"5m": [(2 * DAY, DAY)], "1h": [(9 * DAY, 0)]})
    assert recording.archive().first(GPU) == START - 9 * DAY


# --- how far a tier is rolled up ---------------------------------------------------------------

OWN = [(100, True), (500, True), (1000, True), (5000, True), (60_000, True)]
OWN += [(tier.seconds * 1000, False) for tier in TIERS.values() if not tier.raw]


@given(
    own=st.sampled_from(OWN),
    start=st.integers(0, 100 * DAY),
    span=st.one_of(st.integers(1, DAY), st.integers(1, 800 * DAY)),
    most=st.integers(2, 5000),
)
def test_a_span_never_has_more_points_than_asked_for(own, start, span, most) -> None:
    step, raw = own
    found = fitting_step(start, start + span, step, most, raw=raw)
    assert found % step == 0
    last = start + span - 1
    if raw and found == step:
        points = last // step - (start - 1) // step
    else:
        points = last // found - start // found + 1
    assert points <= most


@pytest.mark.parametrize(
    ("span", "most", "step"),
    [(1000, 1000, 1000), (1001, 1000, 2000), (86_400, 1440, 60_000), (86_400, 1439, 90_000)],
)
def test_the_step_is_the_smallest_that_people_count_in(span, most, step) -> None:
    assert fitting_step(NOW, NOW + 1000 * span, 1000, most, raw=True) == step
    assert fitting_step(NOW, NOW + 1000 * span, 1000, None, raw=True) == 1000


def test_fewer_than_two_points_cannot_be_kept_to() -> None:
    for most in (1, 0, -5):
        with pytest.raises(ValueError, match="at least 2"):
            fitting_step(NOW - 1, NOW + 1, 1000, most, raw=False)


def test_rows_of_a_shorter_interval_than_today_s_are_no_more_points_than_asked_for(
    tmp_path,
) -> None:
    recording = Recording(tmp_path, interval=500)
    recording.ticked([1.0] * 100)
    archive = recording.archive(interval=1000)
    found = archive.series(GPU, ["power_watts"], START, START + 50_000, max_points=50)
    assert (found.step, len(found.lines[0])) == (1000, 50)
    assert answered(found)["samples"].tolist() == [2] * 50
    whole = archive.series(GPU, ["power_watts"], START, START + 50_000, max_points=None)
    assert len(whole.lines[0]) == 100
    assert not whole.rolled
