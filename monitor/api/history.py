"""The API's paths to the past."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from monitor.api import history_models as models
from monitor.api.encode import find_gpus
from monitor.api.parameters import Asked, GpuFilter, NoParameters
from monitor.api.problems import (
    NOT_STORED,
    bad_parameter,
    documented,
    gpu_unavailable,
    storage_unavailable,
    unknown_gpu,
)
from monitor.metrics import GPU, Table
from monitor.queries.columnwise import columnwise
from monitor.queries.current import Current
from monitor.queries.devices import has_recorded, recorded_devices
from monitor.queries.latest import Latest
from monitor.queries.question import (
    FEWEST_POINTS,
    MOST_POINTS,
    BadQuestion,
    Question,
    chosen_table,
    question,
)
from monitor.queries.series import MAX_POINTS, Archive
from monitor.queries.span import ALLOWED
from monitor.sources.base import DeviceState


class Span(NoParameters):
    """Which metrics over which span, and how finely."""

    metrics: list[str] = Field(
        [],
        max_length=200,
        description="columns, separated by commas or repeated; all where it is left out",
        examples=[["power_watts,temperature_celsius"]],
    )
    start: str = Field("-1h", max_length=64, description=ALLOWED, examples=["-6h"])
    end: str = Field("now", max_length=64, description=f"{ALLOWED}; now", examples=["now"])
    resolution: str | None = Field(
        None,
        max_length=64,
        description="name of a tier, such as 1m, or its seconds; "
        "where it is left out, the finest that has the span in max_points",
        examples=["1m"],
    )
    max_points: int | None = Field(
        None,
        ge=FEWEST_POINTS,
        le=MOST_POINTS,
        description="most points of a line, which keep lowest and highest; "
        f"{MAX_POINTS:,} where neither it nor resolution is given",
        examples=[1000],
    )
    format: Literal["json"] = Field("json", description="of the answer")


class GpuSpan(Span, GpuFilter):
    """Which GPUs over which span."""


class TableSpan(Span):
    """Which table and devices over which span."""

    table: str = Field(
        "host",
        max_length=64,
        description=f"one of {', '.join(models.HISTORY_TABLES)}",
        examples=["host"],
    )
    device: list[Asked] = Field(
        [],
        max_length=1024,
        description="core number, mount point or interface; repeat it for several; all otherwise",
        examples=[["/"]],
    )


def add_history(paths: APIRouter, current: Current, archive: Archive) -> None:
    """The paths below `paths`."""

    @paths.get(
        "/gpu-metrics/history",
        response_model=models.GpuHistory,
        responses=documented(404, 422, 503),
    )
    async def gpu_history(asked: Annotated[GpuSpan, Query()]) -> Response:
        """GPU metrics over a span, column by column, a block for each GPU that has rows."""
        return await asyncio.to_thread(_gpu_history, archive, current.latest, asked)

    @paths.get(
        "/metrics/history",
        response_model=models.MetricsHistory,
        responses=documented(422, 503),
    )
    async def metrics_history(asked: Annotated[TableSpan, Query()]) -> Response:
        """The machine, its cores, disks or interfaces over a span, column by column."""
        return await asyncio.to_thread(_metrics_history, archive, asked)


def _gpu_history(archive: Archive, latest: Latest, asked: GpuSpan) -> Response:
    try:
        devices = chosen_gpus(archive, latest, asked.gpu)
        wanted = _question(archive, GPU, asked, devices)
        return _answer(archive, wanted, _indices(latest))
    except OSError as error:
        raise storage_unavailable(error) from None


def _metrics_history(archive: Archive, asked: TableSpan) -> Response:
    try:
        table = chosen_table(asked.table, models.HISTORY_TABLES)
        return _answer(archive, _question(archive, table, asked, asked.device or None), {})
    except BadQuestion as bad:
        raise bad_parameter(bad.parameter, bad.reason) from None
    except OSError as error:
        raise storage_unavailable(error) from None


def chosen_gpus(archive: Archive, latest: Latest, asked: Sequence[str]) -> list[str] | None:
    """The UUIDs behind these indices and UUIDs; None, which is all, where none is named.

    A Refusal where one is unknown, also to the history, or where there never was a GPU.
    """
    gpus = latest.gpus()
    if not asked:
        if not gpus and archive.first(GPU) is None:
            raise gpu_unavailable(latest)
        return None
    found = [name for text in asked for name in _of_one(archive, latest, gpus, text)]
    return list(dict.fromkeys(found))


def _of_one(archive: Archive, latest: Latest, gpus: Sequence[DeviceState], asked: str) -> list[str]:
    known = find_gpus(asked, gpus)
    if known or has_recorded(archive, GPU, asked):
        return known or [asked]
    past = [DeviceState("gpu", device) for device in recorded_devices(archive, GPU)]
    if not gpus and not past:
        raise gpu_unavailable(latest)
    raise unknown_gpu(asked, gpus or past)


def _question(
    archive: Archive, table: Table, asked: Span, devices: Sequence[str] | None
) -> Question:
    try:
        return question(
            archive,
            table,
            metrics=asked.metrics,
            devices=devices,
            start=asked.start,
            end=asked.end,
            now=round(time.time() * 1000),
            resolution=asked.resolution,
            max_points=asked.max_points,
        )
    except BadQuestion as bad:
        raise bad_parameter(bad.parameter, bad.reason) from None


def _answer(archive: Archive, asked: Question, indices: Mapping[str, object]) -> Response:
    series = archive.series(
        asked.table,
        asked.columns,
        asked.start,
        asked.end,
        devices=asked.devices,
        tier=asked.tier,
        max_points=asked.max_points,
    )
    body = columnwise(series, indices)
    return Response(body, headers=NOT_STORED, media_type="application/json")


def _indices(latest: Latest) -> dict[str, object]:
    return {gpu.device: gpu.facts.get("index") for gpu in latest.gpus()}
