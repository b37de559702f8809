"""The answers about the past as OpenAPI shows them, derived from the catalogue of metrics."""

from __future__ import annotations

from types import GenericAlias
from typing import Any

from pydantic import BaseModel, Field, create_model

from monitor.api.models import EXAMPLES, TYPES, Definition, Model
from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, RAIL, RECORDER, ZONE, Metric, Table

HISTORY_TABLES = {table.name: table for table in (HOST, CORE, DISK, NETWORK, ZONE, RAIL, RECORDER)}
"""The tables that `metrics/history` answers for."""


class History(BaseModel):
    """What every answer about the past says beside the values."""

    tier: str = Field(description="where the values come from", examples=["1m"])
    resolution_seconds: float = Field(description="between two points", examples=[60.0])
    start: str = Field(description="of the span, UTC", examples=["2026-11-23T10:00:00.000Z"])
    end: str = Field(description="of the span, UTC", examples=["2026-11-24T10:00:00.000Z"])
    units: dict[str, str] = Field(
        description="the unit of each column", examples=[{"power_watts": "watts"}]
    )


def _line(name: str, tables: list[Table], more: dict[str, Definition]) -> Model:
    """A model of one device's line: any of the columns that its table has."""
    fields: dict[str, Any] = {
        "device": (str, Field(description="what tells it apart", examples=[_DEVICES[name]])),
        **more,
        "time": (list[int], Field(description="ms since 1970", examples=[[1795514400000]])),
    }
    for table in tables:
        for metric in table.metrics:
            if metric.column not in fields:
                fields |= {column: _column(metric, column) for column in metric.rolled_columns}
    samples = Field(None, description="ticks in each bucket, of a rolled tier", examples=[[60]])
    fields["samples"] = (list[int], samples)
    text = "One device: the columns asked for, as many values each as times; missing is null."
    return create_model(name, __doc__=text, **fields)


def _column(metric: Metric, column: str) -> Definition:
    kind = {"": "mean", "_min": "lowest", "_max": "highest"}[column.removeprefix(metric.column)]
    kind = kind if len(metric.rolled_columns) > 1 else "last value"
    field = Field(
        None,
        title=metric.label,
        description=f"{metric.label}, {metric.unit.name}; {kind} of each bucket where rolled up",
        examples=[[EXAMPLES[metric.unit.name], None]],
        json_schema_extra={"unit": metric.unit.name},
    )
    element = TYPES[metric.unit.storage] | None
    return (GenericAlias(list, (element,)), field)


def _history(name: str, text: str, line: Model, example: dict[str, object]) -> Model:
    described = Field(description="a line for each device with rows", examples=[[example]])
    series = (GenericAlias(list, (line,)), described)
    fields: dict[str, Any] = {"series": series}
    return create_model(name, __base__=History, __doc__=text, **fields)


_DEVICES = {"GpuLine": "GPU-a1b2", "Line": "host"}
_INDEX: Definition = (int | None, Field(description="number in nvidia-smi's order", examples=[0]))

_BUCKET: dict[str, object] = {"time": [1795514400000], "samples": [60]}

GpuHistory = _history(
    "GpuHistory",
    "GPUs over a span.",
    _line("GpuLine", [GPU], {"index": _INDEX}),
    {"device": "GPU-a1b2", "index": 0, **_BUCKET}
    | {"power_watts": [312.5], "power_watts_min": [80.0], "power_watts_max": [691.5]},
)
MetricsHistory = _history(
    "MetricsHistory",
    "Another table over a span.",
    _line("Line", list(HISTORY_TABLES.values()), {}),
    {"device": "host", **_BUCKET} | {"load_1m": [3.5], "load_1m_min": [3.25], "load_1m_max": [4.0]},
)
