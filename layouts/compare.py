"""All GPUs side by side: what is uneven in words, then a place for a card of each."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import HIDDEN_FROM_READERS, aria
from layouts.panels.compare_card import cards, model_card
from monitor.metrics import GPU
from monitor.queries.compare_snapshot import COMPARED_ROWS, MORE_ROWS, THROTTLING
from monitor.sources.base import DeviceState

SORTS = {
    "index": "index",
    **{column: GPU[column].label for column in COMPARED_ROWS if column != THROTTLING},
    **{column: GPU[column].label for column in MORE_ROWS},
}
"""What cards can be sorted by, the highest first but for the index; by name in addresses."""


def compare_section(gpus: Sequence[DeviceState]) -> Component:
    """The section, in view in Compare. assets/compare.js puts the cards into it."""
    return html.Section(
        id=ids.COMPARE,
        **aria(label="GPUs side by side"),
        children=[
            html.P(
                className="imbalance",
                hidden=True,
                role="status",
                children=[
                    html.I(className="bi bi-exclamation-triangle", **HIDDEN_FROM_READERS),
                    html.Span(className="words"),
                ],
            ),
            html.Div(id=ids.COMPARE_GRID, className="compare-grid"),
            model_card(),
            dcc.Store(id=ids.CARDS, data=cards(gpus)),
            dcc.Store(id=ids.MORE, data=False, storage_type="local"),
        ],
    )


def more_button() -> Component:
    """Switches the rows of further metrics on and off, in every card."""
    return html.Button(
        "More metrics",
        className="plain-button more-metrics",
        type="button",
        **aria(pressed="false"),
    )


def sort_select() -> Component:
    """By what the cards are sorted."""
    return html.Label(
        className="sort",
        children=[
            html.Span("Sort by"),
            dbc.Select(
                id=ids.SORT,
                size="sm",
                options=[{"label": label, "value": name} for name, label in SORTS.items()],
                value="index",
            ),
        ],
    )
