"""A card with one large number, what it is of, its last two minutes, and a bar."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.attributes import HIDDEN_FROM_READERS, aria, data
from layouts.theme import ACCENTS


def part(name: str, tag: type[Component] = html.Span, **properties: Any) -> Component:  # noqa: ANN401
    """An empty element that assets/live.js fills with that part of the reading."""
    return tag(**data(part=name), **properties)


def reading_panel(
    metric: str, device: str, label: str, *, follows_gpu: bool = False, cores: bool = False
) -> Component:
    """The card of `table.column` for a device. `follows_gpu` makes it show the chosen GPU.

    `cores` puts the load of each CPU core beneath the number.
    """
    beneath = (
        [html.Canvas(className="cores", **data(part="cores"), **HIDDEN_FROM_READERS)]
        if cores
        else []
    )
    return html.Section(
        className="panel reading loading",
        style={"--accent": ACCENTS[metric]},
        **aria(label=label),
        **data(metric=metric, device=device, value=""),
        **(data(follows="gpu") if follows_gpu else {}),
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.H3(label, className="label"),
                    part("badge", className="badge-state", hidden=True),
                    part("peak", className="peak"),
                ],
            ),
            html.Div(
                className="panel-body",
                children=[
                    html.Div(
                        className="figure",
                        children=[
                            html.Div(
                                className="number",
                                children=[
                                    part("number", className="digits"),
                                    part("symbol", className="symbol"),
                                ],
                            ),
                            part("caption", html.Div, className="caption"),
                            *beneath,
                        ],
                    ),
                    html.Canvas(
                        className="spark",
                        **data(part="spark"),
                        **HIDDEN_FROM_READERS,
                    ),
                ],
            ),
            bar(),
        ],
    )


def bar() -> Component:
    """An 8 px bar whose fill assets/live.js sets; a mark stands at the warning's place."""
    return html.Div(
        className="bar",
        children=[
            part("fill", html.Div, className="fill"),
            part("limit", html.Div, className="limit", hidden=True),
        ],
    )
