"""Errors as RFC 9457 has them, `application/problem+json`, for every path of the API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from monitor.api.reasons import Fields, fields_of, parameter_of, reason, repeated
from monitor.queries.latest import Latest
from monitor.queries.notices import gpu_trouble
from monitor.sources.base import DeviceState

MEDIA_TYPE = "application/problem+json"
NOT_STORED = {"Cache-Control": "no-store"}


class Problem(BaseModel):
    """What went wrong. Members beside these belong to the kind of problem."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="kind of problem", examples=["/problems/unknown-gpu"])
    title: str = Field(description="the kind in words", examples=["No such GPU"])
    status: int = Field(description="HTTP status", examples=[404])
    detail: str = Field(description="what to know about this one", examples=["No GPU is '9'."])


class Refusal(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.body = {
            "type": f"/problems/{kind}",
            "title": title,
            "status": status,
            "detail": detail,
            **more,
        }

    def response(self) -> Response:
        """It as an answer."""
        return Response(
            orjson.dumps(self.body),
            self.status,
            {**self.headers, **NOT_STORED},
            media_type=MEDIA_TYPE,
        )


class ProblemRoute(APIRoute):
    """A path whose every error is a problem, also those that FastAPI finds itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors turned into answers."""
        handle = super().get_route_handler()
        fields = fields_of(self.dependant)

        async def answer(request: Request) -> Response:
            twice = repeated(request.query_params.multi_items(), fields)
            if twice is not None:
                return bad_parameter(
                    twice, "it is given more than once; it takes one value"
                ).response()
            try:
                answered: Response = await handle(request)
                return answered
            except Refusal as refusal:
                return refusal.response()
            except RequestValidationError as error:
                return bad_parameters(error, fields).response()
            except HTTPException as error:
                return of_http(request, error).response()

        return answer


def answer_problems(server: FastAPI) -> None:
    """Of paths that are not ours too: errors that Starlette finds are answered as problems."""

    @server.exception_handler(HTTPException)
    async def answer(request: Request, error: HTTPException) -> Response:
        return of_http(request, error).response()


def of_http(request: Request, error: HTTPException) -> Refusal:
    """The problem that Starlette's exception is."""
    if error.status_code == 404:
        return not_found(request.scope["path"])
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "GET")
        return not_allowed(request.method, allowed.split(", "))
    status, words = error.status_code, str(error.detail)
    return Refusal(status, f"http-{status}", words, words, headers=error.headers)


def not_found(path: str) -> Refusal:
    """404: there is no such path."""
    return Refusal(404, "not-found", "Not found", f"There is no {path}.")


def not_allowed(method: str, allowed: Collection[str]) -> Refusal:
    """405: other methods are answered."""
    known = sorted({*allowed, "HEAD"} if "GET" in allowed else allowed)
    verb = "is" if len(known) == 1 else "are"
    detail = f"{method} is not answered here; {' and '.join(known)} {verb}."
    headers = {"Allow": ", ".join(known)}
    return Refusal(405, "method-not-allowed", "Method not allowed", detail, headers=headers)


def bad_parameters(error: RequestValidationError, fields: Fields) -> Refusal:
    """422: each parameter with what is wrong with it."""
    errors = [
        {"parameter": parameter_of(found), "reason": reason(found, fields)}
        for found in error.errors()
    ]
    detail = "; ".join(f"{found['parameter']}: {found['reason']}" for found in errors)
    return Refusal(422, "bad-parameters", "Bad parameters", f"{detail}.", errors=errors)


def bad_parameter(parameter: str, why: str) -> Refusal:
    """422: one parameter and what is wrong with it."""
    errors = [{"parameter": parameter, "reason": why}]
    detail = f"{parameter}: {why}."
    return Refusal(422, "bad-parameters", "Bad parameters", detail, errors=errors)


def storage_unavailable(error: OSError) -> Refusal:
    """503: the data folder cannot be read, and why not."""
    why = (error.strerror or str(error)).splitlines()[0]
    detail = f"The history cannot be read: {why[:1].lower()}{why[1:]}."
    return Refusal(503, "storage-unavailable", "The history cannot be read", detail)


def too_many_queries() -> Refusal:
    """429: of the history, as much is asked at once as may be."""
    detail = (
        "As many queries of the history wait, or are being answered, as may at once, from here or"
        " in all. Try again in 1 s."
    )
    headers = {"Retry-After": "1"}
    return Refusal(429, "too-many-queries", "Too many queries", detail, headers=headers)


def unknown_gpu(asked: str, gpus: Sequence[DeviceState]) -> Refusal:
    """404: no GPU of that index or UUID; says which there are."""
    known = [{"index": gpu.facts.get("index"), "device": gpu.device} for gpu in gpus]
    listed = ", ".join(f"{gpu['index']} ({gpu['device']})" for gpu in known)
    detail = f"No GPU is {asked!r}. There are: {listed}."
    return Refusal(404, "unknown-gpu", "No such GPU", detail, gpus=known)


def gpu_unavailable(latest: Latest) -> Refusal:
    """503: no GPU can be read, and why not."""
    why, advice = gpu_trouble(latest)
    if not why:
        why = "No GPU was found." if latest.recorder else "Nothing has been recorded here so far."
    return Refusal(503, "gpu-unavailable", "No GPU can be read", why, advice=advice)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes these errors."""
    return {status: described(_EXAMPLES[status]) for status in statuses}


def examples(*refusals: Refusal) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes errors like these."""
    return {refusal.status: described(refusal) for refusal in refusals}


def described(example: Refusal) -> dict[str, Any]:
    """How OpenAPI describes an error like this."""
    return {
        "description": example.body["title"],
        "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": example.body}},
    }


_SCHEMA = Problem.model_json_schema()
_EXAMPLE_GPU = DeviceState("gpu", "GPU-a1b2", facts={"index": 0})
_EXAMPLES = {
    404: unknown_gpu("9", [_EXAMPLE_GPU]),
    422: Refusal(
        422,
        "bad-parameters",
        "Bad parameters",
        "gpus: there is no such parameter; this path takes gpu.",
        errors=[{"parameter": "gpus", "reason": "there is no such parameter; this path takes gpu"}],
    ),
    429: too_many_queries(),
    503: Refusal(
        503,
        "gpu-unavailable",
        "No GPU can be read",
        "GPU readings are switched off (--gpu-source none).",
        advice="Start with --gpu-source auto to record GPUs.",
    ),
}
