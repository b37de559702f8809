"""What no callback names goes to the page as plain elements, which assets/plain.js makes.

Dash looks at each of its own components whenever anything changes: with sixteen GPUs a page of
1,500 took a tenth of a second for every tick, and a second or two to replace a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from dash.development.base_component import Component

PLAIN = "data-plain"
"""The property that holds a component's plain content, for a callback to fill anew."""

_NAMES = {"className": "class", "htmlFor": "for"}


def plain(children: object) -> dict[str, Any]:
    """The property of a component that has these children as plain elements."""
    return {PLAIN: content(children)}


def content(children: object) -> str:
    """Children as JSON: each a text or [tag, attributes, its children …].

    TypeError where one is no element of HTML.
    """
    return orjson.dumps(_all(children)).decode()


def _all(children: object) -> list[object]:
    if children is None:
        return []
    listed = children if isinstance(children, list | tuple) else [children]
    return [_one(child) for child in listed if child is not None]


def _one(child: object) -> object:
    if not isinstance(child, Component):
        return str(child)
    described = child.to_plotly_json()  # type: ignore[no-untyped-call]
    if described["namespace"] != "dash_html_components":
        raise TypeError(f"{described['type']} is no element of HTML: it cannot be plain.")
    properties = described["props"]
    children = properties.pop("children", None)
    return [described["type"].lower(), dict(_attributes(properties)), *_all(children)]


def _attributes(properties: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in properties.items():
        if name == "style":
            yield name, {_hyphened(key): str(setting) for key, setting in value.items()}
        elif value is not None and value is not False:
            text = "" if value is True else str(value)
            yield _NAMES.get(name, name.lower()), text


def _hyphened(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)
