"""`gpu-metrics/compare`: the GPUs side by side, encoded once per tick."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from monitor.api.caching import CHECKED
from monitor.api.described import answers
from monitor.api.models import EXAMPLES, Device, Model
from monitor.api.parameters import NoParameters
from monitor.api.problems import gpu_unavailable
from monitor.metrics import Metric
from monitor.queries.compare import COMPARED, Comparison
from monitor.queries.current import Current
from monitor.queries.latest import Latest, iso

_DEVICE = "GPU-a1b2"


class Relative(BaseModel):
    """A reading, and how far it is above the mean of all GPUs."""

    value: float | None = Field(description="null where it is missing")
    from_mean: float | None = Field(
        description="in the metric's unit; null where it is missing, and for a MIG instance"
    )


class Spread(BaseModel):
    """A metric over all GPUs that answered and report it."""

    mean: float | None = Field(description="null where no GPU reports it")
    highest: list[str] = Field(
        description="devices that stand out; empty where all are about the same, and where more "
        "than half share it"
    )
    lowest: list[str] = Field(description="likewise")


def _by_column(name: str, text: str, model: Model) -> Model:
    fields: dict[str, Any] = {metric.column: (model, _described(metric)) for metric in COMPARED}
    return create_model(name, __doc__=text, **fields)


def _described(metric: Metric) -> Any:  # noqa: ANN401
    return Field(
        title=metric.label,
        description=f"{metric.label}, {metric.unit.name}.",
        json_schema_extra={"unit": metric.unit.name},
    )


_Relatives = _by_column("Relatives", "Each metric of a GPU.", Relative)
_Spreads = _by_column("Spreads", "Each metric over all GPUs.", Spread)
_ComparedGpu = create_model(
    "ComparedGpu",
    __base__=Device,
    __doc__="A GPU, or a MIG instance behind its GPU, which is compared with nobody.",
    index=(int | None, Field(description="number in nvidia-smi's order", examples=[0])),
    parent=(str | None, Field(None, description="of a MIG instance, its GPU")),
    metrics=(_Relatives, Field(description="each metric")),
)


def _example() -> dict[str, Any]:
    relative = {
        metric.column: {"value": EXAMPLES[metric.unit.name], "from_mean": -1.5}
        for metric in COMPARED
    }
    gpu = {"device": _DEVICE, "index": 0, "name": EXAMPLES["text"], "status": "ok", "parent": None}
    spread = {"mean": 39.0, "highest": [], "lowest": [_DEVICE]}
    return {
        "time": "2026-11-24T10:00:01.000Z",
        "gpus": [{**gpu, "metrics": relative}],
        "metrics": {metric.column: spread for metric in COMPARED},
        "imbalance": ["GPU 0 runs 140 MHz below the others: thermal slowdown."],
    }


GpuComparison = create_model(
    "GpuComparison",
    __config__=ConfigDict(json_schema_extra={"example": _example()}),
    __doc__="The GPUs side by side.",
    time=(str | None, Field(description="tick, UTC", examples=["2026-11-24T10:00:01.000Z"])),
    gpus=(list[_ComparedGpu], Field(description="every GPU ever seen")),
    metrics=(_Spreads, Field(description="each metric")),
    imbalance=(
        list[str],
        Field(description="what is uneven, over the last ten seconds, in sentences"),
    ),
)


def add_compare(paths: APIRouter, current: Current) -> None:
    """The path below `paths`."""

    def encode(latest: Latest) -> bytes:
        return encoded(latest, current.comparison())

    @paths.get(
        "/gpu-metrics/compare",
        **answers(GpuComparison, 422, 503),
    )
    async def gpu_compare(_: Annotated[NoParameters, Query()]) -> Response:
        """Of each metric the mean and who is highest and lowest; how far each GPU is off."""
        if not current.latest.gpus():
            raise gpu_unavailable(current.latest)
        body = current.once("api compare", encode)
        return Response(body, headers=CHECKED, media_type="application/json")


def encoded(latest: Latest, comparison: Comparison) -> bytes:
    """The answer."""
    nobody: dict[str, object] = {"mean": None, "highest": [], "lowest": []}
    spreads = {
        column: {"mean": one.mean, "highest": one.highest, "lowest": one.lowest}
        for column, one in comparison.metrics.items()
    }
    return orjson.dumps(
        {
            "time": iso(latest.time),
            "gpus": [
                {
                    "device": gpu.device,
                    "index": gpu.facts.get("index"),
                    "name": gpu.facts.get("name"),
                    "status": gpu.status,
                    "parent": gpu.facts.get("parent"),
                    "metrics": _relative(comparison, gpu.device),
                }
                for gpu in comparison.gpus
            ],
            "metrics": {metric.column: spreads.get(metric.column, nobody) for metric in COMPARED},
            "imbalance": comparison.imbalance,
        }
    )


def _relative(comparison: Comparison, device: str) -> dict[str, dict[str, float | None]]:
    return {
        metric.column: {
            "value": comparison.values[metric.column].get(device),
            "from_mean": comparison.from_mean[metric.column].get(device),
        }
        for metric in COMPARED
    }
