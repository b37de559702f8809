"""The newest tick as the API's objects, and as bytes made once per tick."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from monitor import __version__
from monitor.api.problems import Problem
from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, Table
from monitor.queries.latest import Latest, iso
from monitor.queries.notices import gpu_trouble
from monitor.sources.base import DeviceState, Row
from monitor.sources.facts import GPU_FACTS
from monitor.storage.store import free_bytes

# A reading older than this many intervals is no longer current.
_STALE_INTERVALS = 5


def gpu_metrics(latest: Latest, gpus: Sequence[DeviceState]) -> dict[str, Any]:
    """`{"time", "gpus": […]}`; a lost GPU has nulls and its reason."""
    return {"time": iso(latest.time), "gpus": [_gpu(latest, gpu) for gpu in gpus]}


def host_metrics(latest: Latest) -> dict[str, Any]:
    """`{"time", "host", "cores"}`."""
    hosts = _rows(latest, HOST)
    return {
        "time": iso(latest.time),
        "host": hosts[0] if hosts else None,
        "cores": _rows(latest, CORE),
    }


def storage(latest: Latest) -> dict[str, Any]:
    """`{"time", "disks"}`."""
    return {"time": iso(latest.time), "disks": _rows(latest, DISK)}


def network(latest: Latest) -> dict[str, Any]:
    """`{"time", "interfaces"}`."""
    return {"time": iso(latest.time), "interfaces": _rows(latest, NETWORK)}


def everything(latest: Latest, gpus: Sequence[DeviceState]) -> dict[str, Any]:
    """All of the above in one."""
    return {
        **gpu_metrics(latest, gpus),
        **host_metrics(latest),
        **storage(latest),
        **network(latest),
    }


def gpu_entry(gpu: DeviceState) -> dict[str, Any]:
    """A GPU's name, number and state."""
    return {
        "device": gpu.device,
        "index": gpu.facts.get("index"),
        "name": gpu.facts.get("name"),
        "status": gpu.status,
        "reason": gpu.reason,
    }


def gpu_info(gpu: DeviceState) -> dict[str, Any]:
    """The same with every fact."""
    facts = {fact.name: gpu.facts.get(fact.name) for fact in GPU_FACTS}
    return {**gpu_entry(gpu), "facts": facts}


def health(latest: Latest, data: str) -> dict[str, Any]:
    """Recorder, sources, room on the disk; `status` is ok, stale or starting."""
    note: dict[str, Any] = dict(latest.recorder)
    interval = note.get("interval")
    age = None if latest.time is None else max(0.0, time.time() - latest.time / 1000)
    fresh = age is not None and age <= _STALE_INTERVALS * float(interval or 1.0)
    own = latest.table("recorder").get("host", {})
    kept = note.get("storage") or {}
    return {
        "status": "ok" if fresh else "starting" if latest.time is None else "stale",
        "version": __version__,
        "recorder": {
            "pid": note.get("pid"),
            "started": iso(note.get("started")),
            "interval": interval,
            "last_tick": iso(latest.time),
            "last_tick_age_seconds": None if age is None else round(age, 3),
            "missed_count": own.get("missed_count"),
            "explanation": note.get("explanation", ""),
        },
        "sources": note.get("sources", []),
        "storage": {
            "ok": kept.get("ok", True),
            "reason": kept.get("reason", ""),
            "free_bytes": free_bytes(data),
        },
    }


def encoded(answer: object) -> bytes:
    """JSON; a NaN is null."""
    return orjson.dumps(answer)


def chosen(latest: Latest, wanted: Sequence[str]) -> list[DeviceState]:
    """The GPUs that these indices or UUIDs name, all where there is none. Problem 404, 503."""
    gpus = latest.gpus()
    if not gpus:
        reason, advice = gpu_trouble(latest)
        detail = f"{reason} {advice}".strip() or "No reading has come yet."
        raise Problem(503, "gpu-unavailable", "GPU unavailable", detail)
    return [one(latest, name) for name in wanted] if wanted else gpus


def one(latest: Latest, name: str) -> DeviceState:
    """The GPU of that index or UUID. Problem 404 says which there are."""
    gpus = latest.gpus()
    for gpu in gpus:
        if gpu.device == name:
            return gpu
    for gpu in gpus:
        if str(gpu.facts.get("index")) == name:
            return gpu
    known = ", ".join(f"{gpu.facts.get('index', '?')} ({gpu.device})" for gpu in gpus) or "none"
    raise Problem(404, "unknown-gpu", "Unknown GPU", f"No GPU {name!r}; there are: {known}.")


def _gpu(latest: Latest, gpu: DeviceState) -> dict[str, Any]:
    row = latest.table("gpu").get(gpu.device, {})
    columns = _columns(GPU, row)
    if columns["index"] is None:
        columns["index"] = gpu.facts.get("index")
    return {**gpu_entry(gpu), "time": iso(latest.time) if row else None, **columns}


def _rows(latest: Latest, table: Table) -> list[dict[str, Any]]:
    return [
        {"device": row["device"], **_columns(table, row)}
        for row in latest.table(table.name).values()
    ]


def _columns(table: Table, row: Row) -> dict[str, Any]:
    return {column: row.get(column) for column in table.columns}
