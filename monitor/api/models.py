"""The API's answers as OpenAPI shows them, derived from the catalogues of metrics and facts.

Answers are encoded from rows, not from these models; tests/api holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Any

from pydantic import BaseModel, Field, create_model

from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, PROCESS, RAIL, ZONE, Metric, Table
from monitor.queries.processes import Cause
from monitor.sources.base import DeviceStatus
from monitor.sources.facts import FACTS, Fact
from monitor.units import Unit

TYPES: Mapping[str, type] = {"float32": float, "float64": float, "int64": int, "text": str}
EXAMPLES: Mapping[str, object] = {
    "percent": 37.5,
    "bytes": 25769803776,
    "bytes per second": 1048576.0,
    "degrees Celsius": 61.0,
    "watts": 312.5,
    "joules": 81643212.5,
    "megahertz": 1755.0,
    "seconds": 0.004,
    "count": 0,
    "number": 0,
    "ratio": 1.25,
    "bit mask": 4,
    "text": "NVIDIA H100 80GB HBM3",
    "seconds since 1970, UTC": 1795514400,
}
PROCESS_EXAMPLES: Mapping[str, object] = {
    "pid": 48211,
    "name": "python",
    "user": "alice",
    "command": "python train.py --config llama-8b.yaml --hub-token ***",
    "started": 1795514400,
    "type": "compute",
    "container": "docker 4be1f27a90c3",
    "visibility": "visible",
}


class Device(BaseModel):
    """What every device says of itself."""

    device: str = Field(description="what tells it apart", examples=["GPU-a1b2"])
    name: str | None = Field(description="name for people", examples=["NVIDIA H100 80GB HBM3"])
    status: DeviceStatus = Field(description="how it is", examples=["ok"])


Model = type[BaseModel]
Definition = tuple[object, object]
"""A field as `create_model` takes it: its type and its description."""


def _typed(unit: Unit, label: str, text: str = "", example: object = None) -> Definition:
    field = Field(
        title=label,
        description=f"{label}, {unit.name}. {text}".rstrip(),
        examples=[EXAMPLES[unit.name] if example is None else example],
        json_schema_extra={"unit": unit.name},
    )
    return (TYPES[unit.storage] | None, field)


def _metric(metric: Metric, example: object = None) -> Definition:
    return _typed(metric.unit, metric.label, metric.help, example)


def _fact(fact: Fact) -> Definition:
    return _typed(fact.unit, fact.label)


def _model(
    name: str, text: str, fields: Mapping[str, Definition], base: Model = BaseModel
) -> Model:
    definitions: dict[str, Any] = dict(fields)
    return create_model(name, __base__=base, __doc__=text, **definitions)


def _readings(name: str, table: Table, more: Mapping[str, Definition], base: Model) -> Model:
    """A model of one row of the table."""
    text = f"{table.row[0].upper()}{table.row[1:]}."
    return _model(name, text, {**more, "time": _TIME, **_columns(table)}, base)


def _columns(table: Table) -> Mapping[str, Definition]:
    examples = PROCESS_EXAMPLES if table is PROCESS else {}
    return {metric.column: _metric(metric, examples.get(metric.column)) for metric in table.metrics}


def _facts(name: str, table: str) -> Definition:
    facts = {fact.name: _fact(fact) for fact in FACTS if fact.table == table}
    text = "What does not change from tick to tick."
    return (_model(name, text, facts), Field(description=text))


def _list(model: Model) -> Definition:
    return (GenericAlias(list, (model,)), Field())


_TIME: Definition = (
    str | None,
    Field(description="tick, UTC; null where there is none", examples=["2026-11-24T10:00:01.000Z"]),
)
_INDEX: Definition = (
    int | None,
    Field(description="number in nvidia-smi's order", examples=[0]),
)
_REASON: Definition = (str, Field(description="why its status is not ok", examples=[""]))
_CORE: Definition = (str, Field(description="core number", examples=["0"]))
_RAIL: Definition = (str, Field(description="rail's label", examples=["VDD_GPU_SOC"]))

Gpu = _model(
    "Gpu",
    "A GPU, or a MIG instance; a lost one too.",
    {"index": _INDEX, "reason": _REASON, "facts": _facts("GpuFacts", "gpu")},
    Device,
)
GpuInfo = _model("GpuInfo", "One GPU.", {"time": _TIME}, Gpu)
GpuReadings = _readings("GpuReadings", GPU, {"index": _INDEX}, Device)
Host = _readings("Host", HOST, {"facts": _facts("HostFacts", "host")}, Device)
Core = _readings("Core", CORE, {"device": _CORE}, BaseModel)
Zone = _readings("Zone", ZONE, {"facts": _facts("ZoneFacts", "zone")}, Device)
Rail = _readings("Rail", RAIL, {"device": _RAIL}, BaseModel)
Disk = _readings("Disk", DISK, {"facts": _facts("DiskFacts", "disk")}, Device)
Interface = _readings("Interface", NETWORK, {"facts": _facts("InterfaceFacts", "network")}, Device)

_DEVICE: Definition = (str, Field(description="UUID of its GPU", examples=["GPU-a1b2"]))

Process = _model(
    "Process",
    "A process on a GPU; one that is on several has a row for each.",
    {"device": _DEVICE, "index": _INDEX, **_columns(PROCESS)},
)


class Unaccounted(BaseModel):
    """Memory of a GPU that no visible process holds."""

    device: str = Field(description="UUID of the GPU", examples=["GPU-a1b2"])
    index: int | None = Field(description="number in nvidia-smi's order", examples=[0])
    bytes: int | None = Field(description="null where it is not reported", examples=[10522669875])
    cause: Cause = Field(
        description="`dead`: its process has ended; `elsewhere`: it runs in another PID namespace; "
        "`unlisted`: the driver lists none",
        examples=["dead"],
    )
    reason: str = Field(
        description="it in words",
        examples=["GPU 0: 9.8 GiB are held by process 4242 (python), which has ended."],
    )


_PROCESSES: Mapping[str, Definition] = {"processes": _list(Process)}
_GPUS = {"gpus": _list(GpuReadings)}
_MACHINE: Mapping[str, Definition] = {
    "host": (Host | None, Field(description="null before the first tick")),
    "cores": _list(Core),
    "zones": _list(Zone),
    "rails": _list(Rail),
}
_DISKS = {"disks": _list(Disk)}
_INTERFACES = {"interfaces": _list(Interface)}


def _answer(name: str, text: str, parts: Mapping[str, Definition]) -> Model:
    return _model(name, text, {"time": _TIME, **parts})


GpuList = _answer("GpuList", "Every GPU ever seen here.", {"gpus": _list(Gpu)})
GpuMetrics = _answer("GpuMetrics", "GPUs at the newest tick.", _GPUS)
Metrics = _answer(
    "Metrics", "The machine, its cores, and a Jetson's thermal zones and power rails.", _MACHINE
)
GpuProcesses = _answer(
    "GpuProcesses",
    "The processes on the GPUs, most GPU memory first.",
    {
        **_PROCESSES,
        "active": (
            int,
            Field(
                description="distinct processes that run: one on several GPUs counts once",
                examples=[3],
            ),
        ),
        "unaccounted": (list[Unaccounted], Field(description="memory no visible process holds")),
    },
)
Storage = _answer("Storage", "Every mounted file system.", _DISKS)
NetworkUse = _answer("Network", "Every network interface.", _INTERFACES)
Everything = _answer(
    "Everything",
    "All that is current.",
    {**_GPUS, **_PROCESSES, **_MACHINE, **_DISKS, **_INTERFACES},
)
