"""Why clocks can be below their best: each bit of NVML's mask, declared once.

Bits, and which of them cover others, are those of nvml.h. A later driver may set more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IDLE, POWER_CAP, HW_SLOWDOWN = 0x1, 0x4, 0x8
SW_THERMAL, HW_THERMAL, POWER_BRAKE = 0x20, 0x40, 0x80
THERMAL = SW_THERMAL | HW_THERMAL

Kind = Literal["normal", "limit", "problem", "unknown"]


@dataclass(frozen=True)
class ClockReason:
    """A bit. `column` counts the seconds lost to it.

    `kind`: `normal` is as it should be, a `limit` is as a person set it, a `problem` wants looking
    after.
    """

    bit: int
    name: str
    words: str
    kind: Kind
    column: str | None = None


CLOCK_REASONS = (
    ClockReason(IDLE, "Idle", "Nothing runs on the GPU.", "normal"),
    ClockReason(
        0x2,
        "Application clocks",
        "Someone set lower clocks.",
        "normal",
        "application_clocks_seconds",
    ),
    ClockReason(
        POWER_CAP,
        "Power cap",
        "The power limit holds the clocks down.",
        "limit",
        "sw_power_cap_seconds",
    ),
    ClockReason(
        HW_SLOWDOWN,
        "Hardware slowdown",
        "The hardware slows the GPU, for heat or for the power brake.",
        "problem",
        "hw_slowdown_seconds",
    ),
    ClockReason(
        0x10,
        "Sync boost",
        "Clocks follow the slowest GPU of the group.",
        "limit",
        "sync_boost_seconds",
    ),
    ClockReason(
        SW_THERMAL,
        "Thermal, driver",
        "The driver slows the GPU: it or its memory is too hot.",
        "problem",
        "sw_thermal_slowdown_seconds",
    ),
    ClockReason(
        HW_THERMAL,
        "Thermal, hardware",
        "The hardware slows the GPU to a half or less: it is too hot.",
        "problem",
        "hw_thermal_slowdown_seconds",
    ),
    ClockReason(
        POWER_BRAKE,
        "Power brake",
        "The power supply asks the GPU to slow down.",
        "problem",
        "hw_power_brake_seconds",
    ),
    ClockReason(
        0x100,
        "Display clocks",
        "A display sets the clocks.",
        "normal",
        "display_clocks_seconds",
    ),
    ClockReason(
        0x200,
        "Board limit",
        "A limit of the board holds clocks down.",
        "limit",
        "board_limit_seconds",
    ),
    ClockReason(
        0x400,
        "Reliability",
        "Clocks are held down for reliability.",
        "limit",
        "reliability_seconds",
    ),
)

OTHERS = ClockReason(
    (1 << 62) - 1 - sum(reason.bit for reason in CLOCK_REASONS),
    "Other",
    "A reason of a newer driver, not known here.",
    "unknown",
    "other_reason_seconds",
)
"""All that a later driver may set, in one."""

COUNTED = {reason.column: reason for reason in (*CLOCK_REASONS, OTHERS) if reason.column}
"""By its column each reason whose seconds are counted."""
