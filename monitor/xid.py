"""XID numbers, the driver's errors, in words: what one means, how bad it is, what to do.

Meanings are those of NVIDIA's XID catalogue (docs.nvidia.com/deploy/xid-errors), in our own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Severity = Literal["application", "unknown", "warning", "critical"]
"""How bad it is, the worst last."""

_RESET = "Drain the GPU and reset it; if it comes back, have the GPU checked."
_PROGRAM = "Look at the program that ran: most often its own mistake."
_NONE = "Nothing, unless it comes often."
_LINK = "Check cables, bridges and switch of the link; reset the GPU."
_FIRMWARE = "Reset the GPU or reboot, and update the driver if it comes back."
_LOG = "See the kernel's log for lines with Xid, and NVIDIA's XID catalogue."


@dataclass(frozen=True)
class Xid:
    """`application`: the program's own fault is the likeliest cause, the GPU goes on."""

    number: int
    words: str
    severity: Severity
    advice: str


_CATALOGUE: tuple[tuple[int, str, Severity, str], ...] = (
    (8, "The GPU did not finish work in time", "application", _PROGRAM),
    (13, "A program failed in the graphics engine", "application", _PROGRAM),
    (31, "A program used memory that is not its own", "application", _PROGRAM),
    (32, "A stream of commands was corrupted", "warning", "Check PCIe and the driver."),
    (38, "The driver's firmware failed", "warning", _FIRMWARE),
    (43, "The GPU stopped work on a program", "application", _PROGRAM),
    (44, "The graphics engine failed in a change of program", "warning", _FIRMWARE),
    (45, "Work was cleared away after an error before", "application", "See the XID before."),
    (46, "The GPU stopped processing", "critical", _RESET),
    (48, "An uncorrectable memory error (double bit)", "critical", _RESET),
    (54, "The power cable is not connected", "critical", "Check the auxiliary power."),
    (56, "The display engine failed", "warning", _FIRMWARE),
    (57, "The memory's link could not be set up", "critical", _RESET),
    (58, "The memory's link is not stable", "critical", _RESET),
    (61, "The GPU's microcontroller warned", "warning", _FIRMWARE),
    (62, "The GPU's microcontroller halted", "critical", _RESET),
    (
        63,
        "A memory row or page was marked for replacement",
        "warning",
        "Reset the GPU when it is free: the spare is used from then on.",
    ),
    (64, "A memory row or page could not be marked for replacement", "critical", _RESET),
    (65, "The video engine failed", "warning", _FIRMWARE),
    (66, "The driver accessed memory that is not its own", "warning", _FIRMWARE),
    (68, "The video decoder failed", "application", _PROGRAM),
    (69, "A program gave the graphics engine a wrong command", "application", _PROGRAM),
    (74, "NVLink failed", "critical", _LINK),
    (78, "A virtual GPU did not start", "warning", _LOG),
    (
        79,
        "The GPU fell off the bus",
        "critical",
        "Check power, heat and seating; it is back after a reboot at the earliest.",
    ),
    (80, "Data sent to the GPU was corrupted", "critical", "Check PCIe: cable, slot, riser."),
    (92, "Many corrected memory errors", "warning", "Watch it; have the GPU checked."),
    (93, "The GPU's settings memory wears out", "warning", _LOG),
    (
        94,
        "A memory error, contained in one program",
        "warning",
        "Start that program again; reset the GPU when it is free.",
    ),
    (95, "A memory error that no program could contain", "critical", _RESET),
    (109, "A change of program took too long", "warning", _FIRMWARE),
    (110, "A security fault", "critical", _LOG),
    (119, "The GPU's system processor (GSP) did not answer", "critical", _FIRMWARE),
    (120, "The GPU's system processor (GSP) failed", "critical", _FIRMWARE),
    (121, "The link between chips (C2C) corrected an error", "warning", _NONE),
    (122, "The settings memory could not be read", "warning", _LOG),
    (123, "The settings memory could not be written", "warning", _LOG),
    (136, "A link could not be trained", "critical", _LINK),
    (137, "A program failed on memory of another GPU, over NVLink", "application", _PROGRAM),
    (140, "A memory error that could not be corrected", "critical", _RESET),
    (143, "The GPU could not be started", "critical", _RESET),
    *((number, "NVLink failed", "critical", _LINK) for number in range(144, 151)),
    (154, "The driver says what the GPU needs to recover", "warning", _LOG),
)
_KNOWN = {entry[0]: Xid(*entry) for entry in _CATALOGUE}


def decoded(number: int) -> Xid:
    """What an XID means; one that is not known here says so."""
    unknown = Xid(number, "An error that is not known here", "unknown", _LOG)
    return _KNOWN.get(number, unknown)


def severities(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """How bad each is, as the place of its severity; -1 where a number is missing (NaN)."""
    order = get_args(Severity)
    found = np.full(len(numbers), -1, np.int64)
    for number in np.unique(numbers[~np.isnan(numbers)]).tolist():
        found[numbers == number] = order.index(decoded(int(number)).severity)
    return found


def name(number: int) -> str:
    """`XID 79`."""
    return f"XID {number}"
