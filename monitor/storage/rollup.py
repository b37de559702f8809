"""From raw rows to the rows of a coarser tier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitor.metrics import RollUp
from monitor.storage.buffer import Columns, Floats, Int64s
from monitor.storage.schema import cells_to_arrow, keys_to_arrow, numbers, rolled_schema
from monitor.xid import severities


def roll_up(rows: Columns, seconds: int, host: str) -> pa.Table:
    """One row for each bucket of `seconds` and device (and process) that has any raw row.

    `time` is the bucket's start. Means, lowest and highest leave missing values out; counters
    keep the last value, bit masks every bit, XIDs the most severe; a column without any value in a
    bucket is null.
    """
    if not len(rows):
        # Not `empty_table`, which would import pandas.
        return pa.Table.from_batches([], rolled_schema(rows.table))
    rows, starts = _grouped(rows, seconds * 1000)
    firsts = rows.take(starts)
    groups = Columns(
        rows.table,
        firsts.times // (seconds * 1000) * (seconds * 1000),
        firsts.device_codes,
        firsts.cells,
        rows.devices,
        rows.words,
    )
    arrays = keys_to_arrow(groups, host)
    for at, metric in enumerate(rows.table.metrics):
        results = aggregated(metric.roll_up, [rows.cells[:, at]], starts)
        arrays += [cells_to_arrow(groups, metric, result) for result in results]
    samples = np.diff(np.append(starts, len(rows)))
    arrays.append(numbers(samples.astype(np.int64), pa.int64()))
    return pa.Table.from_arrays(arrays, schema=rolled_schema(rows.table))


def aggregated(
    kind: RollUp, values: Sequence[Floats], starts: Int64s, samples: Floats | None = None
) -> list[Floats]:
    """What the buckets that begin at `starts` keep of a column, in `Metric.rolled_columns`' order.

    `values` are raw readings or, with `samples`, the column's `rolled_columns` of a finer tier:
    their means count by their samples. Missing values are left out; a bucket of nothing else is
    missing.
    """
    column = values[0]
    present = ~np.isnan(column)
    if kind is RollUp.LAST:
        return [_last(column, present, starts)]
    if kind is RollUp.WORST:
        return [_worst(column, starts)]
    if kind is RollUp.ANY:
        bits = np.where(present, column, 0).astype(np.int64)
        joined = np.bitwise_or.reduceat(bits, starts).astype(np.float64)
        return [np.where(np.logical_or.reduceat(present, starts), joined, np.nan)]
    lowest, highest = values[1:] or (column, column)
    return [
        _mean(column, present, starts, samples),
        np.fmin.reduceat(lowest, starts),
        np.fmax.reduceat(highest, starts),
    ]


def _grouped(rows: Columns, bucket_ms: int) -> tuple[Columns, Int64s]:
    """The rows sorted by device, other keys, time; and where each bucket begins."""
    others: list[Floats] = [rows[key] for key in rows.table.keys if key != "device"]
    order = np.lexsort((rows.times, *others, rows.device_codes))  # type: ignore[arg-type]
    rows = rows.take(order)
    changed = np.diff(rows.device_codes) != 0
    changed |= np.diff(rows.times // bucket_ms) != 0
    for key in rows.table.keys:
        if key != "device":
            changed |= np.diff(rows[key]) != 0
    return rows, np.concatenate(([0], np.flatnonzero(changed) + 1)).astype(np.int64)


def _mean(
    column: Floats, present: npt.NDArray[np.bool_], starts: Int64s, samples: Floats | None
) -> Floats:
    if samples is None and present.all():
        return np.add.reduceat(column, starts) / np.diff(starts, append=len(column))
    weights = present.astype(np.float64) if samples is None else np.where(present, samples, 0)
    sums = np.add.reduceat(np.where(present, column, 0.0) * weights, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = sums / np.add.reduceat(weights, starts)
    return mean


def _worst(column: Floats, starts: Int64s) -> Floats:
    severity = severities(column)
    # The place within the column says which of two that are as bad came last.
    order = np.where(severity >= 0, severity * len(column) + np.arange(len(column)), -1)
    worst = np.maximum.reduceat(order, starts)
    return np.where(worst >= 0, column[worst % len(column)], np.nan)


def _last(
    column: np.ndarray[tuple[int], np.dtype[np.float64]],
    present: np.ndarray[tuple[int], np.dtype[np.bool_]],
    starts: Int64s,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    places = np.where(present, np.arange(len(column)), -1)
    newest = np.maximum.reduceat(places, starts)
    return np.where(newest >= 0, column[newest], np.nan)
