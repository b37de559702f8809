"""The quiet line under each large number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.metrics import Table
from monitor.sources.base import DeviceState, Row
from monitor.units import (
    BYTES,
    BYTES_PER_SECOND,
    CELSIUS,
    MEGAHERTZ,
    PERCENT,
    RATIO,
    WATTS,
)

Facts = Mapping[str, object]
HOLDER = "holder"
"""Beside a GPU's facts: which process holds most of its memory."""

_BYTES_OF = {symbol: 1024**at for at, symbol in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))}


def caption(table: str, column: str, row: Row, facts: Facts) -> str:
    """Words beside a reading; parts that the machine does not report are left out."""
    write = _CAPTIONS.get(f"{table}.{column}")
    return " · ".join(part for part in write(row, facts) if part) if write else ""


def missing_caption(
    table: Table, row: Row, state: DeviceState | None, words: str, *, seen: bool
) -> str:
    """Why there is no number: the device's own reason, a gap, or never reported."""
    if state and state.status != "ok" and state.reason:
        return state.reason
    if seen or not row:
        return "no reading this tick"
    never = f"not reported by this {'GPU' if table.name == 'gpu' else 'machine'}"
    return " · ".join(part for part in (never, words) if part)


def in_unit_of(full: float, value: float) -> tuple[str, str]:
    """Bytes as (number, symbol) in the unit that suits `full`, so that both are compared."""
    symbol = BYTES.split(full)[1]
    return f"{value / _BYTES_OF[symbol]:,.{0 if symbol == 'B' else 1}f}", symbol


def used_of(value: float | None, full: float | None) -> str:
    """`11.2/125.6 GiB`; empty where there is nothing to be used."""
    if value is None or not full:
        return ""
    total, symbol = in_unit_of(full, full)
    return f"{in_unit_of(full, value)[0]}/{total} {symbol}"


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _of(row: Row, column: str, unit: object, before: str = "", after: str = "") -> str:
    value = _number(row.get(column))
    return "" if value is None else f"{before}{unit.text(value)}{after}"  # type: ignore[attr-defined]


def _share(row: Row, part: str, whole: str) -> str:
    used, total = _number(row.get(part)), _number(row.get(whole))
    return PERCENT.text(100 * used / total) if used is not None and total else ""


def _like_total(row: Row, column: str, text: str) -> str:
    value, total = _number(row.get(column)), _number(row.get("memory_total_bytes"))
    return "" if value is None or not total else text.format(*in_unit_of(total, value))


def _cpu(row: Row, facts: Facts) -> list[str]:
    cores, clock = _number(facts.get("cores")), _number(row.get("cpu_frequency_mhz"))
    return [
        f"{cores:.0f} core{'' if cores == 1 else 's'}" if cores else "",
        _of(row, "load_1m", RATIO, "load "),
        f"{clock / 1000:.1f} GHz" if clock else "",
        _of(row, "cpu_temperature_celsius", CELSIUS),
    ]


def _memory(row: Row, facts: Facts) -> list[str]:
    return [
        _of(row, "memory_total_bytes", BYTES, "of "),
        _share(row, "memory_used_bytes", "memory_total_bytes"),
        _like_total(row, "memory_cached_bytes", "cache {} {}"),
    ]


def _swap(row: Row, facts: Facts) -> list[str]:
    if row.get("swap_total_bytes") == 0:
        return ["no swap on this machine"]
    pressure = _number(row.get("pressure_memory_percent"))
    pressed = "" if pressure is None else f"pressure {PERCENT.text(pressure)}"
    return [
        _of(row, "swap_total_bytes", BYTES, "of "),
        "no pressure" if pressure is not None and pressure < 0.05 else pressed,
    ]


def _disk_io(row: Row, facts: Facts) -> list[str]:
    return [
        _of(row, "disk_read_bytes_per_second", BYTES_PER_SECOND, "read "),
        _of(row, "disk_write_bytes_per_second", BYTES_PER_SECOND, "write "),
    ]


def _disk(row: Row, facts: Facts) -> list[str]:
    used, total = _number(row.get("used_bytes")), _number(row.get("total_bytes"))
    return [
        used_of(used, total).replace("/", " / "),
        _share(row, "used_bytes", "total_bytes"),
    ]


def _gpu(row: Row, facts: Facts) -> list[str]:
    # A Jetson has one clock for all of it.
    name = "SM " if row.get("sm_clock_mhz") is not None else ""
    domain = "sm" if name else "graphics"
    clock = _number(row.get(f"{domain}_clock_mhz"))
    best = _number(facts.get(f"max_{domain}_clock_mhz"))
    state = _number(row.get("performance_state"))
    clocks = "" if clock is None else f"{name}{MEGAHERTZ.text(clock)}"
    if clock is not None and best:
        clocks = f"{name}{clock:,.0f} of {MEGAHERTZ.text(best)}"
    lock = "locked" if facts.get("graphics_clock_lock") == "locked" else ""
    return [clocks, lock, "" if state is None else f"P{state:.0f}"]


def _gpu_memory(row: Row, facts: Facts) -> list[str]:
    return [
        _of(row, "memory_total_bytes", BYTES, "of "),
        "shared with the CPU" if facts.get("memory_kind") == "shared" else "",
        _share(row, "memory_used_bytes", "memory_total_bytes"),
        # Not both: a card has room for one.
        str(facts.get(HOLDER) or "") or _like_total(row, "memory_reserved_bytes", "{} {} reserved"),
        "used includes the driver's share" if facts.get("memory_kind") == "v1" else "",
    ]


def _gpu_temperature(row: Row, facts: Facts) -> list[str]:
    fan = _number(row.get("fan_percent"))
    no_fan = "no fan" if facts.get("fan_count") == 0 else ""
    return [
        _of(dict(facts), "slowdown_temperature_celsius", CELSIUS, "slows at "),  # type: ignore[arg-type]
        _of(row, "memory_temperature_celsius", CELSIUS, "memory "),
        no_fan if fan is None else f"fan {fan:.0f} %",
    ]


def _gpu_power(row: Row, facts: Facts) -> list[str]:
    return [_of(row, "power_limit_watts", WATTS, "of "), str(facts.get("power_scope") or "")]


_CAPTIONS: Mapping[str, Callable[[Row, Facts], list[str]]] = {
    "host.cpu_percent": _cpu,
    "host.memory_used_bytes": _memory,
    "host.swap_used_bytes": _swap,
    "host.disk_io_bytes_per_second": _disk_io,
    "disk.used_bytes": _disk,
    "gpu.utilization_percent": _gpu,
    "gpu.memory_used_bytes": _gpu_memory,
    "gpu.temperature_celsius": _gpu_temperature,
    "gpu.power_watts": _gpu_power,
}
