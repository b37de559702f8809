"""NVML's mask of clock event reasons, in words."""

from __future__ import annotations

from monitor.sources.clock_reasons import CLOCK_REASONS, ClockReason, Kind

_KNOWN = sum(reason.bit for reason in CLOCK_REASONS)
_WORST_LAST: tuple[Kind, ...] = ("normal", "unknown", "limit", "problem")


def reasons(bits: int) -> list[ClockReason]:
    """A reason for each bit that is set, the lowest first; one not known here is named in hex."""
    found = [reason for reason in CLOCK_REASONS if bits & reason.bit]
    unknown = bits & ~_KNOWN
    while unknown:
        lowest = unknown & -unknown
        words = "A reason of a newer driver, not known here."
        found.append(ClockReason(lowest, f"{lowest:#x}", words, "unknown"))
        unknown ^= lowest
    return found


def reason_names(bits: int) -> list[str]:
    """`["Power cap", "0x800"]`; empty where nothing holds the clocks down."""
    return [reason.name for reason in reasons(bits)]


def worst_kind(bits: int) -> Kind | None:
    """What the reasons come to: a problem before a limit; None without any."""
    kinds = {reason.kind for reason in reasons(bits)}
    return next((kind for kind in reversed(_WORST_LAST) if kind in kinds), None)
