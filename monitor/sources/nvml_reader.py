"""Asking one device for many things, where each refusal costs one cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from monitor.sources.base import Row, Value
from monitor.sources.nvml_errors import FAILURES, GONE, STABLE, Problem, code_of, of_device

Handle = Any
Way = Callable[[Handle], tuple[Value, ...]]

_FUNCTION_NOT_FOUND = 13


@dataclass(frozen=True)
class Reading:
    """Columns, and the ways to read them together: that of the newest driver first."""

    columns: tuple[str, ...]
    ways: tuple[Way, ...]


def reading(columns: str, *ways: Way) -> Reading:
    """A reading of the columns named in one string, separated by spaces."""
    return Reading(tuple(columns.split()), ways)


class Reader:
    """Readings of one device in one session. What is not supported is not asked for again.

    `absent` holds the ways whose function the loaded library lacks, for the whole process.
    """

    def __init__(self, readings: Iterable[Reading], absent: set[Way]) -> None:
        self._absent = absent
        self._asked: list[tuple[tuple[str, ...], list[Way]]] = []
        for each in readings:
            if ways := [way for way in each.ways if way not in absent]:
                self._asked.append((each.columns, ways))

    def read(self, handle: Handle, row: Row) -> Problem | None:
        """Fill `row`. A problem when the device itself is gone, or nothing at all was answered."""
        answered, failed = False, 0
        for columns, ways in tuple(self._asked):
            while ways:
                try:
                    values = ways[0](handle)
                except FAILURES as error:
                    code = code_of(error)
                    if code in GONE:
                        return of_device(code)
                    if code not in STABLE:
                        failed = code
                        break
                    self._give_up(columns, ways, code)
                else:
                    answered = True
                    row.update(zip(columns, values, strict=True))
                    break
        return of_device(failed) if failed and not answered else None

    def _give_up(self, columns: tuple[str, ...], ways: list[Way], code: int) -> None:
        refused = ways.pop(0)
        if code == _FUNCTION_NOT_FOUND:
            self._absent.add(refused)
        if not ways:
            self._asked = [asked for asked in self._asked if asked[0] != columns]
