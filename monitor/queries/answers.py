"""What people look for first, each answered in a few words.

Which GPU has a fault, which is busiest, which is free, which is hot, which is slow and why, whose
process holds the most memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.metrics import GPU
from monitor.queries.gpu_words import has_errors, status_words
from monitor.queries.imbalance import IDLE_PERCENT, held_bytes, slow_gpus, slowed_by
from monitor.queries.latest import Latest, is_whole, short_name
from monitor.queries.recent import RECENT_MS
from monitor.queries.snapshot import state_of
from monitor.queries.sparks import value_of
from monitor.sources.base import DeviceState, Row
from monitor.units import BYTES, CELSIUS

QUESTIONS = ("Faults", "Busiest", "Free", "Hottest", "Slowed", "Most memory")
"""What each answer is to, in the order of the answers."""

_NOBODY = "none"
_OVER_TIME = f"the mean of the last {RECENT_MS // 1000} s"


@dataclass(frozen=True)
class Answer:
    """Words, the UUID of the GPU that they are about, if one, and how bad it is.

    `state` is `ok`, `warm`, `warning` or `critical`; `title` has everything where words do not.
    """

    words: str
    device: str = ""
    state: str = "ok"
    title: str = ""


def answers(latest: Latest, recent: Mapping[str, Row]) -> list[Answer]:
    """One for each of `QUESTIONS`; none where there are no two GPUs that answered.

    `recent` is what `monitor.queries.recent.recent` says of the newest tick.
    """
    gpus = [gpu for gpu in latest.gpus() if is_whole(gpu) and gpu.device in recent]
    if len(gpus) < 2:
        return []
    return [
        _faults(latest, recent),
        _busiest(gpus, recent),
        _free(gpus, recent),
        _hottest(gpus, recent),
        _slowed(gpus, recent),
        _most_memory(latest, gpus),
    ]


def _busiest(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> Answer:
    gpu, used = _highest(gpus, rows, "utilization_percent")
    if gpu is None or used < IDLE_PERCENT:
        return Answer(_NOBODY)
    words = f"{short_name(gpu)} · {used:.0f} %"
    return Answer(words, gpu.device, title=f"{words}, {_OVER_TIME}")


def _free(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> Answer:
    """Of those that do nothing, who holds no memory; else who holds some."""
    idle = [
        gpu
        for gpu in gpus
        if (used := value_of(rows[gpu.device], "utilization_percent")) is not None
        and used < IDLE_PERCENT
    ]
    free = [gpu for gpu in idle if held_bytes(rows[gpu.device]) is None]
    if free:
        numbers = ", ".join(short_name(gpu).removeprefix("GPU ") for gpu in free)
        words = f"GPU{'s' if len(free) > 1 else ''} {numbers}"
        below = f"below {IDLE_PERCENT:.0f} % use, {_OVER_TIME}, and little memory held"
        return Answer(words, free[0].device, title=f"{words}: {below}")
    for gpu in idle:
        held = held_bytes(rows[gpu.device])
        return Answer(f"none · {short_name(gpu)} idle, {BYTES.text(held or 0.0)} held", gpu.device)
    return Answer(_NOBODY)


def _hottest(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> Answer:
    gpu, celsius = _highest(gpus, rows, "temperature_celsius")
    if gpu is None:
        return Answer(_NOBODY)
    state = state_of(GPU["temperature_celsius"], celsius, None, gpu.facts)
    return Answer(f"{short_name(gpu)} · {CELSIUS.text(celsius)}", gpu.device, state)


def _slowed(gpus: Sequence[DeviceState], rows: Mapping[str, Row]) -> Answer:
    """Who runs below the others, the slowest first, and whose clocks are held down."""
    found = []
    for slow in slow_gpus(gpus, rows):
        words = f"{short_name(slow.gpu)} · \N{MINUS SIGN}{slow.behind_mhz:.0f} MHz"
        why = f", {slow.reason}" if slow.reason else ""
        found.append(Answer(words + why, slow.gpu.device, "warning"))
    told = {answer.device for answer in found}
    found += [
        Answer(f"{short_name(gpu)} · {reason[0]}", gpu.device, "warning")
        for gpu in gpus
        if gpu.device not in told and (reason := slowed_by(rows[gpu.device])) is not None
    ]
    return _first_of(found)


def _faults(latest: Latest, rows: Mapping[str, Row]) -> Answer:
    """Who does not answer, and then whose memory had errors that could not be corrected."""
    whole = [gpu for gpu in latest.gpus() if is_whole(gpu)]
    silent = [
        Answer(f"{short_name(gpu)} · {status_words(gpu)}", gpu.device, "critical")
        for gpu in whole
        if gpu.status not in {"ok", "asleep"}
    ]
    errors = [
        Answer(f"{short_name(gpu)} · ECC errors", gpu.device, "warning")
        for gpu in whole
        if has_errors(rows.get(gpu.device, {}))
    ]
    return _first_of([*silent, *errors])


def _first_of(found: Sequence[Answer]) -> Answer:
    """The first in words, with how many more there are; all of them in the title."""
    if len(found) < 2:
        return found[0] if found else Answer(_NOBODY)
    title = "; ".join(answer.words for answer in found)
    return replace(found[0], words=f"{found[0].words} +{len(found) - 1} more", title=title)


def _most_memory(latest: Latest, gpus: Sequence[DeviceState]) -> Answer:
    """The process that holds the most memory of one GPU."""
    names = {gpu.device: short_name(gpu) for gpu in gpus}
    held = [
        (size, row)
        for row in latest.table("process").values()
        if row["device"] in names and (size := value_of(row, "gpu_memory_bytes")) is not None
    ]
    if not held:
        return Answer("no process is listed")
    size, row = max(held, key=lambda pair: pair[0])
    who = row.get("user") or row.get("name") or f"PID {row['pid']}"
    device = str(row["device"])
    return Answer(f"{who} · {BYTES.text(size)} on {names[device]}", device)


def _highest(
    gpus: Sequence[DeviceState], rows: Mapping[str, Row], column: str
) -> tuple[DeviceState | None, float]:
    known = [
        (value, gpu) for gpu in gpus if (value := value_of(rows[gpu.device], column)) is not None
    ]
    if not known:
        return None, 0.0
    value, gpu = max(known, key=lambda pair: pair[0])
    return gpu, value
