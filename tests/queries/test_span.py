"""What a start and an end may be, and one sentence for what they may not."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.queries.span import BadSpan, moment, span

NOW = 1_795_516_200_500  # 2026-11-24T10:30:00.500Z
TEN = 1_795_514_400_000  # 2026-11-24T10:00Z
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-30s", NOW - 30_000),
        ("-5m", NOW - 300_000),
        ("-6h", NOW - 6 * HOUR),
        ("-2d", NOW - 48 * HOUR),
        ("-1w", NOW - 7 * 24 * HOUR),
        ("-1y", NOW - 365 * 24 * HOUR),
        ("2026-11-24T10:00:00Z", TEN),
        ("2026-11-24T10:00", TEN),
        ("2026-11-24 10:00", TEN),
        ("20261124T100000", TEN),
        ("2026-11-24T10:00:00.250Z", TEN + 250),
        ("2026-11-24", TEN - 10 * HOUR),
        ("2026-11-24T12:00+02:00", TEN),
        ("2026-11-24T04:30-05:30", TEN),
        # A + in an address that was not escaped arrives as a space.
        ("2026-11-24T12:00:00 02:00", TEN),
        ("2026-11-24T12:00 0200", TEN),
        ("2026-11-24 12:00 02:00", TEN),
    ],
)
def test_a_moment_is_before_now_or_iso_8601_and_utc_where_it_names_no_zone(text, expected):
    assert moment("start", text, NOW) == expected


@pytest.mark.parametrize("parameter", ["start", "end"])
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "6h", "-6", "-6 h", "-1.5h", "-1M", "--1h", "+6h", "yesterday", "1795514400000"),
        *("2026-13-01", "2026-02-30", "2026-11-24T25:00", "24.11.2026", "10:00", "NaN", "null"),
        *("now ", "-1h\n", "2026-11-24T10:00\x00", "é" * 5000),
    ],
)
def test_what_is_no_time_gets_a_sentence_with_the_parameter_and_what_is_allowed(parameter, text):
    with pytest.raises(BadSpan) as bad:
        moment(parameter, text, NOW)
    assert bad.value.parameter == parameter
    sentence = str(bad.value)
    assert re.match(
        rf"{parameter}: .+ is not a time; write an ISO 8601 time such as \S+, ", sentence
    )
    assert sentence.endswith("such as -6h")
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    "text",
    [
        *("1999-12-31T23:59:59.999Z", "2100-01-01T00:00:00.001Z", "0001-01-01T00:00:00+23:59"),
        *("9999-12-31T23:59:59-23:59", "-999999y", "-27y"),
    ],
)
def test_years_that_can_only_be_a_slip_are_refused(text):
    with pytest.raises(BadSpan, match=r"^end: .+ is not between the years 2000 and 2100$"):
        moment("end", text, NOW)


@pytest.mark.parametrize("text", ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_the_first_and_the_last_moment_allowed_are(text):
    assert moment("start", text, NOW) == datetime.fromisoformat(text).timestamp() * 1000


def test_an_end_that_is_still_to_come_is_now():
    assert span("-1h", "2030-01-01", NOW) == (NOW - HOUR, NOW)
    assert span("-1h", "now", NOW) == (NOW - HOUR, NOW)
    assert span("-2h", "-1h", NOW) == (NOW - 2 * HOUR, NOW - HOUR)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("2026-11-24T11:00Z", "2026-11-24T12:00Z", "is not in the past"),
        ("now", "2030-01-01", "is not in the past"),
        ("-0h", "now", "is not in the past"),
        ("-1h", "-1h", "is not before end, which is -1h"),
        ("-1h", "-2h", "is not before end, which is -2h"),
    ],
)
def test_a_start_that_is_no_start_of_a_past_span_is_refused(start, end, reason):
    with pytest.raises(BadSpan) as bad:
        span(start, end, NOW)
    assert bad.value.parameter == "start"
    assert str(bad.value).startswith(f"start: {start} {reason}")


def test_a_bad_end_is_named_end():
    with pytest.raises(BadSpan, match=r"^end: 'soon' is not a time") as bad:
        span("-1h", "soon", NOW)
    assert bad.value.parameter == "end"


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=ZONES | st.just(UTC))  # noqa: DTZ001


@given(TIMES, st.booleans())
def test_every_iso_time_of_a_zone_is_the_same_moment(time: datetime, plus_was_lost: bool):
    text = time.isoformat(timespec="milliseconds")
    if plus_was_lost:
        text = text.replace("+", " ")
    expected = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert moment("start", text, NOW) == expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_span_of_the_past_or_refused(start: str, end: str):
    with contextlib.suppress(BadSpan):
        begin, stop = span(start, end, NOW)
        assert begin < stop <= NOW
