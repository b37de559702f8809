"""Who holds most of a GPU's memory, in a few words."""

from __future__ import annotations

from monitor.metrics import PROCESS
from monitor.queries.latest import Latest
from monitor.sources.base import Row

_UNSEEN = {"dead": "an ended process", "elsewhere": "another namespace"}


def memory_holders(latest: Latest) -> dict[str, str]:
    """By GPU the process with most memory of those that report it: `python (alice)`."""
    most: dict[str, Row] = {}
    for row in latest.table(PROCESS.name).values():
        device = str(row["device"])
        if _held(row) > _held(most.get(device, {})):
            most[device] = row
    return {device: _named(row) for device, row in most.items()}


def _held(row: Row) -> int:
    held = row.get("gpu_memory_bytes")
    return held if isinstance(held, int) else 0


def _named(row: Row) -> str:
    unseen = _UNSEEN.get(str(row.get("visibility")))
    name, user = row.get("name") or f"pid {row.get('pid')}", row.get("user")
    return unseen or (f"{name} ({user})" if user else str(name))
