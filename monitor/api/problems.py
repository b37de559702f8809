"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is not the thing asked for. `kind` ends its type's address."""

    def __init__(self, status: int, kind: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail

    def response(self, path: str) -> Response:
        """The problem as HTTP."""
        body = {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": path,
        }
        return Response(orjson.dumps(body), self.status, media_type=MEDIA_TYPE)


def install(server: FastAPI) -> None:
    """Answer with problems wherever one is raised, and where parameters do not fit."""

    @server.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response(request.url.path)

    @server.exception_handler(RequestValidationError)
    async def bad_parameters(request: Request, error: RequestValidationError) -> Response:
        return Problem(422, "bad-parameters", "Bad parameters", _sentence(error)).response(
            request.url.path
        )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a path's problems are described in OpenAPI."""
    titles = {404: "Unknown GPU", 422: "Bad parameters", 503: "GPU unavailable"}
    return {
        status: {"description": titles[status], "content": {MEDIA_TYPE: {}}} for status in statuses
    }


def _sentence(error: RequestValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors()
    )
