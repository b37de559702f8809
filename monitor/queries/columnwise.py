"""A series as JSON: column by column, a block a device, straight from the arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from monitor.metrics import GPU, Metric, Table
from monitor.queries.latest import iso
from monitor.queries.series import SAMPLES, Line, Series
from monitor.storage.buffer import Floats
from monitor.storage.tiers import Tier


def columnwise(series: Series, indices: Mapping[str, object]) -> bytes:
    """The whole answer; `indices` are the numbers of GPUs by UUID."""
    answer = {
        **head(series.tier, series.step, series.start, series.end),
        "units": units(series.metrics, rolled=series.rolled),
        "series": [_block(series.table, line, indices) for line in series.lines],
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def head(tier: Tier, step: int, start: int, end: int) -> dict[str, object]:
    """What an answer says of itself; times are in ms."""
    return {
        "tier": tier.name,
        "resolution_seconds": step / 1000,
        "start": iso(start),
        "end": iso(end),
    }


def units(metrics: Sequence[Metric], *, rolled: bool) -> dict[str, str]:
    """The unit of each column."""
    return {
        column: metric.unit.name
        for metric in metrics
        for column in (metric.rolled_columns if rolled else (metric.column,))
    }


def named(table: Table, device: str, indices: Mapping[str, object]) -> dict[str, object]:
    """How a block begins."""
    index = {"index": indices.get(device)} if table is GPU else {}
    return {"device": device, **index}


def values_of(table: Table, name: str, values: Floats) -> object:
    """A column as orjson takes it: whole numbers whole, missing ones null."""
    if values.dtype != np.float64 or not _whole(table, name):
        return np.ascontiguousarray(values)
    missing = np.isnan(values)
    if not missing.any():
        return values.astype(np.int64)
    if missing.all():
        return [None] * len(values)
    return [None if value != value else int(value) for value in values.tolist()]


def _block(table: Table, line: Line, indices: Mapping[str, object]) -> dict[str, object]:
    head = named(table, line.device, indices)
    columns = {
        name: values_of(table, name, values)
        for name, values in line.columns.items()
        if name not in head
    }
    return {**head, "time": line.times, **columns}


def _whole(table: Table, name: str) -> bool:
    """Whether a column, which may be one of a rolled tier, has whole numbers."""
    if name == SAMPLES or name in table.columns:
        return name == SAMPLES or table[name].unit.storage == "int64"
    return table[name.rpartition("_")[0]].unit.storage == "int64"
