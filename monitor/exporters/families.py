"""What both exporters speak of: a family of samples, and the labels that tell samples apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from monitor.sources.base import Row, Value

Kind = Literal["gauge", "counter"]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


# Each is declared once, so the same is the same object: quicker to hash than all its fields.
@dataclass(frozen=True, eq=False)
class Family:
    """All samples of one name. `unit` is OpenTelemetry's, which are UCUM's; `help` a sentence."""

    name: str
    kind: Kind
    help: str
    unit: str = ""


class Labels:
    """The labels of a sample: `text` as Prometheus writes them. Made by `labels` and `plus`."""

    __slots__ = ("pairs", "text")

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.pairs = pairs
        inside = ",".join(f'{name}="{escaped(value)}"' for name, value in pairs.items())
        self.text = f"{{{inside}}}" if inside else ""

    def plus(self, **more: Value) -> Labels:
        """These and more."""
        return _plus(self, tuple(more.items()))


def labels(**pairs: Value) -> Labels:
    """Labels of these values. What is missing or empty is no label, as Prometheus has it."""
    return _plus(NO_LABELS, tuple(pairs.items()))


def escaped(value: str) -> str:
    """A label's value as it stands between quotes in Prometheus' text format."""
    return value.translate(_ESCAPES)


# Devices are the same from tick to tick: what is written for them is, too.
@lru_cache(maxsize=4096)
def _plus(base: Labels, more: tuple[tuple[str, Value], ...]) -> Labels:
    given = {name: str(value) for name, value in more if value not in (None, "")}
    return Labels({**base.pairs, **given}) if given or base.pairs else NO_LABELS


NO_LABELS = Labels({})

Sample = tuple[Labels, float]
Samples = Sequence[tuple[Family, Sequence[Sample]]]
"""Families in the order they are shown; there may be some without samples."""

Read = Callable[[Row], float | None]


@dataclass(frozen=True, eq=False)
class Export:
    """One value of a row on its way out; `labels` come on top of the row's own."""

    family: Family
    read: Read
    labels: tuple[tuple[str, str], ...] = ()


def of_column(column: str, convert: Callable[[float], float] | None = None) -> Read:
    """Reads a column as a number, converted; None where it is missing."""

    def read(row: Row) -> float | None:
        value = row.get(column)
        if not isinstance(value, (int, float)):
            return None
        return convert(value) if convert else value

    return read


def rest(total: str, *taken: str) -> Read:
    """Reads what is left of a column; one of `taken` after the first counts only where known."""

    def read(row: Row) -> float | None:
        whole, first = row.get(total), row.get(taken[0])
        if not isinstance(whole, (int, float)) or not isinstance(first, (int, float)):
            return None
        more = [value for name in taken[1:] if isinstance(value := row.get(name), (int, float))]
        return whole - first - sum(more)

    return read
