"""Memory, load and pressure: numbers that the kernel gives almost as we show them."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.sources.base import Row
from monitor.sources.rates import Rates

_KIB = 1024


def memory_columns(meminfo: bytes) -> Row:
    """Host columns from the content of /proc/meminfo."""
    sizes: dict[bytes, int] = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(b":")
        fields = rest.split()
        if fields and fields[0].isdigit():
            sizes[name] = int(fields[0]) * _KIB
    total, available = sizes.get(b"MemTotal"), sizes.get(b"MemAvailable")
    swap_total, swap_free = sizes.get(b"SwapTotal"), sizes.get(b"SwapFree")
    return {
        "memory_used_bytes": _minus(total, available),
        "memory_available_bytes": available,
        "memory_cached_bytes": _cached(sizes),
        "memory_total_bytes": total,
        "swap_used_bytes": _minus(swap_total, swap_free),
        "swap_total_bytes": swap_total,
    }


def load_columns(loadavg: bytes) -> Row:
    """Host columns from the content of /proc/loadavg."""
    fields = loadavg.split()
    return {"load_1m": float(fields[0])} if fields else {}


def pressure_columns(pressure: Mapping[str, bytes], rates: Rates, now: float) -> Row:
    """Host columns from the contents of /proc/pressure/*: shares since the last call."""
    row: Row = {}
    for resource, content in pressure.items():
        share = rates.per_second(resource, _stalled_microseconds(content), now)
        row[f"pressure_{resource}_percent"] = None if share is None else min(100.0, share / 1e4)
    return row


def _cached(sizes: Mapping[bytes, int]) -> int | None:
    if b"Cached" not in sizes:
        return None
    return sum(sizes.get(name, 0) for name in (b"Cached", b"Buffers", b"SReclaimable"))


def _minus(total: int | None, part: int | None) -> int | None:
    return None if total is None or part is None else max(0, total - part)


def _stalled_microseconds(content: bytes) -> int | None:
    for line in content.splitlines():
        microseconds = line.rpartition(b"total=")[2]
        if line.startswith(b"some ") and microseconds.isdigit():
            return int(microseconds)
    return None
