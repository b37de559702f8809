"""What the page's hardware tiles show of a tick, and what a PCIe link can do.

Tiles are drawn for one GPU at a time and the tick is sent to all viewers, so values go as they
are, a short list for each GPU; assets/hardware.js writes them with their unit.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.metrics import FANS
from monitor.queries.clock_events import reasons
from monitor.queries.latest import Latest
from monitor.sources.base import Row

ACTIVITY = (
    "sm_active_percent",
    "sm_occupancy_percent",
    "tensor_active_percent",
    "dram_active_percent",
)
"""Columns that a MIG instance has of its own."""

HARDWARE = (
    "graphics_clock_mhz",
    "sm_clock_mhz",
    "memory_clock_mhz",
    "video_clock_mhz",
    "pcie_rx_bytes_per_second",
    "pcie_tx_bytes_per_second",
    "pcie_link_generation",
    "pcie_link_width",
    "nvlink_rx_bytes_per_second",
    "nvlink_tx_bytes_per_second",
    "encoder_percent",
    "decoder_percent",
    "jpeg_percent",
    "ofa_percent",
    *ACTIVITY,
    *(f"fan_{fan}_percent" for fan in range(FANS)),
    "fan_percent",
    "performance_state",
    "power_limit_watts",
)
"""Columns of the `gpu` table, in the order of the lists."""

# After 8b/10b (generations 1 and 2), 128b/130b, and PAM4 with its error correction (6).
_LANE_BYTES_PER_SECOND = {1: 250e6, 2: 500e6, 3: 984.6e6, 4: 1969e6, 5: 3938e6, 6: 7563e6}
_BUSY_PERCENT = 20.0
_BUSY_SHARE = 0.05
# Below these a GPU saves power, and lets its link rest however little it has to do.
_FAST_STATES = 2


def hardware(latest: Latest, rows: Mapping[str, Row]) -> dict[str, list[object]]:
    """By device, from rows by device: the values of `HARDWARE` and three more.

    These are what the PCIe link can carry in bytes a second, 1 where it is below its best under
    load, and [name, kind] of each clock event reason or None. A MIG instance has those of its GPU,
    but for `ACTIVITY`.
    """
    found: dict[str, list[object]] = {}
    states = latest.devices.get("gpu", {})
    for gpu in latest.gpus():
        whole = states.get(str(gpu.facts.get("parent")), gpu)
        row, own = rows.get(whole.device, {}), rows.get(gpu.device, {})
        mask = row.get("clock_event_reasons")
        found[gpu.device] = [
            *(_short((own if column in ACTIVITY else row).get(column)) for column in HARDWARE),
            _short(link_capacity(row.get("pcie_link_generation"), row.get("pcie_link_width"))),
            int(is_below_best(row, whole.facts)),
            [[reason.name, reason.kind] for reason in reasons(mask)]
            if isinstance(mask, int)
            else None,
        ]
    return found


def link_capacity(generation: object, width: object) -> float | None:
    """Bytes a second that a PCIe link carries in one direction; None where it is not known."""
    if not isinstance(generation, int) or not isinstance(width, int):
        return None
    lane = _LANE_BYTES_PER_SECOND.get(generation)
    return lane * width if lane and width else None


def is_below_best(row: Row, facts: Mapping[str, object]) -> bool:
    """Whether the GPU works and its link is slower or narrower than it could be.

    An idle GPU lets its link rest, which is as it should be.
    """
    now = row.get("pcie_link_generation"), row.get("pcie_link_width")
    best = facts.get("max_pcie_generation"), facts.get("max_pcie_width")
    lower = any(
        isinstance(is_, int) and isinstance(could_be, int) and is_ < could_be
        for is_, could_be in zip(now, best, strict=True)
    )
    return lower and _works(row)


def _works(row: Row) -> bool:
    state = row.get("performance_state")
    if isinstance(state, int) and state > _FAST_STATES:
        return False
    capacity = link_capacity(row.get("pcie_link_generation"), row.get("pcie_link_width"))
    traffic = max(_number(row, f"pcie_{way}_bytes_per_second") for way in ("rx", "tx"))
    return _number(row, "utilization_percent") >= _BUSY_PERCENT or bool(
        capacity and traffic >= _BUSY_SHARE * capacity
    )


def _number(row: Row, column: str) -> float:
    value = row.get(column)
    return value if isinstance(value, (int, float)) else 0.0


def _short(value: object) -> int | None:
    """Whole: no tile shows more."""
    return round(value) if isinstance(value, (int, float)) else None
