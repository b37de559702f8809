"""Tiers: how finely and for how long, and which file a moment belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

Period = Literal["hour", "day", "month"]

# A tier's files hold an hour, a day or a month, so that each has some thousand rows per device.
_RESOLUTIONS: dict[str, tuple[int, Period]] = {
    "1s": (1, "hour"),
    "10s": (10, "hour"),
    "1m": (60, "day"),
    "5m": (300, "day"),
    "15m": (900, "month"),
    "1h": (3600, "month"),
}
_AGE_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "y": 365 * 86_400}
_FORMATS: dict[Period, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True)
class Tier:
    """Rows of `seconds` each, kept for `keep_seconds`. The first tier holds the raw rows."""

    name: str
    seconds: int
    keep_seconds: int
    period: Period

    @property
    def raw(self) -> bool:
        """Whether rows are as they were read, not rolled up."""
        return self.seconds == 1

    def period_of(self, time: int) -> str:
        """The name of the period that `time` (ms since 1970) is in."""
        return datetime.fromtimestamp(time / 1000, UTC).strftime(_FORMATS[self.period])


def parse_tiers(text: str) -> tuple[Tier, ...]:
    """The tiers of `1s:1h,10s:6h,…`, finest first. ValueError is one sentence for a person."""
    tiers: list[Tier] = []
    for item in text.split(","):
        name, _, age = item.strip().partition(":")
        if name not in _RESOLUTIONS:
            raise ValueError(f"has an unknown tier {name!r}; known are {', '.join(_RESOLUTIONS)}")
        seconds, period = _RESOLUTIONS[name]
        match = re.fullmatch(r"(\d{1,6})([smhdy])", age)
        if not match or not int(match[1]):
            raise ValueError(f"has no valid age in {item.strip()!r}; write it as 1h, 14d or 2y")
        keep = int(match[1]) * _AGE_SECONDS[match[2]]
        if keep < seconds:
            raise ValueError(f"keeps {name} for less than one row in {item.strip()!r}")
        if tiers and seconds <= tiers[-1].seconds:
            raise ValueError(f"must name each tier once, finest first, but {name} comes late")
        tiers.append(Tier(name, seconds, keep, period))
    if not tiers[0].raw:
        raise ValueError("must begin with 1s, the readings themselves, such as 1s:1h")
    return tuple(tiers)


@lru_cache(4096)
def bounds(period: str) -> tuple[int, int]:
    """(first ms, first ms after) of a period's name; ValueError when it is none."""
    for kind, pattern in _FORMATS.items():
        try:
            start = datetime.strptime(period, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
        if kind == "month":
            end = (start + timedelta(days=32)).replace(day=1)
        else:
            end = start + (timedelta(hours=1) if kind == "hour" else timedelta(days=1))
        return round(start.timestamp() * 1000), round(end.timestamp() * 1000)
    raise ValueError(f"not the name of a period: {period!r}")
