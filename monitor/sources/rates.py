"""From counters to rates."""

from __future__ import annotations

from collections.abc import Iterable

_FORGOTTEN_AFTER_SECONDS = 60.0


class Rates:
    """Differences of counters over time, by key.

    None at a key's first value, and when a counter went back: a device was reset or replaced.
    """

    def __init__(self) -> None:
        self._last: dict[object, tuple[float, float]] = {}

    def per_second(self, key: object, value: float | None, now: float) -> float | None:
        """Growth since the last call for this key, divided by the seconds between."""
        change = self.change(key, value, now)
        return None if change is None else change[0] / change[1]

    def change(self, key: object, value: float | None, now: float) -> tuple[float, float] | None:
        """(growth, seconds) since the last call for this key."""
        if value is None:
            self._last.pop(key, None)
            return None
        last = self._last.get(key)
        self._last[key] = (value, now)
        if last is None or value < last[0] or now <= last[1]:
            return None
        return value - last[0], now - last[1]

    def forget_the_gone(self, now: float) -> None:
        """Drop keys without a value for a minute: containers bring interfaces without end."""
        for key, (_, at) in list(self._last.items()):
            if now - at > _FORGOTTEN_AFTER_SECONDS:
                del self._last[key]


def total(rates: Iterable[float | None]) -> float | None:
    """Their sum; None where there are none or one is missing, as the sum would be too small."""
    present: list[float] = []
    for rate in rates:
        if rate is None:
            return None
        present.append(rate)
    return sum(present) if present else None
