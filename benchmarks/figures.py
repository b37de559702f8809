"""What was measured beside what must be reached, as one table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = ("what", "must reach", "measured", "")


@dataclass(frozen=True)
class Figure:
    """A measurement; the less the better. `measured` is None where it could not be made."""

    what: str
    limit: float
    measured: float | None
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether it was measured and is within its limit."""
        return self.measured is not None and self.measured <= self.limit

    @property
    def line(self) -> tuple[str, str, str, str]:
        """Its cells."""
        measured = "not measured" if self.measured is None else f"{self.measured:.3g} {self.unit}"
        return (
            self.what,
            f"≤ {self.limit:g} {self.unit}".rstrip(),
            measured.rstrip(),
            "" if self.reached else "MISSED",
        )


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table, aligned for a terminal."""
    lines = [_HEAD, *(figure.line for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * max(3, width) for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
        for cells in (lines[0], rule, *lines[1:])
    )
