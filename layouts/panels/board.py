"""A Jetson's thermal zones and power rails; nothing on other machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts.attributes import aria, data
from layouts.panels.reading import part
from monitor.queries.latest import Latest

# What every zone's type ends in tells no one anything.
_OF_A_ZONE = re.compile(r"[-_]therm(al)?$", re.IGNORECASE)


def board_panel(latest: Latest) -> list[Component]:
    """The card across the page, where there is a zone or a rail."""
    zones, rails = list(latest.table("zone")), list(latest.table("rail"))
    groups = [
        _group("Thermal zones", "zone.temperature_celsius", zones),
        _group("Power rails", "rail.power_watts", rails),
    ]
    shown = [group for group in groups if group is not None]
    card = html.Section(className="panel board", **aria(label="Board sensors"), children=shown)
    return [card] if shown else []


def _group(label: str, metric: str, devices: Sequence[str]) -> Component | None:
    if not devices:
        return None
    return html.Div(
        className="sensors",
        children=[
            html.H3(label, className="label"),
            html.Dl([_sensor(metric, device) for device in devices]),
        ],
    )


def _sensor(metric: str, device: str) -> Component:
    return html.Div(
        **data(metric=metric, device=device, value=""),
        children=[
            html.Dt(_OF_A_ZONE.sub("", device), title=device),
            html.Dd([part("number"), " ", part("symbol")]),
        ],
    )
