"""How a GPU is, in a few words."""

from __future__ import annotations

from monitor.queries.clock_events import holds
from monitor.queries.hardware import is_below_best
from monitor.queries.imbalance import IDLE_PERCENT, held_bytes, is_capped, slowed_by
from monitor.queries.sparks import value_of
from monitor.sources.base import DeviceState, Row
from monitor.units import BYTES, NOT_REPORTED

_STATUS = {
    "late": "answers late",
    "asleep": "asleep",
    "lost": "lost",
    "denied": "access denied",
    "failed": "cannot be read",
}


def status_words(gpu: DeviceState) -> str:
    """What keeps it from answering, such as `lost`."""
    return _STATUS[gpu.status]


def has_errors(row: Row) -> bool:
    """Whether its memory ever had an error that could not be corrected."""
    return (value_of(row, "ecc_uncorrected_count") or 0) > 0


def how_it_is(gpu: DeviceState, recent: Row) -> list[str]:
    """Words such as `slowed: heat`, and their kind: a status, `slowed`, `flagged`, `idle` or `ok`.

    What is flagged is a PCIe link below its best under load, and memory errors.
    """
    if gpu.status != "ok":
        return [status_words(gpu), gpu.status]
    words, kind = _what_it_does(recent)
    flags = [
        *(["PCIe below best"] if is_below_best(recent, gpu.facts) else []),
        *(["ECC errors"] if has_errors(recent) else []),
    ]
    if flags and kind != "slowed":
        kind = "flagged"
    return [" · ".join(part for part in (words, *flags) if part), kind]


def _what_it_does(recent: Row) -> tuple[str, str]:
    slowed = slowed_by(recent)
    if slowed:
        return f"slowed: {slowed[1]}", "slowed"
    used = value_of(recent, "utilization_percent")
    if used is None:
        return "", "ok"
    if used < IDLE_PERCENT:
        held = held_bytes(recent)
        return "idle" if held is None else f"idle, {BYTES.text(held)} held", "idle"
    return "at its power limit" if is_capped(recent) else "working", "ok"


def throttling(row: Row) -> list[object]:
    """All that holds clocks down now, the worst first, as the beginning of a reading."""
    bits = row.get("clock_event_reasons")
    if not isinstance(bits, int):
        return [NOT_REPORTED, "", None, None, "missing"]
    words = ", ".join(hold.short for hold in holds(bits)) or "none"
    return [words, "", bits, None, "warning" if slowed_by(row) else "ok"]
