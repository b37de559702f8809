"""A tree of components as the browser has it: with what is plain in its place."""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.plain import PLAIN

_NAMES = {"class": "className", "for": "htmlFor", "tabindex": "tabIndex"}


def unfolded(tree: Component) -> Component:
    """The tree, with a component for each element that assets/plain.js makes."""
    for part in [tree, *tree._traverse()]:
        told = getattr(part, PLAIN, None)
        if told is not None:
            assert not getattr(part, "children", None)
            part.children = [_made(child) for child in json.loads(told)]
    return tree


def _made(part: Any) -> Any:
    if isinstance(part, str):
        return part
    tag, attributes, *children = part
    named = {_NAMES.get(name, name): value for name, value in attributes.items()}
    if "hidden" in named:
        named["hidden"] = True
    inside = [_made(child) for child in children]
    return getattr(html, tag.capitalize())(
        **named, children=inside[0] if len(inside) == 1 else inside
    )
