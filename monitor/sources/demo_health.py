"""What slows the simulated GPUs, the seconds that it cost them, and the one error of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.sources.base import Row, Value
from monitor.sources.clock_reasons import (
    COUNTED,
    HW_THERMAL,
    IDLE,
    POWER_CAP,
    SW_THERMAL,
)
from monitor.sources.demo_run import Run

SLOWDOWN_CELSIUS = 87.0
REMAPPED = 2
"""The GPU that has replaced a row of its memory."""
XID_SECOND = 1800
_ROW_REMAPPED_XID = 63
_CAPPED_WATTS = 685.0


class DemoHealth:
    """Clock event reasons, counters and XIDs in each second of each run."""

    def __init__(self, run: Run) -> None:
        self._masks = _masks(run)
        self._lost = {
            column: np.cumsum(self._masks & reason.bit > 0, axis=0, dtype=np.int32)
            for column, reason in COUNTED.items()
        }

    def cells(self, runs: int, second: int, index: int) -> Row:
        """The cells of a GPU in a second of the run that comes after `runs` others."""
        lost: dict[str, Value] = {
            column: float(runs * int(counted[-1, index]) + int(counted[second, index]))
            for column, counted in self._lost.items()
        }
        mine = index == REMAPPED
        return {
            "clock_event_reasons": int(self._masks[second, index]),
            **lost,
            "xid_count": int(mine and second >= XID_SECOND),
            "xid": _ROW_REMAPPED_XID if mine and second == XID_SECOND else None,
        }


def _masks(run: Run) -> NDArray[np.int64]:
    hot = np.round(run.temperature) >= SLOWDOWN_CELSIUS
    thermal = SW_THERMAL + HW_THERMAL * hot
    capped = np.where(run.power > _CAPPED_WATTS, POWER_CAP, 0)
    busy = np.where(run.throttled, thermal, capped)
    return np.where(run.utilization < 1, IDLE, busy).astype(np.int64)
