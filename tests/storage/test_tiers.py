"""Tiers: the line a person writes, and the period a moment is in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.storage.tiers import Tier, bounds, parse_tiers
from tests.storage.made import TIERS

HOUR, DAY = 3600, 86_400


def test_the_default_line_gives_six_tiers_with_their_periods() -> None:
    assert parse_tiers("1s:1h,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y") == (
        Tier("1s", 1, HOUR, "hour"),
        Tier("10s", 10, 6 * HOUR, "hour"),
        Tier("1m", 60, DAY, "day"),
        Tier("5m", 300, 7 * DAY, "day"),
        Tier("15m", 900, 90 * DAY, "month"),
        Tier("1h", 3600, 730 * DAY, "month"),
    )


def test_any_may_be_left_out_or_kept_longer() -> None:
    assert [(t.name, t.keep_seconds) for t in parse_tiers(" 1s:14d , 1h:10y ")] == [
        ("1s", 14 * DAY),
        ("1h", 3650 * DAY),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "unknown tier '';.*1s, 10s, 1m, 5m, 15m, 1h"),
        ("1s:1h,2s:1h", "unknown tier '2s'"),
        ("1s", "age in '1s'; write it as 1h, 14d or 2y"),
        ("1s:", "age in '1s:'"),
        ("1s:0h", "age in '1s:0h'"),
        ("1s:-1h", "age in '1s:-1h'"),
        ("1s:1.5h", "age in '1s:1.5h'"),
        ("1s:1w", "age in '1s:1w'"),
        ("1s:1h,1s:2h", "each tier once, finest first, but 1s"),
        ("1s:1h,1m:1d,10s:6h", "finest first, but 10s"),
        ("10s:6h", "must begin with 1s"),
        ("1s:1h,1h:59m", "less than one row in '1h:59m'"),
    ],
)
def test_a_bad_line_is_named_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        parse_tiers(text)
    assert "\n" not in str(raised.value)


def test_periods_are_utc_hours_days_and_months() -> None:
    moment = round(datetime(2026, 11, 24, 10, 59, 59, 999_000, tzinfo=UTC).timestamp() * 1000)
    names = {tier.name: tier.period_of(moment) for tier in TIERS}
    assert names == {
        "1s": "2026-11-24T10",
        "10s": "2026-11-24T10",
        "1m": "2026-11-24",
        "5m": "2026-11-24",
        "15m": "2026-11",
        "1h": "2026-11",
    }


@given(time=st.integers(0, 4_102_444_800_000), tier=st.sampled_from(TIERS))
def test_a_moment_lies_in_its_period_and_the_next_period_follows(time: int, tier: Tier) -> None:
    start, end = bounds(tier.period_of(time))
    assert start <= time < end
    assert tier.period_of(start) == tier.period_of(end - 1) == tier.period_of(time)
    assert bounds(tier.period_of(end))[0] == end
    assert tier.period_of(end) > tier.period_of(time)  # so that names sort in order of time


@pytest.mark.parametrize(
    "name", ["", "2026", "2026-13", "2026-11-31", "2026-11-24T24", "2026-11-24T10:00", "x"]
)
def test_other_names_are_no_periods(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a period"):
        bounds(name)
