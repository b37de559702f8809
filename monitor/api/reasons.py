"""What is wrong with a parameter, in words that say what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_LONGEST_SHOWN = 40

Fields = Mapping[str, Mapping[str, FieldInfo]]
"""What a path takes, by where it is: `path`, `query`, `body`."""


def fields_of(dependant: Dependant) -> Fields:
    """What the path takes."""
    places = {
        "path": dependant.path_params,
        "query": dependant.query_params,
        "body": dependant.body_params,
    }
    return {
        place: {
            name: info for found in params for name, info in _fields(found.alias, found.field_info)
        }
        for place, params in places.items()
    }


def _fields(name: str, info: FieldInfo) -> Iterator[tuple[str, FieldInfo]]:
    kind = info.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from kind.model_fields.items()
    else:
        yield name, info


def repeated(given: Sequence[tuple[str, str]], fields: Fields) -> str | None:
    """A parameter of the query that is given more often than the once that it may be."""
    names = [name for name, _ in given]
    for name, info in fields["query"].items():
        if names.count(name) > 1 and get_origin(info.annotation) is not list:
            return name
    return None


def parameter_of(found: Mapping[str, Any]) -> str:
    """Its name; that of the body where it is the whole."""
    place, *names = found["loc"]
    return "body" if found["type"] == "json_invalid" else ".".join(map(str, names)) or str(place)


def reason(found: Mapping[str, Any], fields: Fields) -> str:
    """What pydantic has found, in words of ours; its own where there are none."""
    kind, context = found["type"], found.get("ctx", {})
    place, name = found["loc"][0], found["loc"][-1]
    known = fields.get(place, {})
    bounds = _bounds(known.get(name))
    given = str(found["input"])[:_LONGEST_SHOWN]
    match kind:
        case "extra_forbidden":
            return f"there is no such parameter; this path takes {', '.join(known) or 'none'}"
        case "greater_than_equal" | "less_than_equal" | "int_parsing_size":
            return f"{given} is not{bounds}"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{given!r} is no whole number{bounds}"
        case "literal_error":
            return f"there is no {given!r}; there are {context['expected']}"
        case "string_too_short":
            return "it is empty"
        case "string_too_long":
            return f"it has more than {context['max_length']} characters"
        case "string_pattern_mismatch":
            return "it has a control character"
        case "too_long":
            return f"it is given {context['actual_length']} times; {context['max_length']} may be"
        case "missing":
            return "it is needed"
        case "json_invalid" | "model_attributes_type":
            return "it is no JSON object"
    words = str(found["msg"])
    return words[:1].lower() + words[1:]


def _bounds(info: FieldInfo | None) -> str:
    """` between 2 and 100`, where there are such bounds."""
    found = {
        name: getattr(one, name)
        for one in (info.metadata if info else ())
        for name in ("ge", "le")
        if hasattr(one, name)
    }
    return f" between {found['ge']:,} and {found['le']:,}" if len(found) == 2 else ""
