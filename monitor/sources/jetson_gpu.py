"""Load, clock and memory of a Jetson's GPU, from sysfs and /proc/meminfo."""

from __future__ import annotations

from monitor.sources.base import Row
from monitor.sources.host_memory import memory_columns
from monitor.sources.jetson_place import Place
from monitor.sources.kernel_files import KernelFiles

_EMC_CLOCKS = ("sys/kernel/debug/bpmp/debug/clk/emc/rate", "sys/class/devfreq/bwmgr/cur_freq")


def gpu_columns(files: KernelFiles, place: Place) -> Row:
    """Columns of the `gpu` table. Memory is the machine's own: the GPU has no other."""
    memory = memory_columns(files.once("proc/meminfo").encode())
    return {
        "utilization_percent": _percent(files.number(place.load) if place.load else None),
        "memory_used_bytes": memory["memory_used_bytes"],
        "memory_total_bytes": memory["memory_total_bytes"],
        "graphics_clock_mhz": _clock(files, place, "cur_freq"),
        "memory_clock_mhz": _memory_clock(files),
    }


def gpu_facts(files: KernelFiles, place: Place) -> Row:
    """Facts of the `gpu` table: its best clock, and whether jetson_clocks holds it there."""
    lowest, highest = _clock(files, place, "min_freq"), _clock(files, place, "max_freq")
    steps = files.once(f"{place.clock}/available_frequencies").split() if place.clock else []
    best = max((int(step) / 1e6 for step in steps if step.isdecimal()), default=highest)
    lock = None
    if lowest is not None and highest is not None:
        lock = "locked" if lowest == highest else "free"
    memory = memory_columns(files.once("proc/meminfo").encode())
    return {
        "max_graphics_clock_mhz": best,
        "graphics_clock_lock": lock,
        "memory_total_bytes": memory["memory_total_bytes"],
        "memory_kind": "shared",
    }


def _percent(load: int | None) -> float | None:
    """The driver counts in thousandths."""
    return None if load is None else min(100.0, max(0.0, load / 10))


def _clock(files: KernelFiles, place: Place, name: str) -> float | None:
    hertz = files.number(f"{place.clock}/{name}") if place.clock else None
    return None if hertz is None else hertz / 1e6


def _memory_clock(files: KernelFiles) -> float | None:
    """Most boards tell it to root alone."""
    for path in _EMC_CLOCKS:
        hertz = files.number(path)
        if hertz is not None:
            return hertz / 1e6
    return None
