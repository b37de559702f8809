"""A button that is an icon, with words for those who hover or listen."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.attributes import HIDDEN_FROM_READERS, aria


def icon_button(identity: str, icon: str, label: str) -> Component:
    """`icon` is a class of Bootstrap Icons, such as `bi-gear`."""
    return html.Button(
        html.I(className=f"bi {icon}", **HIDDEN_FROM_READERS),
        id=identity,
        className="icon-button",
        type="button",
        title=label,
        **aria(label=label),
    )
