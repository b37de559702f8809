"""One tick as families of samples. What is missing is no sample; nothing is NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from monitor.exporters import about
from monitor.exporters.devices import (
    GpuLabels,
    gpu_labels,
    hostname,
    is_dcgm,
    labels_of,
    process_labels,
)
from monitor.exporters.families import Export, Family, Labels, Sample, Samples
from monitor.exporters.names import EXPORTS, PREFIX
from monitor.metrics import GPU, PROCESS, TABLES
from monitor.queries.latest import Latest
from monitor.queries.snapshot import current_rows
from monitor.sources.base import Row

MOST_PROCESSES = 10
"""Of each GPU, those that hold the most memory: so that series stay few."""

XID_ERRORS = Family(
    "DCGM_FI_DEV_XID_ERRORS", "gauge", "Number of the newest driver error (XID), 0 before any."
)
PROCESSES = Family(f"{PREFIX}_gpu_processes", "gauge", "Processes on the GPU.", "{process}")

_PLAIN = [table.name for table in TABLES.values() if table not in (GPU, PROCESS)]


def collect(latest: Latest, xids: Mapping[str, int]) -> Samples:
    """Everything current. `xids` is the newest XID by UUID, of each GPU that had one."""
    labels = _gpu_labels(latest)
    rows = current_rows(latest, GPU.name)
    found = [(own, row) for device, own in labels.items() if (row := rows[device])]
    theirs = [(own.dcgm, row) for own, row in found]
    ours = [(own.own, row) for own, row in found]
    return [
        *about.recording(latest, up=True),
        *(
            sampled(export, theirs if is_dcgm(export.family) else ours)
            for export in EXPORTS[GPU.name]
        ),
        (XID_ERRORS, _xids(found, xids)),
        *about.gpus(latest, labels),
        *_processes(latest, labels, rows),
        *(family for name in _PLAIN for family in _table(latest, name)),
        *about.machine(latest),
    ]


def sampled(export: Export, rows: Iterable[tuple[Labels, Row]]) -> tuple[Family, list[Sample]]:
    """What the rows have of it."""
    read, own = export.read, dict(export.labels)
    samples = [
        (labels.plus(**own) if own else labels, value)
        for labels, row in rows
        if (value := read(row)) is not None and math.isfinite(value)
    ]
    return export.family, samples


def _table(latest: Latest, name: str) -> Samples:
    states = latest.devices.get(name, {})
    rows = [(labels_of(name, device, states), row) for device, row in latest.table(name).items()]
    return [sampled(export, rows) for export in EXPORTS[name]]


def _gpu_labels(latest: Latest) -> dict[str, GpuLabels]:
    """By UUID. Of instances that share a GPU instance, and so its readings, the first one."""
    gpus, host = latest.devices.get(GPU.name, {}), hostname(latest)
    found: dict[str, GpuLabels] = {}
    taken: set[str] = set()
    for gpu in latest.gpus():
        labels = gpu_labels(gpu, gpus, host)
        if labels.own.text not in taken:
            taken.add(labels.own.text)
            found[gpu.device] = labels
    return found


def _xids(rows: Sequence[tuple[GpuLabels, Row]], xids: Mapping[str, int]) -> list[Sample]:
    found: list[Sample] = []
    for labels, row in rows:
        number = xids.get(str(row["device"]))
        if number is None and row.get("xid_count") == 0:
            number = 0
        if number is not None:  # one that came before the last hour is not known any more
            found.append((labels.dcgm, number))
    return found


def _processes(
    latest: Latest, gpus: Mapping[str, GpuLabels], readable: Mapping[str, Row]
) -> Samples:
    by_gpu: dict[str, list[Row]] = {device: [] for device in gpus}
    for row in latest.table(PROCESS.name).values():
        if (device := str(row["device"])) in by_gpu:
            by_gpu[device].append(row)
    shown = [
        (process_labels(row, gpus[device]), row)
        for device, rows in by_gpu.items()
        for row in sorted(rows, key=_memory, reverse=True)[:MOST_PROCESSES]
    ]
    counted: list[Sample] = [
        (gpus[device].own, len(rows)) for device, rows in by_gpu.items() if readable[device]
    ]
    return [(PROCESSES, counted), *(sampled(export, shown) for export in EXPORTS[PROCESS.name])]


def _memory(row: Row) -> float:
    held = row.get("gpu_memory_bytes")
    return held if isinstance(held, (int, float)) else -1
