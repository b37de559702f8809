"""What each GPU did over the last ten seconds: steadier than a tick, so that words can stay."""

from __future__ import annotations

import numpy as np

from monitor.queries.latest import Latest
from monitor.queries.snapshot import current_rows
from monitor.sources.base import Row
from monitor.storage.buffer import Buffer, Floats

RECENT_MS = 10_000
_MEANS = ("utilization_percent", "sm_clock_mhz")


def recent(latest: Latest, gpus: Buffer) -> dict[str, Row]:
    """By UUID, of each GPU that answered at the newest tick: its row then, but for three columns.

    Utilization and SM clock are means of ten seconds, `clock_event_reasons` every reason in them.
    """
    rows = {device: row for device, row in current_rows(latest, "gpu").items() if row}
    if latest.time is None:
        return rows
    newest = gpus.columns(latest.time - RECENT_MS + 1, latest.time + 1)
    found: dict[str, Row] = {}
    for device, row in rows.items():
        found[device] = dict(row)
        if device not in newest.devices:
            continue
        mine = newest.device_codes == newest.devices.index(device)
        for column in _MEANS:
            known = _known(newest[column][mine])
            if len(known):
                found[device][column] = float(known.mean())
        reasons = _known(newest["clock_event_reasons"][mine])
        if len(reasons):
            found[device]["clock_event_reasons"] = int(
                np.bitwise_or.reduce(reasons.astype(np.int64))
            )
    return found


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]
