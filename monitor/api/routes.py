"""The REST API's paths. What is current comes from memory, encoded once per tick."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from monitor.api import models
from monitor.api.caching import CHECKED
from monitor.api.compare import add_compare
from monitor.api.described import answers, example
from monitor.api.encode import encoded
from monitor.api.health import Health, health
from monitor.api.history import add_history
from monitor.api.parameters import GpuFilter, NoParameters, OneGpu
from monitor.api.problems import NOT_STORED, documented
from monitor.api.process_control import add_process_control
from monitor.api.prometheus import prometheus
from monitor.api.route import SystemRoute, nowhere
from monitor.api.stream import stream
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.settings import Settings

Filter = Annotated[GpuFilter, Query()]
Nothing = Annotated[NoParameters, Query()]
_STALE = {**example(Health), "status": "stale"}


def router(current: Current, settings: Settings, archive: Archive) -> APIRouter:
    """Every path below /api/v1/system, and the WebSocket."""
    paths = APIRouter(prefix="/api/v1/system", route_class=SystemRoute, tags=["system"])

    @paths.get("/gpu-list", **answers(models.GpuList, 422, 503))
    async def gpu_list(_: Nothing) -> Response:
        """Every GPU ever seen here with its status and facts, lost ones too."""
        return _json(encoded(current).gpu_list())

    @paths.get("/gpu-info/{gpu}", **answers(models.GpuInfo, 404, 422, 503))
    async def gpu_info(gpu: OneGpu, _: Nothing) -> Response:
        """One GPU, by index or UUID, with its status and facts."""
        return _json(encoded(current).gpu_info(gpu))

    @paths.get("/gpu-metrics", **answers(models.GpuMetrics, 404, 422, 503))
    async def gpu_metrics(chosen: Filter) -> Response:
        """Every reading of each GPU at the newest tick; null where it is missing."""
        return _json(encoded(current).gpu_metrics(chosen.gpu))

    @paths.get("/gpu-processes", **answers(models.GpuProcesses, 404, 422, 503))
    async def gpu_processes(chosen: Filter) -> Response:
        """The processes on each GPU, most GPU memory first, and memory that none of them holds."""
        return _json(encoded(current).gpu_processes(chosen.gpu))

    @paths.get("/metrics", **answers(models.Metrics, 422))
    async def metrics(_: Nothing) -> Response:
        """The machine, each core of its CPU, and a Jetson's zones and rails at the newest tick."""
        return _json(encoded(current).metrics)

    @paths.get("/storage", **answers(models.Storage, 422))
    async def storage(_: Nothing) -> Response:
        """Every mounted file system at the newest tick."""
        return _json(encoded(current).storage)

    @paths.get("/network", **answers(models.NetworkUse, 422))
    async def network(_: Nothing) -> Response:
        """Every network interface at the newest tick."""
        return _json(encoded(current).network)

    @paths.get("/all", **answers(models.Everything, 404, 422, 503))
    async def everything(chosen: Filter) -> Response:
        """All that is current in one call; the WebSocket /ws/system-metrics pushes the same."""
        return _json(encoded(current).everything(chosen.gpu))

    @paths.get(
        "/health",
        response_model=Health,
        responses={
            200: {"content": {"application/json": {"example": example(Health)}}},
            503: {
                "model": Health,
                "description": "Recording is stale",
                "content": {"application/json": {"example": _STALE}},
            },
            **documented(422),
        },
    )
    async def how_it_is(_: Nothing) -> Response:
        """Recorder, sources, storage and room.

        503 when the last tick is older than 5 intervals.
        """
        found = await asyncio.to_thread(health, current.latest, settings.data)
        status = 200 if found.status == "ok" else 503
        body = found.model_dump_json().encode()
        return Response(body, status, NOT_STORED, media_type="application/json")

    add_compare(paths, current)
    add_history(paths, current, archive)
    add_process_control(paths, current, settings)

    paths.include_router(nowhere("/{path:path}"))

    whole = APIRouter()
    whole.include_router(paths)
    whole.include_router(stream(current))
    whole.include_router(prometheus(current))
    return whole


def _json(body: bytes) -> Response:
    return Response(body, headers=CHECKED, media_type="application/json")
