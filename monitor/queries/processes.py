"""The processes on the GPUs now, and memory of a GPU that no process to be seen holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from monitor import units
from monitor.metrics import PROCESS
from monitor.queries.latest import Latest, short_name
from monitor.queries.snapshot import current_rows
from monitor.sources.base import DeviceState, Row
from monitor.storage.buffer import Buffer

Cause = Literal["dead", "elsewhere", "unlisted"]
"""Why nobody is seen to hold memory: its process has ended, it runs in another PID namespace, or
the driver lists none."""

# Each process's number has its CUDA context in it, so no process accounts only for a display, for
# what the driver did not set apart, and for rounding: hundreds of MiB, whatever the card's size.
_OWN_BYTES = 600 << 20
# Before 510 a driver counts its own share as used: page tables and ECC, which grow with the card.
_OWN_SHARE = 0.03
READ_EVERY_MS = 2_000
"""Processes are read so often, or with each tick where that is longer, and shown a tick later."""
# Memory is of the tick itself: what a process has taken since the reading is its own.
_READINGS = 2.5
_MOST_PIDS = 3


@dataclass(frozen=True)
class Unaccounted:
    """Memory of one GPU, in bytes, that no visible process holds; None where it is not reported."""

    device: str
    index: int | None
    bytes: int | None
    cause: Cause
    reason: str


@dataclass(frozen=True)
class GpuProcesses:
    """A row for each process and GPU, most GPU memory first; what is not reported comes last."""

    gpus: Sequence[DeviceState]
    rows: Sequence[Row]
    unaccounted: Sequence[Unaccounted]

    @property
    def active(self) -> int:
        """How many run: one on several GPUs counts once, one that has ended does not."""
        return len({row.get("pid") for row in self.rows if row.get("visibility") != "dead"})

    def of(self, devices: Collection[str]) -> GpuProcesses:
        """Those of some GPUs."""
        return GpuProcesses(
            [gpu for gpu in self.gpus if gpu.device in devices],
            [row for row in self.rows if row["device"] in devices],
            [held for held in self.unaccounted if held.device in devices],
        )


def gpu_processes(latest: Latest, steady: Mapping[str, float]) -> GpuProcesses:
    """Every GPU's processes. `steady` is what `steady_memory` answers.

    No memory is said to be held by nobody where that of a visible process is not reported, nor on
    a GPU that is split into MIG instances: each of those speaks for itself. Nor is any where the
    GPU shares the system's memory, or the driver lists no processes.
    """
    gpus = latest.gpus()
    order = {gpu.device: at for at, gpu in enumerate(gpus)}
    rows = sorted(
        (row for row in latest.table(PROCESS.name).values() if row["device"] in order),
        key=lambda row: _order(row, order[str(row["device"])]),
    )
    split = {gpu.facts.get("parent") for gpu in gpus if gpu.facts.get("mig_index") is not None}
    found: list[Unaccounted] = []
    for gpu in gpus:
        if gpu.device not in split:
            held = [row for row in rows if row["device"] == gpu.device]
            found += _of_gpu(latest, gpu, held, steady.get(gpu.device))
    return GpuProcesses(gpus, rows, found)


def steady_memory(latest: Latest, memory: Buffer) -> dict[str, float]:
    """By GPU the bytes in use ever since its processes were read; `memory` is the `gpu` table's."""
    if latest.time is None:
        return {}
    interval = latest.recorder.get("interval")
    every = max(READ_EVERY_MS, 1000 * interval if isinstance(interval, (int, float)) else 0)
    rows = memory.columns(latest.time - round(_READINGS * every), latest.time + 1)
    steady = {}
    for code, device in enumerate(rows.devices):
        used = rows["memory_used_bytes"][rows.device_codes == code]
        if len(used) and not np.isnan(used).any():
            steady[device] = float(used.min())
    return steady


def _order(row: Row, gpu: int) -> tuple[bool, int, int, int]:
    memory, pid = row.get("gpu_memory_bytes"), row.get("pid")
    return (
        memory is None,
        -memory if isinstance(memory, int) else 0,
        gpu,
        pid if isinstance(pid, int) else 0,
    )


