"""Where GPUs that should be alike are not, in sentences: slow clocks, idle ones, laggards.

A GPU is held against the median of the others, so that one of them, or its being odd, moves
nothing. Clocks are compared among GPUs of one model that are under load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from monitor.queries.clock_events import holds
from monitor.queries.latest import is_whole, short_name
from monitor.queries.sparks import value_of
from monitor.sources.base import DeviceState, Row
from monitor.sources.clock_reasons import POWER_CAP
from monitor.units import BYTES

LOADED_PERCENT = 50.0
"""From here on a GPU is under load."""
IDLE_PERCENT = 5.0
"""Below this a GPU is idle."""

# A lower clock than this many MHz and this share below the others' is no accident.
_SLOW_MHZ, _SLOW_SHARE = 50.0, 0.04
_LAG_PERCENT = 30.0
# This share of its memory an idle GPU must hold to be told.
_HELD_SHARE = 0.1


def imbalance(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> list[str]:
    """Sentences, the most pressing first; none where all is even. `rows` of who answered."""
    whole = [gpu for gpu in gpus if is_whole(gpu) and gpu.device in rows]
    use = {
        gpu.device: used
        for gpu in whole
        if (used := value_of(rows[gpu.device], "utilization_percent")) is not None
    }
    loaded = [gpu for gpu in whole if use.get(gpu.device, 0.0) >= LOADED_PERCENT]
    idle = [gpu for gpu in whole if use.get(gpu.device, 100.0) < IDLE_PERCENT]
    return [
        *map(_in_words, slow_gpus(whole, rows)),
        *(_idle(idle, len(loaded), rows) if loaded else []),
        *_lagging([gpu for gpu in whole if gpu.device in use], use),
    ]


def slowed_by(row: Row) -> tuple[str, str] | None:
    """Why its clocks are held down, as (`thermal slowdown`, `heat`); None where they are not.

    A power cap, as a full load has, and what a person or a display set are no such reason.
    """
    alarming = (hold for hold in holds(_mask(row)) if hold.alarms)
    return next(((hold.words, hold.short) for hold in alarming), None)


def is_capped(row: Row) -> bool:
    """Whether its power limit holds its clocks down, as a full load does."""
    return bool(_mask(row) & POWER_CAP)


def held_bytes(row: Row) -> float | None:
    """Memory in use, where it is enough to speak of."""
    used, total = value_of(row, "memory_used_bytes"), value_of(row, "memory_total_bytes")
    return used if used is not None and total and used >= _HELD_SHARE * total else None


@dataclass(frozen=True)
class Slow:
    """A GPU whose SM clock is so many MHz below the others', of which there are `others`."""

    gpu: DeviceState
    behind_mhz: float
    others: int
    reason: str


def slow_gpus(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> list[Slow]:
    """Of those under load, who runs slower than the others of its model; the slowest first."""
    clocks = {
        gpu.device: clock
        for gpu in gpus
        if (value_of(rows[gpu.device], "utilization_percent") or 0.0) >= LOADED_PERCENT
        and (clock := value_of(rows[gpu.device], "sm_clock_mhz")) is not None
    }
    found = []
    for gpu in gpus:
        others = [
            clocks[other.device]
            for other in gpus
            if other is not gpu
            and other.device in clocks
            and other.facts.get("name") == gpu.facts.get("name")
        ]
        if gpu.device not in clocks or not others:
            continue
        usual = median(others)
        behind = usual - clocks[gpu.device]
        if behind >= max(_SLOW_MHZ, _SLOW_SHARE * usual):
            found.append(Slow(gpu, round(behind, -1), len(others), _because(rows[gpu.device])))
    return sorted(found, key=lambda slow: -slow.behind_mhz)


def _in_words(slow: Slow) -> str:
    who = "the others" if slow.others > 1 else "the other"
    why = f": {slow.reason}" if slow.reason else ""
    return f"{short_name(slow.gpu)} runs {slow.behind_mhz:.0f} MHz below {who}{why}."


def _because(row: Row) -> str:
    return next((hold.words for hold in holds(_mask(row))), "")


def _mask(row: Row) -> int:
    bits = row.get("clock_event_reasons")
    return bits if isinstance(bits, int) else 0


def _idle(idle: Sequence[DeviceState], loaded: int, rows: Mapping[str, Row]) -> list[str]:
    held = {gpu.device: held for gpu in idle if (held := held_bytes(rows[gpu.device])) is not None}
    holding = [gpu for gpu in idle if gpu.device in held]
    free = [gpu for gpu in idle if gpu.device not in held]
    found = []
    if holding:
        amount = BYTES.text(sum(held.values()))
        several = len(holding) > 1
        words = f"are idle and hold {amount} together" if several else f"is idle and holds {amount}"
        found.append(f"{_names(holding)} {words}.")
    # Where few work, those that do not are the rule.
    if free and len(idle) < loaded:
        found.append(f"{_names(free)} {'are' if len(free) > 1 else 'is'} idle; the others work.")
    return found


def _lagging(known: Sequence[DeviceState], use: Mapping[str, float]) -> list[str]:
    found = []
    for gpu in known:
        others = [use[other.device] for other in known if other is not gpu]
        usual = median(others) if others else 0.0
        if usual >= LOADED_PERCENT and IDLE_PERCENT <= use[gpu.device] <= usual - _LAG_PERCENT:
            who = "the others" if len(others) > 1 else "the other"
            found.append(
                f"{short_name(gpu)} works at {use[gpu.device]:.0f} %, {who} at {usual:.0f} %."
            )
    return found


def _names(gpus: Sequence[DeviceState]) -> str:
    """`GPU 3`, `GPUs 3 and 7`, `GPUs 1, 3 and 7`."""
    if len(gpus) == 1:
        return short_name(gpus[0])
    *first, last = (short_name(gpu).removeprefix("GPU ") for gpu in gpus)
    return f"GPUs {', '.join(first)} and {last}"
