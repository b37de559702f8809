"""Disk usage: every mount in one card."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts.attributes import aria, data
from layouts.panels.reading import bar, part
from layouts.theme import ACCENTS


def disks_panel(mounts: Sequence[str]) -> Component:
    """A row for each mount point, in the order given."""
    return html.Section(
        className="panel disks" + ("" if mounts else " loading"),
        style={"--accent": ACCENTS["disk.used_bytes"]},
        **aria(label="Disk usage"),
        children=[
            html.Div(className="panel-head", children=[html.H3("Disk usage", className="label")]),
            html.Div(className="rows", tabIndex=0, children=[_row(mount) for mount in mounts]),
        ],
    )


def _row(mount: str) -> Component:
    return html.Div(
        className="row-bar",
        **data(metric="disk.used_bytes", device=mount, value=""),
        children=[
            html.Span(mount, className="mount", title=mount),
            bar(),
            part("caption", className="amount"),
        ],
    )
