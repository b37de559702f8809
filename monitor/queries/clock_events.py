"""NVML's mask of clock event reasons, in words."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.sources.clock_reasons import (
    CLOCK_REASONS,
    HW_SLOWDOWN,
    OTHERS,
    POWER_BRAKE,
    POWER_CAP,
    THERMAL,
    ClockReason,
    Kind,
)

_KNOWN = sum(reason.bit for reason in CLOCK_REASONS)
_WORST_LAST: tuple[Kind, ...] = ("normal", "unknown", "limit", "problem")


@dataclass(frozen=True)
class Hold:
    """What holds clocks down, for a sentence and, `short`, where there is little room.

    `alarms` is whether it is more than what a full load or a person's own setting brings.
    """

    words: str
    short: str
    alarms: bool = True


# The weightier first; hardware slowdown is set beside those that cause it.
_PROBLEMS = (
    (THERMAL, Hold("thermal slowdown", "heat")),
    (POWER_BRAKE, Hold("power brake", "power brake")),
    (HW_SLOWDOWN, Hold("hardware slowdown", "hardware")),
)
_LIMITS = (
    (0x400, Hold("reliability limit", "reliability")),
    (0x200, Hold("board limit", "board limit")),
    (POWER_CAP, Hold("power cap", "power cap", alarms=False)),
    (0x10, Hold("sync boost", "sync boost", alarms=False)),
    (0x2, Hold("application clocks", "app clocks", alarms=False)),
    (0x100, Hold("display clocks", "display", alarms=False)),
)


def holds(bits: int) -> list[Hold]:
    """What the mask says holds the clocks down, the worst first; that nothing runs does not."""
    problems = [hold for mask, hold in _PROBLEMS if bits & mask]
    if bits & (THERMAL | POWER_BRAKE):
        problems = [hold for hold in problems if hold is not _PROBLEMS[-1][1]]
    unknown = [Hold(name, name) for name in reason_names(bits & ~_KNOWN)]
    return [*problems, *unknown, *(hold for mask, hold in _LIMITS if bits & mask)]


def reasons(bits: int) -> list[ClockReason]:
    """A reason for each bit that is set, the lowest first; one not known here is named in hex."""
    found = [reason for reason in CLOCK_REASONS if bits & reason.bit]
    unknown = bits & ~_KNOWN
    while unknown:
        lowest = unknown & -unknown
        found.append(ClockReason(lowest, f"{lowest:#x}", OTHERS.words, OTHERS.kind))
        unknown ^= lowest
    return found


def reason_names(bits: int) -> list[str]:
    """`["Power cap", "0x800"]`; empty where nothing holds the clocks down."""
    return [reason.name for reason in reasons(bits)]


def worst_kind(bits: int) -> Kind | None:
    """What the reasons come to: a problem before a limit; None without any."""
    kinds = {reason.kind for reason in reasons(bits)}
    return next((kind for kind in reversed(_WORST_LAST) if kind in kinds), None)
