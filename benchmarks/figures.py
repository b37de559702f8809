"""What was measured beside what must be reached, as one table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = ("what", "must reach", "measured", "")


@dataclass(frozen=True)
class Figure:
    """A measurement; the less the better, unless the limit is `at_least`.

    `measured` is None where it could not be made.
    """

    what: str
    limit: float
    measured: float | None
    unit: str = ""
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether it was measured and is within its limit."""
        if self.measured is None:
            return False
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def line(self) -> tuple[str, str, str, str]:
        """Its cells."""
        measured = (
            "not measured" if self.measured is None else f"{_shown(self.measured)} {self.unit}"
        )
        return (
            self.what,
            f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}".rstrip(),
            measured.rstrip(),
            "" if self.reached else "MISSED",
        )


def _shown(number: float | None) -> str:
    if number is None:
        return "not measured"
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table, aligned for a terminal."""
    lines = [_HEAD, *(figure.line for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * max(3, width) for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
        for cells in (lines[0], rule, *lines[1:])
    )


def machine_speed() -> str:
    """How fast the machine is now: CPU seconds of ten million additions, 0.5 on a usual one."""
    total, began = 0, time.process_time()
    for number in range(10_000_000):
        total += number
    return f"Ten million additions take {time.process_time() - began:.2f} s of CPU."
