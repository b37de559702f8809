"""The GPUs side by side: for each metric the mean, who is highest and lowest, who is how far off.

Only GPUs that answered are compared, and only where they report the metric. A MIG instance is
part of a GPU: its values are there, but they are compared with nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor import units
from monitor.metrics import GPU, Metric
from monitor.queries.imbalance import imbalance
from monitor.queries.latest import Latest, is_whole
from monitor.queries.snapshot import current_rows
from monitor.queries.sparks import value_of
from monitor.sources.base import DeviceState, Row

COMPARED: tuple[Metric, ...] = tuple(
    metric for metric in GPU.metrics if metric.column not in {"index", "clock_event_reasons"}
)
"""Every metric of a GPU that is a quantity."""

# Values that differ by less are the same to a person. Elsewhere it is one.
_STEPS = {
    units.BYTES.name: 64.0 * (1 << 20),
    units.BYTES_PER_SECOND.name: float(1 << 20),
    units.MEGAHERTZ.name: 15.0,
}
# So far apart, beside the largest, two values must be before one of them is marked.
_SHARE = 0.02


@dataclass(frozen=True)
class Compared:
    """A metric over the GPUs that report it, in the metric's unit.

    `highest` and `lowest` are devices: those that stand out. Both are empty where all values are
    about the same; either is where more than half of the GPUs share it.
    """

    mean: float
    highest: tuple[str, ...] = ()
    lowest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """`values` is column → device → value, MIG instances included; `from_mean` without them.

    Nulls are left out. `gpus` are all GPUs ever seen, instances behind their GPU; `recent` is what
    each did lately; `imbalance` are sentences about it.
    """

    gpus: Sequence[DeviceState]
    values: Mapping[str, Mapping[str, float]]
    metrics: Mapping[str, Compared]
    from_mean: Mapping[str, Mapping[str, float]]
    recent: Mapping[str, Row]
    imbalance: Sequence[str]


def compare(
    latest: Latest, recent: Mapping[str, Row], of: Sequence[Metric] = COMPARED
) -> Comparison:
    """These metrics at the newest tick. `recent` is what `monitor.queries.recent.recent` says."""
    gpus = latest.gpus()
    rows = current_rows(latest, "gpu")
    whole = [gpu.device for gpu in gpus if is_whole(gpu)]
    values: dict[str, dict[str, float]] = {}
    metrics: dict[str, Compared] = {}
    from_mean: dict[str, dict[str, float]] = {}
    for metric in of:
        column = metric.column
        found = ((device, value_of(row, column)) for device, row in rows.items())
        values[column] = {device: value for device, value in found if value is not None}
        mine = {device: values[column][device] for device in whole if device in values[column]}
        if mine:
            metrics[column] = compared(mine, _STEPS.get(metric.unit.name, 1.0))
        mean = metrics[column].mean if mine else 0.0
        from_mean[column] = {device: value - mean for device, value in mine.items()}
    return Comparison(gpus, values, metrics, from_mean, recent, imbalance(gpus, recent))


def compared(values: Mapping[str, float], step: float) -> Compared:
    """Mean, highest and lowest of values by device, of which there is at least one.

    Who is within `step` of an extreme shares it.
    """
    mean = sum(values.values()) / len(values)
    least, most = min(values.values()), max(values.values())
    apart = most - least
    if apart < max(step, _SHARE * max(abs(least), abs(most))):
        return Compared(mean)
    near = min(step, apart / 2)
    highest = tuple(device for device, value in values.items() if most - value < near)
    lowest = tuple(device for device, value in values.items() if value - least < near)
    return Compared(mean, *(_few(devices, len(values)) for devices in (highest, lowest)))


def _few(devices: tuple[str, ...], of: int) -> tuple[str, ...]:
    return devices if 2 * len(devices) <= of else ()
