"""What a person looks at: a span, some GPUs, some charts; read from an address, slips and all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.queries.latest import iso
from monitor.queries.span import BadSpan, moment, span
from monitor.sources.base import DeviceState

RANGES: Mapping[str, int] = {
    "15m": 900,
    "1h": 3600,
    "6h": 21_600,
    "24h": 86_400,
    "7d": 7 * 86_400,
    "90d": 90 * 86_400,
}
"""Seconds of each range that ends now."""
DEFAULT_RANGE = "1h"


@dataclass(frozen=True)
class View:
    """A span in ms since 1970, which GPUs (None: all) and charts, and what was wrong in asking.

    `range` is the name of a range that ends now, empty where another span is asked for.
    """

    start: int
    end: int
    gpus: frozenset[str] | None
    charts: frozenset[str]
    live: bool
    range: str = ""
    problems: tuple[str, ...] = ()


def view_of(
    asked: Mapping[str, object], gpus: Sequence[DeviceState], charts: Sequence[str], now: int
) -> View:
    """The view that an address asks for; each part that makes no sense is left out and told."""
    problems: list[str] = []
    start, end, live, name = _span(asked, now, problems)
    return View(
        start,
        end,
        _chosen_gpus(_text(asked, "gpus"), gpus, problems),
        _chosen_charts(_text(asked, "charts"), charts, problems),
        live,
        name,
        tuple(problems),
    )


def _span(asked: Mapping[str, object], now: int, problems: list[str]) -> tuple[int, int, bool, str]:
    wanted = _text(asked, "range") or DEFAULT_RANGE
    if wanted not in RANGES:
        problems.append(f"There is no range {wanted[:40]!r}; there are {', '.join(RANGES)}.")
        wanted = DEFAULT_RANGE
    start, end = _text(asked, "from"), _text(asked, "to")
    if start or end not in ("", "now"):
        try:
            # An end alone: the range before it.
            start = start or _before(end, RANGES[wanted], now)
            live = end in ("", "now") and start.startswith("-")
            return (*span(start, end or "now", now), live, "")
        except BadSpan as bad:
            where = {"start": "from", "end": "to"}[bad.parameter]
            problems.append(f"{where}: {bad.reason.replace('end, which is', 'to, which is')}.")
    return now - 1000 * RANGES[wanted], now, True, wanted


def _before(end: str, seconds: int, now: int) -> str:
    return iso(min(moment("end", end, now), now) - 1000 * seconds) or ""


def _chosen_gpus(
    text: str, gpus: Sequence[DeviceState], problems: list[str]
) -> frozenset[str] | None:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {name: device for device, name in addresses(gpus).items()}
    shown = ", ".join(known) or "none"
    known |= {gpu.device: gpu.device for gpu in gpus}
    unknown = [name for name in names if name not in known]
    if unknown:
        problems.append(f"There is no GPU {', '.join(unknown)[:80]}; there are: {shown}.")
    return frozenset(known[name] for name in names if name in known) or None


def addresses(gpus: Sequence[DeviceState]) -> dict[str, str]:
    """What an address calls each GPU, by UUID: its index, where that tells it apart.

    A MIG instance, a GPU without an index and one whose index another GPU has by now go by UUID.
    """
    owners = {
        str(gpu.facts["index"]): gpu.device
        for gpu in sorted(gpus, key=lambda gpu: gpu.status != "lost")
        if gpu.facts.get("index") is not None and gpu.facts.get("mig_index") is None
    }
    numbers = {device: index for index, device in owners.items()}
    return {gpu.device: numbers.get(gpu.device, gpu.device) for gpu in gpus}


def _chosen_charts(text: str, charts: Sequence[str], problems: list[str]) -> frozenset[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in charts]
    if unknown:
        problems.append(
            f"There is no chart {', '.join(unknown)[:80]}; there are: {', '.join(charts)}."
        )
    return frozenset(name for name in names if name in charts) or frozenset(charts)


def _text(asked: Mapping[str, object], name: str) -> str:
    value = asked.get(name)
    return value.strip() if isinstance(value, str) else ""
