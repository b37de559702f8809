"""From `-6h` or `2026-11-24T10:00Z` to a moment; what is wrong with one, in a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from monitor.queries.latest import iso

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 365 * 86_400}
_AGO = re.compile(r"-(\d{1,6})(s|m|h|d|w|y)")
# A time of day, then an offset of which the + has become a space.
_UNESCAPED = re.compile(r"(.[T ]\S+) (\d\d(?::?\d\d)?)$")
# Beyond these a time is a slip, and dates of Python end.
_EARLIEST = 946_684_800_000  # 2000-01-01
_LATEST = 4_102_444_800_000  # 2100-01-01
ALLOWED = "an ISO 8601 time such as 2026-11-24T10:00:00Z, or one before now such as -6h"


class BadSpan(ValueError):
    """A span that cannot be. `parameter` is `start` or `end`; its text is one sentence."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


def span(start: str, end: str, now: int) -> tuple[int, int]:
    """(start, end) in ms since 1970. BadSpan where they are no span of the past.

    An end that is still to come is now: there is nothing later.
    """
    begin, stop = moment("start", start, now), moment("end", end, now)
    if begin >= now:
        raise BadSpan("start", f"{start} is not in the past; it is {iso(now)} now")
    if begin >= stop:
        raise BadSpan("start", f"{start} is not before end, which is {end}")
    return begin, min(stop, now)


def is_fixed(text: str) -> bool:
    """Whether it names the same moment whenever it is read."""
    return text != "now" and not _AGO.fullmatch(text)


def moment(parameter: str, text: str, now: int) -> int:
    """Milliseconds since 1970 of `now`, `-6h` or an ISO 8601 time; UTC where it names no zone."""
    if text == "now":
        return now
    ago = _AGO.fullmatch(text)
    if ago:
        found = now - int(ago[1]) * _UNITS[ago[2]] * 1000
    else:
        try:
            if not text.isprintable():
                raise ValueError  # Python passes over a NUL at the end
            time = datetime.fromisoformat(_UNESCAPED.sub(r"\1+\2", text))
        except ValueError:
            raise BadSpan(parameter, f"{text[:40]!r} is not a time; write {ALLOWED}") from None
        found = round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    if not _EARLIEST <= found <= _LATEST:
        raise BadSpan(parameter, f"{text[:40]!r} is not between the years 2000 and 2100")
    return found
