"""One tick as the page shows it: each reading as text, raw value, share of its bar, and state.

Made once per tick for all viewers. A reading is a list, to keep it small on the wire:
[number, symbol, raw value, percent of its bar, state, caption, peak of the last hour,
where the bar has its mark, badge, full scale of its sparkline, used/total].
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from monitor import units
from monitor.metrics import TABLES, Metric, Table
from monitor.queries.captions import HOLDER, caption, in_unit_of, missing_caption, used_of
from monitor.queries.hardware import hardware
from monitor.queries.holders import memory_holders
from monitor.queries.latest import Latest
from monitor.queries.limits import full_scale
from monitor.queries.notices import gpu_trouble, notices
from monitor.queries.sparks import DISK_IO, shown_metric, value_of
from monitor.sources.base import DeviceState, Row
from monitor.sources.clock_reasons import HW_SLOWDOWN, POWER_BRAKE, POWER_CAP, THERMAL

Reading = list[object]

_WARM_CELSIUS = 10.0
"""This far below its limit a temperature is amber."""

SHOWN: Mapping[str, tuple[str, ...]] = {
    "host": (
        "cpu_percent",
        "memory_used_bytes",
        "swap_used_bytes",
        "disk_io_bytes_per_second",
    ),
    "disk": ("used_bytes",),
    "gpu": (
        "utilization_percent",
        "memory_used_bytes",
        "temperature_celsius",
        "power_watts",
        "memory_clock_mhz",
        "ecc_uncorrected_count",
    ),
    "zone": ("temperature_celsius",),
    "rail": ("power_watts",),
}
"""Columns in a snapshot. `disk_io_bytes_per_second` is read and write together."""


def snapshot(
    latest: Latest,
    peaks: Mapping[str, Mapping[str, Mapping[str, float]]],
    *,
    brief: Collection[str] = (),
) -> dict[str, object]:
    """The newest tick for the page. `peaks` is table → column → device → highest in the hour.

    Readings of the metrics in `brief`, such as "gpu.power_watts", end after their state.
    """
    readings: dict[str, dict[str, Reading]] = {}
    holders = memory_holders(latest)
    for name, columns in SHOWN.items():
        table = TABLES[name]
        states = latest.devices.get(name, {})
        for column in columns:
            metric = shown_metric(table, column)
            highest = peaks.get(name, {}).get(column, {})
            told = f"{name}.{column}"
            readings[told] = {
                device: _reading(
                    table,
                    metric,
                    row,
                    states.get(device),
                    highest,
                    None if told in brief else holders.get(device, ""),
                )
                for device, row in current_rows(latest, name).items()
            }
    return {
        "sequence": latest.sequence,
        "time": latest.time,
        "interval": latest.recorder.get("interval", 1.0),
        "started": latest.recorder.get("started"),
        "readings": readings,
        "hardware": hardware(latest, current_rows(latest, "gpu")),
        "cores": cores(latest),
        "gpus": {gpu.device: [gpu.status, gpu.reason] for gpu in latest.gpus()},
        "layout": layout(latest),
        "notices": notices(latest),
    }


def current_rows(latest: Latest, name: str) -> Mapping[str, Row]:
    """The table's rows by device. A GPU that did not answer has a row without readings."""
    rows = latest.table(name)
    if name != "gpu":
        return rows
    return {
        gpu.device: rows.get(gpu.device, {}) if gpu.status in {"ok", "asleep"} else {}
        for gpu in latest.gpus()
    }


def cores(latest: Latest) -> list[int | None]:
    """The load of each core in whole percent, in the cores' order."""
    loads = latest.table("core")
    values = [value_of(loads[core], "cpu_percent") for core in sorted(loads, key=int)]
    return [None if value is None else round(value) for value in values]


def layout(latest: Latest) -> list[object]:
    """What the page is built for: GPUs with a sum over their facts, mounts, why no GPU, sensors."""
    gpus = [[gpu.device, gpu.facts_checksum] for gpu in latest.gpus()]
    board = [*latest.table("zone"), *latest.table("rail")]
    return [gpus, list(latest.table("disk")), list(gpu_trouble(latest)), board]


