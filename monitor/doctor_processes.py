"""Whether the processes on the GPUs can be listed and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from monitor.findings import Finding
from monitor.sources.base import DeviceState, Row

_HIDDEN = "hidden"
_UNNAMED = {
    "dead": (
        "ended, with its memory still held",
        "See who has the GPU open: fuser -v /dev/nvidia*",
    ),
    "elsewhere": ("in another PID namespace", "Start the container with --pid=host."),
    _HIDDEN: (
        "hidden by /proc (hidepid)",
        "Run the recorder as root, or in the group that the mount of /proc names (gid=).",
    ),
}


def process_findings(gpus: Sequence[DeviceState], rows: Sequence[Row] | None) -> list[Finding]:
    """One finding on the lists of processes; none without a GPU. `rows` is None where none came."""
    told = [(gpu, str(gpu.facts["process_list"])) for gpu in gpus if "process_list" in gpu.facts]
    silent = [(f"GPU {gpu.facts.get('index', '?')}", how) for gpu, how in told if how != "reported"]
    if not told:
        return []
    if len(silent) == len(told):
        reasons = ", ".join(sorted({how for _, how in silent}))
        text = f"The driver does not tell which processes use the GPUs: {reasons}."
        return [Finding("note", "process", text)]
    unnamed = Counter(str(row.get("visibility") or _HIDDEN) for row in rows or ())
    del unnamed["visible"]
    details = [
        (kind, f"{count} {_UNNAMED[kind][0]}. {_UNNAMED[kind][1]}")
        for kind, count in unnamed.items()
    ]
    details += [(gpu, f"Not told: {how}.") for gpu, how in silent]
    text = _counted(rows) + (f", {unnamed.total()} without a name." if unnamed else ".")
    return [Finding("note" if details else "ok", "process", text, details=tuple(details))]


def _counted(rows: Sequence[Row] | None) -> str:
    if rows is None:
        return "The driver lists the processes on the GPUs"
    count = len({row["pid"] for row in rows})
    return f"{count or 'No'} process{'' if count == 1 else 'es'} on the GPUs"
