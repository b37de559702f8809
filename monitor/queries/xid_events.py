"""The XIDs of a span: which GPU, when, and how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.metrics import GPU
from monitor.queries.archive import Archive
from monitor.queries.growth import growths
from monitor.queries.latest import short_name
from monitor.queries.series import SAMPLES, Line, Series
from monitor.sources.base import DeviceState
from monitor.xid import Xid, decoded, name

# Of a line in which XIDs that came close together are told apart.
_MOST_POINTS = 20_000


@dataclass(frozen=True)
class XidEvent:
    """An XID that came `count` times to a GPU at a tick.

    Where it is `mixed`, the most severe of `count` in the bucket that begins at `time`: of what
    number the others were was not kept.
    """

    time: int
    device: str
    name: str
    xid: Xid
    count: int
    mixed: bool = False

    @property
    def title(self) -> str:
        """`XID 31 × 3`, or `XID 43 and 1 more` of whatever number."""
        if self.count == 1:
            return name(self.xid.number)
        more = f" and {self.count - 1} more" if self.mixed else f" × {self.count}"
        return name(self.xid.number) + more


def xid_events(series: Series, gpus: Sequence[DeviceState], start: int) -> list[XidEvent]:
    """Those of these GPUs since `start`, in ms since 1970, the newest first.

    The series has the columns `xid` and `xid_count`. The bucket that `start` is in counts.
    """
    names = {gpu.device: short_name(gpu) for gpu in gpus}
    found = [
        XidEvent(time, line.device, names[line.device], decoded(number), count, mixed)
        for line in series.lines
        if line.device in names
        for time, number, count, mixed in _of(line)
        if time > start - series.step
    ]
    return sorted(found, key=lambda event: -event.time)


def told_apart(
    archive: Archive, events: Sequence[XidEvent], gpus: Sequence[DeviceState], step: int
) -> list[XidEvent]:
    """The same, but those in a bucket of `step` ms each by itself, as far as that was kept."""
    mixed = [event.time for event in events if event.mixed]
    if not mixed:
        return list(events)
    start, end = min(mixed), max(mixed) + step
    tier = archive.tier_for(GPU, start, end, _MOST_POINTS)
    # The point before is what the first one's count is told from.
    begin = start - archive.step(tier)
    devices = [gpu.device for gpu in gpus]
    series = archive.series(
        GPU, ("xid_count", "xid"), begin, end, devices=devices, tier=tier, max_points=None
    )
    closer = [event for event in xid_events(series, gpus, start) if event.time >= start]
    coarse = [event for event in events if start <= event.time < end]
    if sum(event.count for event in closer) < sum(event.count for event in coarse):
        return list(events)
    others = [event for event in events if not start <= event.time < end]
    return sorted((*closer, *others), key=lambda event: -event.time)


def _of(line: Line) -> Iterator[tuple[int, int, int, bool]]:
    """(time, number of the newest, how many, whether others may be of another number)."""
    numbers = line.columns["xid"]
    times, grown = growths(line, "xid_count")
    counts = dict(zip(times.tolist(), grown.tolist(), strict=True))
    for at in np.flatnonzero(~np.isnan(numbers)).tolist():
        time = int(line.times[at])
        # The first point of a line has none before it to count from.
        count = round(counts.get(time, 1))
        yield time, int(numbers[at]), count, count > 1 and SAMPLES in line.columns
