"""Files of an hour each, made for those who read them."""

from __future__ import annotations

from monitor.storage.buffer import Buffer
from monitor.storage.decoded import Decoded
from monitor.storage.history import History, columns_of
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from monitor.storage.tiers import Tier
from tests.storage.made import GPU, RAW, START, TIERS

EVER = (0, 1 << 61)
WATTS = columns_of(GPU, RAW, ("power_watts",))
MINUTES = TIERS[2]


def write(files: PeriodFiles, begin: int, end: int, base: float = 0.0, tier: Tier = RAW) -> str:
    """The file of the hour of second `begin` after START, with a row a second of two GPUs."""
    rows = Buffer(GPU)
    for second in range(begin, end):
        watts = [{"device": device, "power_watts": base + second} for device in ("GPU-b", "GPU-a")]
        rows.append(START + 1000 * second, watts)
    path = files.path(GPU, tier, tier.period_of(START + 1000 * begin))
    stored = rows.columns()
    files.write(
        path, to_arrow(stored, "node1") if tier.raw else roll_up(stored, tier.seconds, "node1")
    )
    return path


def kept_watts(decoded: Decoded) -> list[float | None]:
    """The same of what is kept decoded."""
    values = decoded.columns["power_watts"].tolist()
    spans = [span for device, *span in decoded.stretches if device == "GPU-a"]
    return [None if v != v else v for first, last in spans for v in values[first:last]]


def watts(history: History, start: int = EVER[0], end: int = EVER[1]) -> list[float | None]:
    """Of GPU-a, in the order of files and rows."""
    found: list[float | None] = []
    for file in history.open(GPU, RAW, start, end):
        groups = file.groups(start, end, None)
        rows = file.read(groups, WATTS)
        mine = [row["power_watts"] for row in rows.to_pylist() if row["device"] == "GPU-a"]
        assert kept_watts(file.decoded(groups, WATTS)) == mine
        found += mine
    return found
