"""`/metrics`, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from monitor.api.problems import NOT_STORED
from monitor.api.route import SystemRoute
from monitor.exporters.prometheus import CONTENT_TYPE, compressed, exposition
from monitor.queries.current import Current

_HEADERS = {**NOT_STORED, "Vary": "Accept-Encoding", "Content-Type": CONTENT_TYPE}
_EXAMPLE = """\
# HELP DCGM_FI_DEV_GPU_UTIL Share of the last sample period in which a kernel ran.
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a1b2",device="nvidia0",modelName="NVIDIA H100"} 97
"""


def prometheus(current: Current) -> APIRouter:
    """`/metrics`."""
    router = APIRouter(route_class=SystemRoute, tags=["prometheus"])

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"example": _EXAMPLE}}}},
    )
    async def metrics(request: Request) -> Response:
        """The newest tick in Prometheus' text format, with dcgm-exporter's names for its metrics.

        When recording is stale, `system_monitor_up` is 0 and no reading is given.
        """
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(compressed(current), headers={**_HEADERS, "Content-Encoding": "gzip"})
        return Response(exposition(current), headers=_HEADERS)

    return router