def _reading(
    table: Table,
    metric: Metric,
    row: Row,
    state: DeviceState | None,
    peaks: Mapping[str, float],
    holder: str | None,
) -> Reading:
    """`holder` is None for a brief one."""
    value = value_of(row, metric.column)
    facts = state.facts if state else {}
    full = full_scale(metric, row, facts)
    absent = full == 0  # nothing there to be used, such as swap
    peak = None if absent else peaks.get(str(row.get("device", state.device if state else "")))
    bar_full = peak if metric is DISK_IO else full
    percent = 100 * value / bar_full if value is not None and bar_full else None
    if value is None or absent:
        number, symbol = units.NOT_REPORTED, ""
    elif metric.unit is units.BYTES and full:
        number, symbol = in_unit_of(full, value)
    else:
        number, symbol = _words(table, metric, value)
    how = "missing" if absent else state_of(metric, value, percent, facts)
    begun: Reading = [
        number,
        symbol,
        value,
        None if percent is None else round(min(100.0, percent), 1),
        how,
    ]
    if holder is None:
        return begun
    words = caption(table.name, metric.column, row, {**facts, HOLDER: holder})
    return [
        *begun,
        missing_caption(table, row, state, words, seen=peak is not None)
        if value is None
        else words,
        "" if peak is None else _peak_text(table, metric, peak, full),
        _mark(metric, full, facts),
        badge(table.name, metric.column, row, how, state),
        full or None,
        used_of(value, full) if metric.unit is units.BYTES else "",
    ]


def _mark(metric: Metric, full: float | None, facts: Mapping[str, object]) -> float | None:
    if metric.warn_at is None or not full or metric.unit is units.PERCENT:
        return None
    limit = metric.warn_at.of(facts)
    return round(limit if metric.warn_at.share else 100 * limit / full, 1)


def badge(table: str, column: str, row: Row, how: str, state: DeviceState | None = None) -> str:
    """A word beside the label: what is wrong, where something is."""
    if table == "gpu" and state and state.status != "ok":
        return state.status
    reasons = row.get("clock_event_reasons")
    slowed = _slowed(column, reasons) if table == "gpu" and isinstance(reasons, int) else ""
    if slowed:
        return slowed
    if (table, column) == ("gpu", "temperature_celsius"):
        return "hot" if how == "warning" else ""
    if how in {"warning", "critical"}:
        return "nearly full" if column.endswith("_bytes") else "high"
    return ""


def _slowed(column: str, reasons: int) -> str:
    """Why clocks are held down, on the card of what holds them."""
    if column == "temperature_celsius" and reasons & THERMAL:
        return "throttling"
    if column == "power_watts" and reasons & (POWER_BRAKE | POWER_CAP):
        return "power brake" if reasons & POWER_BRAKE else "power cap"
    # The hardware sets it beside its reason, where that is known.
    if column == "utilization_percent" and reasons & HW_SLOWDOWN:
        return "" if reasons & (THERMAL | POWER_BRAKE) else "hardware slowdown"
    return ""


def state_of(
    metric: Metric, value: float | None, percent: float | None, facts: Mapping[str, object]
) -> str:
    """`ok`, `warm` (a temperature near its limit), `warning`, `critical`, or `missing`."""
    if value is None:
        return "missing"
    for name, limit in (("critical", metric.critical_at), ("warning", metric.warn_at)):
        if limit is None:
            continue
        measured = percent if limit.share else value
        if measured is not None and measured >= limit.of(facts):
            return name
    if metric.unit is units.CELSIUS and metric.warn_at is not None:
        return "warm" if value >= metric.warn_at.of(facts) - _WARM_CELSIUS else "ok"
    return "ok"


def _words(table: Table, metric: Metric, value: float) -> tuple[str, str]:
    if metric.unit is units.PERCENT and table.name == "gpu":
        return f"{value:.0f}", "%"  # NVML counts whole percents
    return metric.unit.split(value)


def _peak_text(table: Table, metric: Metric, peak: float, full: float | None) -> str:
    if metric.unit is units.BYTES and full:
        return f"{100 * peak / full:.0f} %"
    return " ".join(_words(table, metric, peak))
