"""The rows of the process grid: raw values to sort by, and the words that are shown."""

from __future__ import annotations

from typing import Any

from layouts.theme import gpu_colour
from monitor import units
from monitor.queries.processes import GpuProcesses
from monitor.sources.base import DeviceState, Row, Value

GridRow = dict[str, Any]

NOT_REPORTED = "not reported"
_ABSENT = "–"
_BADGES = {"dead": "ended", "elsewhere": "elsewhere"}
_EXPLAINED = {
    "dead": "Has ended; its memory is still held",
    "elsewhere": "Runs in another PID namespace, such as a container or the host",
    "hidden": "Belongs to another user, and is not shown to the monitor's",
}


def grid_rows(processes: GpuProcesses) -> list[GridRow]:
    """A row for each process and GPU: raw values by field, in `text` the words for those.

    `text` lacks what is shown as it is.
    """
    order = {gpu.device: (at, gpu) for at, gpu in enumerate(processes.gpus)}
    return [_grid_row(row, *order[str(row["device"])]) for row in processes.rows]


def _grid_row(row: Row, at: int, gpu: DeviceState) -> GridRow:
    video = _video(row)
    state = str(row.get("visibility") or ("visible" if row.get("name") else "hidden"))
    return {
        "id": f"{row['device']}/{row.get('pid')}",
        "gpu": at,
        "dot": gpu_colour(gpu.facts.get("index")),
        "pid": row.get("pid"),
        "name": row.get("name"),
        "user": row.get("user"),
        "memory": row.get("gpu_memory_bytes"),
        "sm": row.get("sm_percent"),
        "video": max(video) if video else None,
        "cpu": row.get("cpu_percent"),
        "ram": row.get("memory_bytes"),
        "started": row.get("started"),
        "container": row.get("container"),
        "command": row.get("command") or _EXPLAINED.get(state),
        "state": state,
        "text": {
            "gpu": _gpu(gpu),
            "name": _name(row, state),
            "memory": _bytes(row.get("gpu_memory_bytes"), NOT_REPORTED),
            "sm": _percent(row.get("sm_percent")),
            "video": _both(row),
            "cpu": _percent(row.get("cpu_percent")),
            "ram": _bytes(row.get("memory_bytes"), _ABSENT),
        },
    }


def _name(row: Row, state: str) -> str:
    words = [str(word) for word in (row.get("name"), _BADGES.get(state)) if word]
    return " · ".join(words) or _ABSENT


def _gpu(gpu: DeviceState) -> str:
    index, instance = gpu.facts.get("index"), gpu.facts.get("mig_index")
    number = "?" if index is None else str(index)
    return number if instance is None else f"{number} · MIG {instance}"


def _video(row: Row) -> list[float]:
    engines = (row.get("encoder_percent"), row.get("decoder_percent"))
    return [value for value in engines if isinstance(value, (int, float))]


def _both(row: Row) -> str:
    if not _video(row):
        return _ABSENT
    return f"{_whole(row.get('encoder_percent'))} / {_whole(row.get('decoder_percent'))} %"


def _percent(value: Value) -> str:
    return _ABSENT if value is None else f"{_whole(value)} %"


def _whole(value: Value) -> str:
    return f"{value:.0f}" if isinstance(value, (int, float)) else _ABSENT


def _bytes(value: Value, absent: str) -> str:
    return units.BYTES.text(value) if isinstance(value, (int, float)) else absent
