"""How OpenAPI describes an answer: an example made of its model's, tags, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.api.problems import documented

_HEADERS = {
    "ETag": {
        "description": "of these bytes, for If-None-Match",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "no-cache: ask each time, with the tag",
        "schema": {"type": "string"},
    },
}


def answers(
    model: type[BaseModel], *errors: int, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What FastAPI is told of a path that gives `model`; `more` are other media types of it."""
    content = {"application/json": {"example": example(model)}, **(more or {})}
    responses = {
        200: {"headers": _HEADERS, "content": content},
        304: {"description": "The client's If-None-Match names what is current"},
        **documented(*errors),
    }
    return {"response_model": model, "responses": responses}


def example(model: type[BaseModel]) -> Any:  # noqa: ANN401
    """An answer, from the examples of the model's fields.

    A field that may be left out and has none is left out.
    """
    whole = model.model_config.get("json_schema_extra")
    if isinstance(whole, dict) and "example" in whole:
        return whole["example"]
    made = {name: _example(field) for name, field in model.model_fields.items()}
    return {name: value for name, value in made.items() if value is not _NONE}


_NONE = object()


def _example(field: FieldInfo) -> object:
    if field.examples:
        return field.examples[0]
    kind = field.annotation
    inner = _model(kind)
    if inner is not None:
        return [example(inner)] if get_origin(kind) is list else example(inner)
    if field.is_required():
        raise LookupError(f"{field.title or kind} has no example")
    return _NONE


def _model(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401
    kinds = (kind, *get_args(kind))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
