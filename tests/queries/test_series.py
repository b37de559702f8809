"""A query of any tier is what pandas makes of the ticks, wherever they are by now."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.queries.recorded import (
    COLUMNS,
    GPU,
    Recording,
    answered,
    assert_answer,
    plain,
    plain_ticks,
)
from tests.storage.made import HOUR, START

DAY = 24 * HOUR
TIERS = "1s:10d,10s:10d,1m:30d,1h:2y"

EIGHTHS = st.integers(0, 8000).map(lambda eighths: eighths / 8)
READING = st.fixed_dictionaries(
    {
        "memory_used_bytes": st.none() | st.integers(0, 1 << 40),
        "power_watts": st.none() | EIGHTHS,
        "energy_joules": st.none() | st.integers(0, 1 << 40).map(float),
        "clock_event_reasons": st.none() | st.integers(0, 7),
        "xid_count": st.none() | st.integers(0, 99),
    }
)
TICKS = st.lists(st.lists(READING, min_size=0, max_size=2), min_size=1, max_size=12)
STEPS = st.one_of(
    TICKS.map(lambda ticks: ("ticks", ticks)),
    st.sampled_from([1, 7, 30, 61, 900, 2000, 5000]).map(lambda seconds: ("gap", seconds)),
    st.sampled_from([1, 7, 45, 600, 4000]).map(lambda seconds: ("back", seconds)),
    st.just(("flush", 0)),
    st.just(("restart", 0)),
)


def play(recording: Recording, steps: Sequence[tuple[str, object]]) -> bool:
    """Whether a tick came late, and no flush since."""
    late = False
    for kind, value in steps:
        if kind == "ticks":
            for readings in value:
                newest = recording.newest
                late |= recording.tick(*readings) and recording.clock.ms <= newest
        elif kind == "gap":
            recording.clock.ms += 1000 * value
        elif kind == "back":
            recording.clock.ms -= 1000 * value
        else:
            recording.flush() if kind == "flush" else recording.restart()
            late = False
    return late


@given(steps=st.lists(STEPS, min_size=1, max_size=14), follows=st.booleans(), data=st.data())
@settings(max_examples=80, deadline=None)
def test_every_tier_equals_pandas_on_the_ticks_whatever_is_flushed(steps, follows, data) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording(Path(folder), TIERS, start=START + HOUR - 20_000)
        late = play(recording, steps)
        archive, raw = recording.archive(follows=follows), recording.raw()
        oldest, newest = (raw["time"].min(), raw["time"].max()) if len(raw) else (START, START)
        times = st.integers(int(oldest) // 500 - 20, int(newest) // 500 + 2)
        first, last = sorted(data.draw(st.tuples(times, times)))
        for begin, stop in ((START - DAY, START + DAY), (first * 500, last * 500 + 1)):
            for tier in recording.tiers:
                found = archive.series(GPU, COLUMNS, begin, stop, tier=tier, max_points=None)
                if tier.raw:
                    assert_answer(found, plain_ticks(raw, begin, stop))
                elif late:
                    answered(found)  # no point twice; all of it is there after the next flush
                else:
                    assert_answer(found, plain(raw, 1000 * tier.seconds, begin, stop))
        recording.store.close()
        for followed in recording.follower._followed:
            followed.close()


@pytest.mark.parametrize("follows", [True, False])
def test_late_ticks_count_in_buckets_that_a_file_has_already(tmp_path: Path, follows) -> None:
    recording = Recording(tmp_path, TIERS)
    recording.ticked([100.0] * 30)
    recording.clock.ms += 30_000
    recording.ticked([200.0] * 70)
    recording.flush()
    recording.clock.ms = START + 30_000
    recording.ticked([700.0] * 30)
    archive = recording.archive(follows=follows)
    for tier in recording.tiers[1:]:
        found = archive.series(GPU, COLUMNS, START, START + HOUR, tier=tier, max_points=None)
        assert_answer(found, plain(recording.raw(), 1000 * tier.seconds, START, START + HOUR))


def test_a_bucket_of_which_memory_has_a_part_is_the_file_s(tmp_path: Path) -> None:
    recording = Recording(tmp_path, TIERS)
    recording.ticked(range(100))
    recording.clock.ms += 1000
    recording.ticked(range(49))
    recording.flush()
    recording.clock.ms = START + 100_000
    recording.ticked([1.0])
    recording.follower.buffers["gpu"].drop(START + 20_000, START + 98_000)
    minutes = recording.tiers[2]
    found = recording.archive().series(GPU, COLUMNS, START - HOUR, START + HOUR, tier=minutes)
    assert answered(found)["samples"].tolist() == [60, 59, 30]
