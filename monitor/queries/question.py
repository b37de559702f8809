"""What is asked of the history: a table, metrics, a span, a resolution; and what is wrong with it.

The API, the command line and `open_store` read it here: all refuse the same, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.metrics import TABLES, Metric, Table
from monitor.queries.archive import Archive
from monitor.queries.series import Series
from monitor.queries.span import BadSpan, span
from monitor.storage.tiers import Tier

FEWEST_POINTS = 2
MOST_POINTS = 100_000


class BadQuestion(ValueError):
    """A question that cannot be answered. Its text is one sentence that says what is allowed."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


@dataclass(frozen=True)
class Question:
    """`start` and `end` in ms since 1970; all is read from `tier`, in `max_points` a line if so."""

    table: Table
    columns: Sequence[str]
    devices: Sequence[str] | None
    start: int
    end: int
    tier: Tier
    max_points: int | None

    @property
    def metrics(self) -> list[Metric]:
        """The metrics asked for, in the catalogue's order."""
        return [metric for metric in self.table.metrics if metric.column in self.columns]

    def series(self, archive: Archive) -> Series:
        """Its answer."""
        return archive.series(
            self.table,
            self.columns,
            self.start,
            self.end,
            devices=self.devices,
            tier=self.tier,
            max_points=self.max_points,
        )


def question(
    archive: Archive,
    table: Table,
    *,
    metrics: Iterable[str] = (),
    devices: Sequence[str] | None = None,
    start: str = "-1h",
    end: str = "now",
    now: int,
    resolution: str | None = None,
    max_points: int | None = None,
    default_points: int | None = None,
) -> Question:
    """The question in full; BadQuestion where it is none.

    Without a resolution it is the finest that has the span in `max_points` a line; without either,
    in `default_points`, or in as many as there are.
    """
    columns = chosen_columns(table, metrics)
    tier = chosen_tier(archive.tiers, resolution)
    if max_points is not None and not FEWEST_POINTS <= max_points <= MOST_POINTS:
        reason = f"{max_points} is not between {FEWEST_POINTS} and {MOST_POINTS:,}"
        raise BadQuestion("max_points", reason)
    try:
        begin, stop = span(start, end, now)
    except BadSpan as bad:
        raise BadQuestion(bad.parameter, bad.reason) from None
    if tier is None:
        max_points = max_points or default_points
        tier = archive.tier_for(table, begin, stop, max_points)
    return Question(table, columns, devices, begin, stop, tier, max_points)


def chosen_table(name: str, tables: Iterable[str] = TABLES) -> Table:
    """The table of that name."""
    if not isinstance(name, str) or name not in tables:
        raise BadQuestion("table", f"there is no table {name!r}; there are {', '.join(tables)}")
    return TABLES[name]


def chosen_columns(table: Table, asked: Iterable[str]) -> list[str]:
    """The columns named, also several in one separated by commas; every one where none is."""
    names = [name.strip() for text in asked for name in text.split(",") if name.strip()]
    unknown = [name for name in dict.fromkeys(names) if name not in table.columns]
    if unknown:
        has = ", ".join(table.columns)
        named = ", ".join(map(repr, unknown[:5]))[:200]
        raise BadQuestion("metrics", f"{table.name} has no {named}; it has {has}")
    return [column for column in table.columns if not names or column in names]


def chosen_tier(tiers: Sequence[Tier], resolution: str | None) -> Tier | None:
    """The tier of that name, or of that many seconds; None where none is asked for."""
    if resolution is None:
        return None
    for tier in tiers:
        if resolution in (tier.name, f"{tier.seconds}s", str(tier.seconds)):
            return tier
    there = ", ".join(tier.name for tier in tiers)
    raise BadQuestion("resolution", f"nothing is kept at {resolution[:40]!r}; there are {there}")
