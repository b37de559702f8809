"""What each metric of the catalogue is called outside: dcgm-exporter's name, node_exporter's, ours.

A name of theirs is used only where the number is the same one in the same unit; there its unit is
theirs too (MiB, mJ, ns, ratios). Ours is the column's name, and counters end in `_total`. HELP is
the catalogue's. How a label of dcgm-exporter's is spelled is in its etc/default-counters.csv.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from monitor import units
from monitor.exporters.families import Export, Family, Kind, of_column, rest
from monitor.metrics import GPU, TABLES, Metric, RollUp, Table
from monitor.sources.base import Row

PREFIX = "system_monitor"

_MIB = 1 << 20
_COUNTERS = (units.COUNT, units.JOULES, units.SECONDS_COUNTED)

UCUM: Mapping[units.Unit, str] = {
    units.PERCENT: "%",
    units.BYTES: "By",
    units.BYTES_PER_SECOND: "By/s",
    units.CELSIUS: "Cel",
    units.WATTS: "W",
    units.JOULES: "J",
    units.MEGAHERTZ: "MHz",
    units.SECONDS: "s",
    units.SECONDS_COUNTED: "s",
}
"""Units as OpenTelemetry writes them; what is not here has none."""

NODE_NAMES: Mapping[tuple[str, str], str] = {
    ("host", "load_1m"): "node_load1",
    ("host", "memory_total_bytes"): "node_memory_MemTotal_bytes",
    ("host", "memory_available_bytes"): "node_memory_MemAvailable_bytes",
    ("host", "swap_total_bytes"): "node_memory_SwapTotal_bytes",
}

# Sent in another way: as labels, or with its own rule.
APART = frozenset({("gpu", "index"), ("gpu", "xid"), ("process", "pid"), ("process", "started")})
# Of a process, what its GPU gives it. All else would be many more series.
_OF_PROCESS = frozenset({"gpu_memory_bytes", "sm_percent"})

_FAN = re.compile(r"fan_(\d+)_percent")
# DCGM reads these from the driver; here the recorder counts them at each tick.
_VIOLATIONS = {
    "sw_power_cap_seconds": "DCGM_FI_DEV_POWER_VIOLATION",
    "sync_boost_seconds": "DCGM_FI_DEV_SYNC_BOOST_VIOLATION",
    "board_limit_seconds": "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION",
    "reliability_seconds": "DCGM_FI_DEV_RELIABILITY_VIOLATION",
}


def is_exported(table: Table, metric: Metric) -> bool:
    """Whether the metric has a family of its own."""
    if metric.unit is units.TEXT or (table.name, metric.column) in APART:
        return False
    return table.name != "process" or metric.column in _OF_PROCESS


def _own_name(table: Table, metric: Metric) -> str:
    column = metric.column
    if metric.unit in _COUNTERS:
        column = f"{column.removesuffix('_count')}_total"
    return f"{PREFIX}_{table.name}_{column}"


def _kind(metric: Metric) -> Kind:
    counted = metric.unit in _COUNTERS and metric.roll_up is RollUp.LAST
    return "counter" if counted else "gauge"


def _mebibytes(value: float) -> float:
    return value / _MIB


def _thousandths(value: float) -> float:
    return round(value * 1000)  # the driver counts whole millijoules


def _billionths(value: float) -> float:
    return round(value * 1e9)


def _ratio(value: float) -> float:
    return value / 100


_OF_DCGM: Mapping[units.Unit, tuple[Callable[[float], float], str, str]] = {
    units.BYTES: (_mebibytes, "In MiB.", "MiBy"),
    units.JOULES: (_thousandths, "In mJ.", "mJ"),
}
# Of its percentages, those of its performance counters are ratios.
_OF_COUNTERS = (_ratio, "From 0 to 1.", "1")


def _export(table: Table, metric: Metric) -> Export:
    kind, unit = _kind(metric), UCUM.get(metric.unit, "")
    if metric.dcgm:
        convert, said, unit = _OF_DCGM.get(metric.unit, (None, "", unit))
        if metric.unit is units.PERCENT and metric.dcgm.startswith("DCGM_FI_PROF_"):
            convert, said, unit = _OF_COUNTERS
        family = Family(metric.dcgm, kind, f"{metric.help} {said}".rstrip(), unit)
        return Export(family, of_column(metric.column, convert))
    name = NODE_NAMES.get((table.name, metric.column)) or _own_name(table, metric)
    return Export(Family(name, kind, metric.help, unit), of_column(metric.column))


def _fans(metrics: Sequence[Metric]) -> list[Export]:
    name, said = f"{PREFIX}_{GPU.name}_fan_speed_percent", "Intended speed of each fan."
    family = Family(name, "gauge", said, "%")
    found = [(_FAN.fullmatch(metric.column), metric) for metric in metrics]
    return [
        Export(family, of_column(metric.column), (("fan", match[1]),))
        for match, metric in found
        if match
    ]


def _violation(column: str, name: str) -> Export:
    said = f"{GPU[column].help} In ns."
    return Export(Family(name, "counter", said, "ns"), of_column(column, _billionths))


def _exports(table: Table) -> tuple[Export, ...]:
    return tuple(
        _export(table, metric)
        for metric in table.metrics
        if is_exported(table, metric) and not (table is GPU and _FAN.fullmatch(metric.column))
    )


_free = rest("memory_total_bytes", "memory_used_bytes", "memory_reserved_bytes")


def _free_mebibytes(row: Row) -> float | None:
    free = _free(row)
    return None if free is None else _mebibytes(free)


_FREE_HELP = "Memory that processes may still have. In MiB."

EXPORTS: Mapping[str, tuple[Export, ...]] = {
    **{table.name: _exports(table) for table in TABLES.values()},
    "gpu": (
        *_exports(GPU),
        Export(Family("DCGM_FI_DEV_FB_FREE", "gauge", _FREE_HELP, "MiBy"), _free_mebibytes),
        *_fans(GPU.metrics),
        *(_violation(column, name) for column, name in _VIOLATIONS.items()),
    ),
    "host": (
        *_exports(TABLES["host"]),
        Export(
            Family("node_memory_SwapFree_bytes", "gauge", "Swap space that is free.", "By"),
            rest("swap_total_bytes", "swap_used_bytes"),
        ),
    ),
}
"""What leaves of each table's rows, in order."""
