"""What a page in Compare needs beside the snapshot, as text, made once per tick for all viewers.

Lists go by the order of the GPUs in the snapshot's layout, MIG instances behind their GPU.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor import units
from monitor.metrics import GPU, Metric
from monitor.queries.captions import in_unit_of
from monitor.queries.compare import Comparison
from monitor.queries.gpu_words import how_it_is, throttling
from monitor.queries.latest import Latest
from monitor.queries.limits import full_scale
from monitor.queries.snapshot import SHOWN, current_rows, state_of
from monitor.queries.sparks import SPARKS, value_of
from monitor.sources.base import Row

THROTTLING = "clock_event_reasons"
COMPARED_ROWS: Mapping[str, str] = {
    "utilization_percent": "Utilization",
    "memory_used_bytes": "Memory",
    "temperature_celsius": "Temperature",
    "power_watts": "Power",
    "sm_clock_mhz": "SM clock",
    "memory_clock_mhz": "Mem clock",
    "pcie_rx_bytes_per_second": "PCIe rx",
    "pcie_tx_bytes_per_second": "PCIe tx",
    "fan_percent": "Fan",
    THROTTLING: "Throttling",
}
"""The rows of a card, by column, with what a person calls them where there is little room."""

MORE_ROWS: Mapping[str, str] = {
    "memory_utilization_percent": "Mem activity",
    "memory_temperature_celsius": "Mem temp.",
    "power_limit_watts": "Power limit",
    "graphics_clock_mhz": "Graphics clk",
    "video_clock_mhz": "Video clock",
    "pcie_link_generation": "PCIe gen",
    "pcie_link_width": "PCIe width",
    "pcie_replay_count": "PCIe replays",
    "nvlink_rx_bytes_per_second": "NVLink rx",
    "nvlink_tx_bytes_per_second": "NVLink tx",
    "sm_active_percent": "SM active",
    "sm_occupancy_percent": "SM occup.",
    "tensor_active_percent": "Tensor cores",
    "dram_active_percent": "DRAM active",
    "encoder_percent": "Encoder",
    "decoder_percent": "Decoder",
    "jpeg_percent": "JPEG",
    "ofa_percent": "Optical flow",
    "ecc_corrected_count": "ECC corr.",
    "ecc_uncorrected_count": "ECC uncorr.",
    "remapped_rows_count": "Remapped",
    "xid_count": "XID errors",
}
"""The rows that a card has beside them where a person asks for more."""

COMPARED_METRICS = tuple(GPU[column] for column in COMPARED_ROWS if column != THROTTLING)
"""Those of the rows that have a mean."""
MORE_METRICS = tuple(GPU[column] for column in MORE_ROWS)
BRIEF = frozenset(f"gpu.{column}" for column in SPARKS["gpu"])
"""Metrics of the cards that Compare does not show, with their captions and peaks."""

# A bar of a rate is full at the highest of all, but never for less than this.
_LEAST_FULL_RATE = float(1 << 30)
_HIGHEST, _LOWEST, _BETWEEN = 1, -1, 0
MINUS = "\N{MINUS SIGN}"


def with_comparison(
    single: Mapping[str, object], latest: Latest, comparison: Comparison, *, more: bool = False
) -> dict[str, object]:
    """The snapshot `single` with the readings that only Compare shows, and with `compare`.

    Of `single`, the readings in BRIEF need no captions. `comparison` has COMPARED_METRICS at
    least, and MORE_METRICS where `more` is.
    `compare` is `marks`: by metric, for each GPU [1 the highest, -1 the lowest, 0; distance from
    the mean]; `heads`: for each GPU [its state in words, the kind of it]; `imbalance`: sentences.
    """
    readings: dict[str, Mapping[str, list[object]]] = dict(single["readings"])  # type: ignore[call-overload]
    rows = current_rows(latest, "gpu")
    columns = (*COMPARED_ROWS, *(MORE_ROWS if more else ()))
    for column in columns:
        if column not in SHOWN["gpu"]:
            readings[f"gpu.{column}"] = _readings(column, latest, rows, comparison)
    compare = {
        "marks": {
            f"gpu.{column}": _marks(column, rows, comparison)
            for column in columns
            if column != THROTTLING
        },
        "heads": [how_it_is(gpu, comparison.recent.get(gpu.device, {})) for gpu in comparison.gpus],
        "imbalance": comparison.imbalance,
    }
    return {**single, "readings": readings, "compare": compare}


def _readings(
    column: str, latest: Latest, rows: Mapping[str, Row], comparison: Comparison
) -> dict[str, list[object]]:
    """The beginning of each reading as a snapshot has it."""
    metric = GPU[column]
    if column == THROTTLING:
        return {device: throttling(row) for device, row in rows.items()}
    highest = max(comparison.values[column].values(), default=0.0)
    found: dict[str, list[object]] = {}
    for device, row in rows.items():
        value = value_of(row, column)
        facts = latest.devices["gpu"][device].facts
        full = full_scale(metric, row, facts)
        if metric.unit is units.BYTES_PER_SECOND:
            full = max(highest, _LEAST_FULL_RATE)
        percent = None if value is None or not full else round(min(100.0, 100 * value / full), 1)
        number, symbol = (units.NOT_REPORTED, "") if value is None else metric.unit.split(value)
        if metric.unit is units.PERCENT and value is not None:
            number = f"{value:.0f}"
        found[device] = [number, symbol, value, percent, state_of(metric, value, percent, facts)]
    return found


def _marks(column: str, rows: Mapping[str, Row], comparison: Comparison) -> list[list[object]]:
    compared = comparison.metrics.get(column)
    apart = comparison.from_mean[column]
    many = len(apart) > 1
    found: list[list[object]] = []
    for gpu in comparison.gpus:
        mark = _BETWEEN
        if compared and gpu.device in compared.highest:
            mark = _HIGHEST
        elif compared and gpu.device in compared.lowest:
            mark = _LOWEST
        off = apart.get(gpu.device) if many else None
        found.append([mark, "" if off is None else distance(GPU[column], off, rows[gpu.device])])
    return found


def distance(metric: Metric, off: float, row: Row) -> str:
    """`+12 %`, `+1.9 GiB`, `+159 MiB/s`: bytes in the unit of the total; empty for nothing."""
    size = abs(off)
    if metric.unit is units.BYTES:
        number, symbol = in_unit_of(value_of(row, "memory_total_bytes") or size, size)
    elif metric.unit is units.BYTES_PER_SECOND:
        number, symbol = metric.unit.split(size)
        known = float(number)
        number = f"{known:.0f}" if known >= 99.95 else f"{known:.3g}"
    else:
        symbol = metric.unit.symbol
        number = f"{size:,.0f}" if symbol else f"{size:,.1f}".removesuffix(".0")
    sign = "+" if off > 0 else MINUS
    return f"{sign}{number} {symbol}".rstrip() if number.strip("0.") else ""
