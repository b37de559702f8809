"""The XIDs of a span: which GPU, when, and how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.queries.growth import growths
from monitor.queries.latest import short_name
from monitor.queries.series import Line, Series
from monitor.queries.xid import Xid, decoded
from monitor.sources.base import DeviceState


@dataclass(frozen=True)
class XidEvent:
    """An XID of a GPU at a tick, or the newest of `count` in the bucket that begins at `time`."""

    time: int
    device: str
    name: str
    xid: Xid
    count: int


def xid_events(series: Series, gpus: Sequence[DeviceState], start: int) -> list[XidEvent]:
    """Those of these GPUs since `start`, in ms since 1970, the newest first.

    The series has the columns `xid` and `xid_count`. The bucket that `start` is in counts.
    """
    names = {gpu.device: short_name(gpu) for gpu in gpus}
    found = [
        XidEvent(time, line.device, names[line.device], decoded(number), count)
        for line in series.lines
        if line.device in names
        for time, number, count in _of(line)
        if time > start - series.step
    ]
    return sorted(found, key=lambda event: -event.time)


def _of(line: Line) -> Iterator[tuple[int, int, int]]:
    """(time, number of the newest, how many)."""
    numbers = line.columns["xid"]
    times, grown = growths(line, "xid_count")
    counts = dict(zip(times.tolist(), grown.tolist(), strict=True))
    for at in np.flatnonzero(~np.isnan(numbers)).tolist():
        time = int(line.times[at])
        # The first point of a line has none before it to count from.
        yield time, int(numbers[at]), round(counts.get(time, 1))
