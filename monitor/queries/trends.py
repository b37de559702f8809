"""What the page's charts show of a span: every line on one regular grid, gaps as NaN."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.metrics import GPU, HOST, Metric, RollUp, Table
from monitor.queries.archive import Archive
from monitor.queries.latest import Latest, short_name
from monitor.queries.limits import full_scale, warning
from monitor.queries.series import Line, Series
from monitor.queries.view import View
from monitor.sources.base import DeviceState
from monitor.storage.tiers import Tier


@dataclass(frozen=True)
class Chart:
    """A chart of one or more columns of a table; a line for each column and device."""

    name: str
    label: str
    table: Table
    columns: Sequence[str]

    @property
    def metrics(self) -> list[Metric]:
        """Its columns' metrics."""
        return [self.table[column] for column in self.columns]


# Pairs that belong side by side: the machine, then its GPUs.
CHARTS = (
    Chart("cpu", "CPU utilization", HOST, ("cpu_percent",)),
    Chart("gpu", "GPU utilization", GPU, ("utilization_percent",)),
    Chart("ram", "RAM", HOST, ("memory_used_bytes",)),
    Chart("gpu-memory", "GPU memory", GPU, ("memory_used_bytes",)),
    Chart("load", "Load, 1 minute", HOST, ("load_1m",)),
    Chart("temperature", "GPU temperature", GPU, ("temperature_celsius",)),
    Chart(
        "pressure", "Pressure", HOST, [f"pressure_{of}_percent" for of in ("cpu", "io", "memory")]
    ),
    Chart("power", "GPU power", GPU, ("power_watts",)),
    Chart("disk", "Disk I/O", HOST, [f"disk_{way}_bytes_per_second" for way in ("read", "write")]),
    Chart("clock", "Clocks", GPU, ("sm_clock_mhz", "memory_clock_mhz")),
    Chart(
        "network",
        "Network",
        HOST,
        [f"network_{way}_bytes_per_second" for way in ("received", "sent")],
    ),
    Chart("pcie", "PCIe", GPU, [f"pcie_{way}_bytes_per_second" for way in ("rx", "tx")]),
)
# What a line of several is called, beside its device.
SHORT = {
    "sm_clock_mhz": "SM",
    "memory_clock_mhz": "memory",
    "pressure_cpu_percent": "CPU",
    "pressure_io_percent": "I/O",
    "pressure_memory_percent": "memory",
    "disk_read_bytes_per_second": "read",
    "disk_write_bytes_per_second": "write",
    "network_received_bytes_per_second": "received",
    "network_sent_bytes_per_second": "sent",
    "pcie_rx_bytes_per_second": "rx",
    "pcie_tx_bytes_per_second": "tx",
}
# A line wants no more points than a chart has pixels; a few lines may have more. With a band each,
# many lines take long to draw, and the band has what lies between two points.
_FEW_LINES, _MANY_POINTS, _POINTS, _POINTS_IN_BANDS = 2, 1_500, 1_000, 600


