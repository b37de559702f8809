"""What was looked at and how it is, as a page of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "bad"]

_WIDTH = 96
_MARKS: dict[Level, str] = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `bad` is what recording cannot do without, `note` what it can."""

    level: Level
    subject: str
    text: str
    advice: str = ""
    details: tuple[tuple[str, str], ...] = ()


def report(sections: Iterable[tuple[str, Iterable[Finding]]], out: Callable[[str], object]) -> int:
    """Print the findings; 1 where one of them is bad."""
    bad: list[str] = []
    for title, findings in sections:
        out(title)
        for finding in findings:
            for line in _lines(finding):
                out(line)
            if finding.level == "bad":
                bad.append(finding.subject)
        out("")
    out(f"Not well: {', '.join(bad)}." if bad else "All that is needed works.")
    return 1 if bad else 0


def _lines(finding: Finding) -> Iterator[str]:
    head = f"  {_MARKS[finding.level]}  {finding.subject:<10}  "
    yield from _wrapped(finding.text, head)
    margin = " " * len(head)
    names = max((len(name) for name, _ in finding.details), default=0)
    for name, text in finding.details:
        yield from _wrapped(text, f"{margin}{name:<{names}}  ")
    if finding.advice:
        yield from _wrapped(finding.advice, f"{margin}-> ")


def _wrapped(text: str, head: str) -> list[str]:
    # A path is never broken: it would be copied wrong.
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]