def _of_gpu(
    latest: Latest, gpu: DeviceState, rows: Sequence[Row], used: float | None
) -> list[Unaccounted]:
    dead = [row for row in rows if row.get("visibility") == "dead"]
    elsewhere = [row for row in rows if row.get("visibility") == "elsewhere"]
    unlisted = None
    if _lists_holders(gpu):
        unlisted = _unlisted(current_rows(latest, "gpu").get(gpu.device, {}), rows, used)
    # What is left over is theirs where the driver lists them without their memory.
    rest_of: Cause = "unlisted"
    if _unknown(dead):
        rest_of = "dead"
    elif _unknown(elsewhere):
        rest_of = "elsewhere"
    found = []
    hiding: tuple[tuple[Cause, list[Row]], ...] = (("dead", dead), ("elsewhere", elsewhere))
    for cause, hidden in hiding:
        if hidden:
            held = _known(hidden) + (unlisted or 0 if rest_of == cause else 0)
            found.append(_said(gpu, held or None, cause, _whose(cause, hidden)))
    if unlisted and rest_of == "unlisted":
        if _own_namespace(latest):
            whose = (
                "in another PID namespace: this monitor runs in one of its own and cannot see "
                "which process it is"
            )
            found.append(_said(gpu, unlisted, "elsewhere", whose))
        else:
            found.append(_said(gpu, unlisted, "unlisted", "by no process that the driver lists"))
    return found


def _lists_holders(gpu: DeviceState) -> bool:
    """Whether who holds its memory would be in the list of its processes."""
    shared = gpu.facts.get("memory_kind") == "shared"
    return not shared and gpu.facts.get("process_list", "reported") == "reported"


def _unlisted(gpu: Row, rows: Sequence[Row], used: float | None) -> int | None:
    """Bytes in use beyond what the listed processes hold; None where that cannot be known."""
    visible = [row for row in rows if row.get("visibility") not in {"dead", "elsewhere"}]
    if used is None or gpu.get("memory_used_bytes") is None or _unknown(visible):
        return None
    rest = int(used) - _known(rows)
    return rest if rest > _own_bytes(gpu) else None


def _own_bytes(row: Row) -> float:
    """What no process needs to account for."""
    total = row.get("memory_total_bytes")
    if row.get("memory_reserved_bytes") is not None or not isinstance(total, (int, float)):
        return _OWN_BYTES
    return max(_OWN_BYTES, _OWN_SHARE * total)


def _own_namespace(latest: Latest) -> bool:
    host = latest.devices.get("host", {}).get("host")
    return host is not None and host.facts.get("pid_namespace") == "own"


def _said(gpu: DeviceState, held: int | None, cause: Cause, whose: str) -> Unaccounted:
    amount = "Memory is" if held is None else f"{units.BYTES.text(held)} are"
    index = gpu.facts.get("index")
    return Unaccounted(
        gpu.device,
        index if isinstance(index, int) else None,
        held,
        cause,
        f"{short_name(gpu)}: {amount} held {whose}.",
    )


def _whose(cause: Cause, rows: Sequence[Row]) -> str:
    names = [_named(row) for row in rows]
    listed = ", ".join(names[:_MOST_PIDS])
    if len(names) > _MOST_PIDS:
        listed += f" and {len(names) - _MOST_PIDS} more"
    one = len(names) == 1
    process = "process" if one else "processes"
    if cause == "dead":
        return f"by {process} {listed}, which {'has' if one else 'have'} ended"
    return f"by {process} {listed} in another PID namespace"


def _named(row: Row) -> str:
    name = row.get("name")
    return f"{row.get('pid')} ({name})" if name else f"{row.get('pid')}"


def _unknown(rows: Sequence[Row]) -> bool:
    return any(row.get("gpu_memory_bytes") is None for row in rows)


def _known(rows: Sequence[Row]) -> int:
    return sum(int(row.get("gpu_memory_bytes") or 0) for row in rows)
