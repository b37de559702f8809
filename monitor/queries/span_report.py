"""The page's table of a span: for each GPU and the machine, what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.metrics import GPU, HOST, Metric, Table
from monitor.queries.archive import Archive
from monitor.queries.latest import Latest, short_name
from monitor.queries.limits import warning
from monitor.queries.summary import Summary, energy_joules, summarised
from monitor.queries.trends import shown_gpus
from monitor.queries.view import View
from monitor.units import JOULES, SECONDS_COUNTED

REPORTED = {
    GPU.name: ("utilization_percent", "memory_used_bytes", "temperature_celsius", "power_watts"),
    HOST.name: ("cpu_percent", "memory_used_bytes"),
}


@dataclass(frozen=True)
class Row:
    """A device, its name, and by metric what is said of it. `energy` is empty without power."""

    device: str
    name: str
    summaries: Sequence[tuple[Metric, Summary]]
    energy: str = ""


def report(archive: Archive, latest: Latest, view: View) -> list[Row]:
    """A row for the machine, then one for each GPU of the view that was recorded in it."""
    gpus = shown_gpus(latest, view)
    rows = _rows(archive, latest, view, HOST, {"host": "Machine"})
    if gpus:
        names = {gpu.device: short_name(gpu) for gpu in gpus}
        rows += _rows(archive, latest, view, GPU, names)
    return rows


def _rows(
    archive: Archive, latest: Latest, view: View, table: Table, names: dict[str, str]
) -> list[Row]:
    columns = REPORTED[table.name]
    series = archive.series(table, columns, view.start, view.end, devices=list(names))
    by_metric = [
        (
            table[column],
            summarised(
                series, column, archive.interval, _thresholds(latest, table[column], table, names)
            ),
        )
        for column in columns
    ]
    energy = energy_joules(series, archive.interval) if table is GPU else {}
    there = [line.device for line in series.lines]
    return [
        Row(
            device,
            name,
            [(metric, found[device]) for metric, found in by_metric],
            JOULES.text(energy[device]) if energy.get(device) else "",
        )
        for device, name in names.items()
        if device in there
    ]


def _thresholds(
    latest: Latest, metric: Metric, table: Table, names: dict[str, str]
) -> dict[str, float]:
    """The warning of each device, in the metric's unit."""
    found: dict[str, float] = {}
    for device in names:
        state = latest.devices.get(table.name, {}).get(device)
        row = latest.table(table.name).get(device, {})
        limit = warning(metric, row, state.facts if state else {})
        if limit is not None:
            found[device] = limit
    return found


def spent(seconds: float | None) -> str:
    """`12 min 30 s`, `0 s`; N/A where it is not known."""
    return SECONDS_COUNTED.text(seconds)