@dataclass(frozen=True)
class Grid:
    """Where every line of an answer has its points: `start` + n × `step` ms, before `end`."""

    tier: str
    start: int
    end: int
    step: int

    @property
    def count(self) -> int:
        """Points of a line."""
        return -(-(self.end - self.start) // self.step)


def trends(archive: Archive, latest: Latest, view: View) -> dict[str, object]:
    """The charts of a view, ready to draw; `values` as base64 of float32.

    The values of a chart are those of its lines one after another: the means of a line and,
    where `rolled`, its lowest and its highest.
    """
    gpus = shown_gpus(latest, view)
    few = len(gpus) <= _FEW_LINES
    most = _MANY_POINTS if few else _POINTS
    tier = archive.tier_for(HOST, view.start, view.end, most)
    if not few and not tier.raw:
        most = _POINTS_IN_BANDS
    whole, step = _read(archive, view, gpus, tier, most)
    grid = Grid(tier.name, view.start // step * step, view.end, step)
    rolled = not tier.raw or step > archive.step(tier)
    return {
        "tier": tier.name,
        "start": grid.start,
        "step": step,
        "count": grid.count,
        "rolled": rolled,
        "from": view.start,
        "to": view.end,
        "live": view.live,
        "range": view.range,
        "problems": list(view.problems),
        "first": _first(archive, whole, view),
        "gpus": [gpu.device for gpu in gpus],
        "charts": {
            chart.name: {
                "lines": [_described(chart, device, column, gpus) for device, column in keys],
                "values": _packed(_values(series, keys, grid, rolled=rolled)),
                "limits": _limits(chart, gpus, latest),
            }
            for chart, series, keys in _drawn(view, whole, gpus)
        },
    }


def newest(
    archive: Archive, latest: Latest, view: View, grid: Grid, *, rolled: bool
) -> dict[str, list[list[list[float | None]]]]:
    """By chart and line, in `trends`' order: means and, where `rolled`, lowest and highest.

    Each is a list of the grid's length, rounded to six digits.
    """
    gpus = shown_gpus(latest, view)
    tier = next(tier for tier in archive.tiers if tier.name == grid.tier)
    whole = [
        archive.series(
            table, _columns(charts), grid.start, grid.end, tier=tier, step=grid.step, devices=of
        )
        for table, charts, of in _questions(view, gpus)
    ]
    return {
        chart.name: [
            [[_rounded(value) for value in kind] for kind in line]
            for line in _values(series, keys, grid, rolled=rolled).tolist()
        ]
        for chart, series, keys in _drawn(view, whole, gpus)
    }


def _read(
    archive: Archive, view: View, gpus: Sequence[DeviceState], tier: Tier, most: int
) -> tuple[list[Series], int]:
    """The series of every table, and the step in ms that they have in common."""

    def read(step: int | None = None) -> list[Series]:
        return [
            archive.series(
                table,
                _columns(charts),
                view.start,
                view.end,
                tier=tier,
                max_points=most,
                step=step,
                devices=of,
            )
            for table, charts, of in _questions(view, gpus)
        ]

    whole = read()
    steps = {series.step for series in whole} or {archive.step(tier)}
    step = max(steps)
    if len(steps) == 1 and not any(_crowded(series) for series in whole):
        return whole, step
    # The interval was shorter once: no point may hide another one.
    step = step if len(steps) > 1 else 2 * step
    return read(step), step


def _crowded(series: Series) -> bool:
    """Whether any line has several points within a step."""
    return any(bool(np.any(np.diff(line.times // series.step) == 0)) for line in series.lines)


def shown_gpus(latest: Latest, view: View) -> list[DeviceState]:
    """The GPUs of a view, in the order of their lines."""
    return [gpu for gpu in latest.gpus() if view.gpus is None or gpu.device in view.gpus]


def _questions(
    view: View, gpus: Sequence[DeviceState]
) -> list[tuple[Table, list[Chart], list[str] | None]]:
    """(table, charts, devices), a query each."""
    host = [chart for chart in CHARTS if chart.table is HOST and chart.name in view.charts]
    gpu = [chart for chart in CHARTS if chart.table is GPU and chart.name in view.charts]
    found: list[tuple[Table, list[Chart], list[str] | None]] = []
    if host:
        found.append((HOST, host, None))
    if gpu and gpus:
        found.append((GPU, gpu, [state.device for state in gpus]))
    return found


def _columns(charts: Iterable[Chart]) -> list[str]:
    return [column for chart in charts for column in chart.columns]


def _drawn(
    view: View, whole: Sequence[Series], gpus: Sequence[DeviceState]
) -> list[tuple[Chart, Series, list[tuple[str, str]]]]:
    """Each chart with its series and the (device, column) of each line."""
    by_table = {series.table.name: series for series in whole}
    return [
        (
            chart,
            by_table[chart.table.name],
            [
                (device, column)
                for column in chart.columns
                for device in (["host"] if chart.table is HOST else [gpu.device for gpu in gpus])
            ],
        )
        for chart in CHARTS
        if chart.name in view.charts and chart.table.name in by_table
    ]


def _values(
    series: Series, keys: Sequence[tuple[str, str]], grid: Grid, *, rolled: bool
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Shape (lines, 3 where rolled else 1, points)."""
    found = np.full((len(keys), 3 if rolled else 1, grid.count), np.nan, np.float32)
    lines = {line.device: line for line in series.lines}
    for at, (device, column) in enumerate(keys):
        line = lines.get(device)
        if line is not None:
            places = (line.times - grid.start) // grid.step
            inside = places >= 0
            for kind, name in enumerate(_kinds(series.table[column], line, rolled=rolled)):
                found[at, kind, places[inside]] = line.columns[name][inside]
    return found


def _kinds(metric: Metric, line: Line, *, rolled: bool) -> Sequence[str]:
    if not rolled:
        return (metric.column,)
    if metric.roll_up is RollUp.MEAN and f"{metric.column}_min" in line.columns:
        return metric.rolled_columns
    return (metric.column,) * 3


def _packed(values: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _rounded(value: float) -> float | None:
    return None if value != value else float(f"{value:.6g}")


def _described(
    chart: Chart, device: str, column: str, gpus: Sequence[DeviceState]
) -> dict[str, object]:
    gpu = next((gpu for gpu in gpus if gpu.device == device), None)
    name = short_name(gpu) if gpu else ""
    part = SHORT.get(column, "") if len(chart.columns) > 1 else ""
    return {
        "device": device,
        "column": column,
        "index": gpu.facts.get("index") if gpu else None,
        "part": chart.columns.index(column),
        "label": f"{name} {part}".strip() or chart.label,
    }


def _limits(chart: Chart, gpus: Sequence[DeviceState], latest: Latest) -> list[list[object]]:
    """[value, words] of the lines to draw across: thresholds, and what is full."""
    states: Sequence[DeviceState | None] = gpus if chart.table is GPU else [None]
    found: dict[float, str] = {}
    for metric in chart.metrics:
        for state in states:
            row = latest.table(chart.table.name).get(state.device if state else "host", {})
            facts = state.facts if state else {}
            limit, full = warning(metric, row, facts), full_scale(metric, row, facts)
            if metric.warn_at is not None and limit is not None:
                share = metric.warn_at.of(facts) if metric.warn_at.share else limit
                percent = metric.warn_at.share or metric.unit.symbol == "%"
                found[limit] = (
                    f"warns at {f'{share:.0f} %' if percent else metric.unit.text(limit)}"
                )
            elif metric.warn_at is None and isinstance(metric.full, str) and full:
                found[full] = f"limit {metric.unit.text(full)}"
    return [[value, words] for value, words in sorted(found.items())]


def _first(archive: Archive, whole: Sequence[Series], view: View) -> int | None:
    """When recording began, where that is within the span or after it."""
    times = [int(line.times[0]) for series in whole for line in series.lines if len(line)]
    if times and min(times) - view.start < 2 * max(series.step for series in whole):
        return None
    first = archive.first(HOST)
    return first if first is not None and first >= view.start else None
