"""Units: how a quantity is stored, and the one place where it becomes text that people read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Storage = Literal["float32", "float64", "int64", "text"]

NOT_REPORTED = "N/A"


@dataclass(frozen=True)
class Unit:
    """A base unit. `suffix` is what a column name ends in; `split` gives (number, symbol)."""

    name: str
    suffix: str
    symbol: str
    storage: Storage
    split: Callable[[float], tuple[str, str]]

    def text(self, value: float | None) -> str:
        """`37.4 %`, `74.8 GiB`; `N/A` where the value is missing."""
        if is_missing(value):
            return NOT_REPORTED
        number, symbol = self.split(value)  # type: ignore[arg-type]
        return f"{number} {symbol}".rstrip()


def is_missing(value: object) -> bool:
    """True for None and NaN. A zero is a value."""
    return value is None or (isinstance(value, float) and math.isnan(value))


_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNTS = ("", "k", "M", "G", "T")


def _scaled(value: float, base: float, symbols: tuple[str, ...]) -> tuple[str, str]:
    magnitude = abs(value)
    step = 0
    # 999.95 would round up to "1000.0", so the next symbol begins just below 1000.
    while magnitude >= 999.95 and step < len(symbols) - 1:
        magnitude /= base
        step += 1
    scaled = value / base**step
    if step == 0:
        return f"{scaled:,.0f}", symbols[0]
    decimals = 2 if abs(scaled) < 9.995 else 1
    return f"{scaled:.{decimals}f}", symbols[step]


def _fixed(symbol: str, decimals: int) -> Callable[[float], tuple[str, str]]:
    return lambda value: (f"{value:,.{decimals}f}", symbol)


def _watts(value: float) -> tuple[str, str]:
    # A part of a small board draws less than one; a sensor near 0 may say -0.01.
    return (f"{value:.1f}".replace("-0.0", "0.0") if abs(value) < 9.95 else f"{value:,.0f}"), "W"


def _percent(value: float) -> tuple[str, str]:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}", "%"


def _gibibytes(value: float) -> tuple[str, str]:
    """Memory and disks: never below a GiB scale's first decimal unless the value is small."""
    return _scaled(value, 1024, _BINARY)


def _seconds(value: float) -> tuple[str, str]:
    if value < 0.9995:
        return f"{value * 1000:.1f}" if value < 0.09995 else f"{value * 1000:.0f}", "ms"
    return f"{value:.1f}", "s"


def _spent(value: float) -> tuple[str, str]:
    whole = round(value)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours:,} h {minutes}", "min"
    return (f"{minutes} min {whole % 60}" if minutes else f"{whole}"), "s"


def _joules(value: float) -> tuple[str, str]:
    hours = value / 3600
    if hours < 999.5:
        return f"{hours:.{2 if hours < 0.995 else 1 if hours < 9.95 else 0}f}", "Wh"
    return f"{hours / 1000:,.1f}", "kWh"


PERCENT = Unit("percent", "_percent", "%", "float32", _percent)
BYTES = Unit("bytes", "_bytes", "B", "int64", _gibibytes)
BYTES_PER_SECOND = Unit(
    "bytes per second",
    "_bytes_per_second",
    "B/s",
    "float32",
    lambda value: (_gibibytes(value)[0], _gibibytes(value)[1] + "/s"),
)
CELSIUS = Unit("degrees Celsius", "_celsius", "°C", "float32", _fixed("°C", 0))
WATTS = Unit("watts", "_watts", "W", "float32", _watts)
# A lifetime counter: as float32 it would lose whole joules within a day.
JOULES = Unit("joules", "_joules", "J", "float64", _joules)
MEGAHERTZ = Unit("megahertz", "_mhz", "MHz", "float32", _fixed("MHz", 0))
SECONDS = Unit("seconds", "_seconds", "s", "float32", _seconds)
# Counted on and on: as float32 it would lose whole seconds within a year.
SECONDS_COUNTED = Unit("seconds", "_seconds", "s", "float64", _spent)
COUNT = Unit("count", "_count", "", "int64", lambda value: _scaled(value, 1000, _COUNTS))
NUMBER = Unit("number", "", "", "int64", lambda value: (f"{value:.0f}", ""))
RATIO = Unit("ratio", "", "", "float32", lambda value: (f"{value:.2f}", ""))
BITS = Unit("bit mask", "", "", "int64", lambda value: (f"0x{int(value):x}", ""))
TEXT = Unit("text", "", "", "text", lambda value: (str(value), ""))
MOMENT = Unit("seconds since 1970, UTC", "", "s", "int64", lambda value: (f"{value:.0f}", ""))
