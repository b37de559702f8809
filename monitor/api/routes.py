"""The REST API's paths. Every answer about now comes from memory, encoded once per tick."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from monitor.api import encode, models
from monitor.api.problems import responses
from monitor.queries.current import Current
from monitor.queries.latest import Latest
from monitor.settings import Settings

_GPU = Annotated[list[str] | None, Query(description="Index or UUID; may be given several times")]
_ONE_GPU = Annotated[str, Path(description="Index or UUID", examples=["0"])]
_NOT_KEPT = {"Cache-Control": "no-store"}


def router(current: Current, settings: Settings) -> APIRouter:
    """Every path below /api/v1/system."""
    routes = APIRouter(prefix="/api/v1/system", tags=["system"])

    @routes.get("/gpu-list", response_model=models.GpuList)
    async def gpu_list() -> Response:
        """Every GPU, those that were lost too."""
        return _answer(
            current.once(
                "gpu-list",
                lambda latest: encode.encoded({"gpus": list(map(encode.gpu_entry, latest.gpus()))}),
            )
        )

    @routes.get("/gpu-info/{gpu}", response_model=models.GpuInfo, responses=responses(404, 503))
    async def gpu_info(gpu: _ONE_GPU) -> Response:
        """What is known of one GPU."""
        found = encode.chosen(current.latest, [gpu])[0]
        return _answer(encode.encoded(encode.gpu_info(found)))

    @routes.get("/gpu-metrics", response_model=models.GpuMetrics, responses=responses(404, 503))
    async def gpu_metrics(gpu: _GPU = None) -> Response:
        """The newest reading of each GPU, or of those asked for."""
        wanted = tuple(gpu or ())

        def make(latest: Latest) -> bytes:
            return encode.encoded(encode.gpu_metrics(latest, encode.chosen(latest, wanted)))

        # Only the answer for all is kept: what a client names could be anything.
        return _answer(make(current.latest) if wanted else current.once("gpu-metrics", make))

    @routes.get("/metrics", response_model=models.HostMetrics)
    async def metrics() -> Response:
        """The newest reading of the machine and its cores."""
        return _answer(
            current.once("metrics", lambda latest: encode.encoded(encode.host_metrics(latest)))
        )

    @routes.get("/storage", response_model=models.Storage)
    async def storage() -> Response:
        """The newest reading of each mounted file system."""
        return _answer(
            current.once("storage", lambda latest: encode.encoded(encode.storage(latest)))
        )

    @routes.get("/network", response_model=models.NetworkMetrics)
    async def network() -> Response:
        """The newest reading of each interface."""
        return _answer(
            current.once("network", lambda latest: encode.encoded(encode.network(latest)))
        )

    @routes.get("/all", response_model=models.Everything)
    async def everything() -> Response:
        """All that is current, in one call; no GPU is an empty list here."""
        return _answer(
            current.once(
                "all",
                lambda latest: encode.encoded(encode.everything(latest, latest.gpus())),
            )
        )

    @routes.get("/health", response_model=models.Health, responses={503: {"model": models.Health}})
    async def health() -> Response:
        """How recording goes; 503 where no reading is current."""
        found = encode.health(current.latest, settings.data)
        return _answer(encode.encoded(found), 200 if found["status"] == "ok" else 503)

    return routes


def _answer(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json", headers=_NOT_KEPT)
