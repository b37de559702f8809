"""The shapes of answers, made from the catalogue: a column there is a field here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, create_model

from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, Metric, Table
from monitor.sources.facts import GPU_FACTS

_TYPES: dict[str, type] = {"float32": float, "float64": float, "int64": int, "text": str}
_EXAMPLE_TIME = "2026-11-24T10:00:01.000Z"


def _field(metric: Metric) -> tuple[Any, Any]:
    kind = _TYPES[metric.unit.storage]
    description = f"{metric.label}, in {metric.unit.name}. {metric.help}"
    return (kind | None, Field(None, description=description))


def _row(title: str, table: Table, /, **more: tuple[Any, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {"device": (str, Field(description=table.device)), **more}
    fields.update((metric.column, _field(metric)) for metric in table.metrics)
    doc = f"{table.row[0].upper()}{table.row[1:]}."
    made: type[BaseModel] = create_model(title, __doc__=doc, **fields)
    return made


_TIME = (
    str | None,
    Field(None, description="The tick, UTC", examples=[_EXAMPLE_TIME]),
)
_STATUS: dict[str, tuple[Any, Any]] = {
    "name": (str | None, Field(None, description="Product name")),
    "status": (str, Field(description="ok, late, asleep, lost, denied or failed")),
    "reason": (str, Field("", description="Why the status is not ok")),
}

Gpu = _row("Gpu", GPU, **_STATUS, time=_TIME)
Host = _row("Host", HOST)
Core = _row("Core", CORE)
Disk = _row("Disk", DISK)
Interface = _row("Interface", NETWORK)

_FACTS: dict[str, Any] = {
    fact.name: (_TYPES[fact.unit.storage] | None, Field(None, description=fact.label))
    for fact in GPU_FACTS
}
GpuFacts = create_model("GpuFacts", __doc__="What stays the same about a GPU.", **_FACTS)


class GpuEntry(BaseModel):
    """A GPU that is here, or was."""

    device: str = Field(description="UUID")
    index: int | None = Field(None, description="Number, in nvidia-smi's order")
    name: str | None = Field(None, examples=["NVIDIA H100 80GB HBM3"])
    status: str = Field(examples=["ok"])
    reason: str = ""


class GpuList(BaseModel):
    """Every GPU, those that were lost too."""

    gpus: list[GpuEntry]


class GpuInfo(GpuEntry):
    """One GPU with all that is known of it."""

    facts: GpuFacts


class GpuMetrics(BaseModel):
    """The newest reading of each GPU."""

    time: str | None = Field(None, examples=[_EXAMPLE_TIME])
    gpus: list[Gpu]  # type: ignore[valid-type]


class HostMetrics(BaseModel):
    """The newest reading of the machine and its cores."""

    time: str | None = Field(None, examples=[_EXAMPLE_TIME])
    host: Host | None  # type: ignore[valid-type]
    cores: list[Core]  # type: ignore[valid-type]


class Storage(BaseModel):
    """The newest reading of each mounted file system."""

    time: str | None = Field(None, examples=[_EXAMPLE_TIME])
    disks: list[Disk]  # type: ignore[valid-type]


class NetworkMetrics(BaseModel):
    """The newest reading of each interface."""

    time: str | None = Field(None, examples=[_EXAMPLE_TIME])
    interfaces: list[Interface]  # type: ignore[valid-type]


class Everything(BaseModel):
    """All that is current."""

    time: str | None = Field(None, examples=[_EXAMPLE_TIME])
    gpus: list[Gpu]  # type: ignore[valid-type]
    host: Host | None  # type: ignore[valid-type]
    cores: list[Core]  # type: ignore[valid-type]
    disks: list[Disk]  # type: ignore[valid-type]
    interfaces: list[Interface]  # type: ignore[valid-type]


class RecorderHealth(BaseModel):
    """The process that records."""

    pid: int | None
    started: str | None
    interval: float | None = Field(description="Seconds between two ticks")
    last_tick: str | None
    last_tick_age_seconds: float | None
    missed_count: int | None = Field(description="Ticks skipped since it started")
    explanation: str = Field(description="Which sources were chosen, and why")


class SourceHealth(BaseModel):
    """An interface to hardware."""

    name: str
    ok: bool
    reason: str
    advice: str


class StorageHealth(BaseModel):
    """Where the history goes."""

    ok: bool
    reason: str
    free_bytes: int | None = Field(description="Room left where the data folder is")


class Health(BaseModel):
    """Whether recording goes well. `status` is ok, stale or starting."""

    status: str
    version: str
    recorder: RecorderHealth
    sources: list[SourceHealth]
    storage: StorageHealth
