"""The newest XID of each GPU: a row has one only at the tick at which it came."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.queries.latest import Latest
from monitor.storage.buffer import Buffer


class LastXids:
    """Remembers across ticks what `Buffer` has of the last hour."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._from = 0

    def at(self, latest: Latest, gpus: Buffer) -> Mapping[str, int]:
        """By UUID, of each GPU that had one since an hour before the first call."""
        if latest.time is None:
            return self._numbers
        rows = gpus.columns()
        new = np.flatnonzero(rows.times >= self._from)
        xids = rows.cells[new, rows.table.columns.index("xid")]
        for at in np.flatnonzero(~np.isnan(xids)):
            device = rows.devices[rows.device_codes[new[at]]]
            self._numbers[device] = int(xids[at])
        self._from = latest.time
        return self._numbers
