"""What each GPU did over the last ten seconds: steadier than a tick, so that words can stay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.queries.latest import Latest
from monitor.queries.snapshot import current_rows
from monitor.sources.base import Row
from monitor.storage.buffer import Buffer, Columns, Floats, Int32s

RECENT_MS = 10_000
_MEANS = ("utilization_percent", "sm_clock_mhz")
_REASONS = "clock_event_reasons"


def recent(latest: Latest, gpus: Buffer) -> dict[str, Row]:
    """By UUID, of each GPU that answered at the newest tick: its row then, but for three columns.

    Utilization and SM clock are means of ten seconds, `clock_event_reasons` every reason in them.
    """
    rows = {device: row for device, row in current_rows(latest, "gpu").items() if row}
    if latest.time is None:
        return rows
    newest = gpus.columns(latest.time - RECENT_MS + 1, latest.time + 1)
    found = {device: dict(row) for device, row in rows.items()}
    steadier: dict[str, Mapping[str, float | int]] = {
        **{column: _means(newest, column) for column in _MEANS},
        _REASONS: _every_reason(newest),
    }
    for column, by_device in steadier.items():
        for device in found.keys() & by_device.keys():
            found[device][column] = by_device[device]
    return found


def _means(rows: Columns, column: str) -> dict[str, float]:
    codes, values = _known(rows, column)
    counts = np.bincount(codes, minlength=len(rows.devices))
    sums = np.bincount(codes, values, minlength=len(rows.devices))
    return {
        device: float(sums[code] / counts[code])
        for code, device in enumerate(rows.devices)
        if counts[code]
    }


def _every_reason(rows: Columns) -> dict[str, int]:
    codes, values = _known(rows, _REASONS)
    bits = np.zeros(len(rows.devices), np.int64)
    np.bitwise_or.at(bits, codes, values.astype(np.int64))
    return {rows.devices[code]: int(bits[code]) for code in np.unique(codes)}


def _known(rows: Columns, column: str) -> tuple[Int32s, Floats]:
    """The cells that are there: whose each is, and its value."""
    values = rows[column]
    there = ~np.isnan(values)
    return rows.device_codes[there], values[there]
