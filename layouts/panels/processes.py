"""The GPU processes: a heading that counts them, memory nobody holds, a place for the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import HIDDEN_FROM_READERS, aria
from layouts.panels.process_control import process_dialog
from monitor.metrics import PROCESS
from monitor.queries.latest import Latest
from monitor.queries.processes import Unaccounted
from monitor.sources.base import DeviceState

ALL, THIS = "all", "this"

_MOST_ROWS, _ROWS_OF_WORDS = 10, 2
_MOST_NOTES = 3


def of_processes(latest: Latest) -> object:
    """What of the processes the section is made for, beside the GPUs."""
    return has_none(latest), len(latest.table(PROCESS.name))


def processes_section(latest: Latest) -> Component:
    """The whole section, with a place of the grid's size. Hidden where there is no GPU."""
    gpus = latest.gpus()
    return html.Section(
        id=ids.PROCESS_SECTION,
        className="processes",
        hidden=has_none(latest),
        **aria(label="GPU processes"),
        children=[
            html.Div(
                className="process-head",
                children=[
                    html.H2("GPU processes"),
                    html.Span(id=ids.PROCESS_COUNT, className="process-count"),
                    _scope(gpus),
                ],
            ),
            # What is filled anew is within it: it stays as open as it is.
            html.Details(id=ids.PROCESS_NOTES, className="process-notes"),
            html.Div(
                id=ids.PROCESS_PLACE,
                className="panel process-place",
                style=size(len(latest.table(PROCESS.name))),
            ),
            process_dialog(),
            dcc.Store(id=ids.PROCESS_SIGNALS, data=False),
            dcc.Store(id=ids.PROCESS_WANTED),
            dcc.Store(id=ids.PROCESS_SHOWN),
        ],
    )


def size(rows: int) -> dict[str, Any]:
    """The place's style: as high as its rows, or as words that there is none; at most ten rows."""
    return {"--rows": min(_MOST_ROWS, rows or _ROWS_OF_WORDS)}


def process_notes(found: Sequence[Unaccounted], first: str | None = None) -> list[Component]:
    """A line for each sentence, of most memory first; of many, the rest is folded away.

    What is told of the GPU `first` comes before all others.
    """
    if not found:
        return []
    most = sorted(found, key=lambda held: (held.device != first, -(held.bytes or 0)))
    lines = [html.P(held.reason) for held in most]
    told, rest = lines[:_MOST_NOTES], lines[_MOST_NOTES:]
    more = [html.Span(f"{len(rest)} more", className="process-more")] if rest else []
    icon = html.I(className="bi bi-info-circle", **HIDDEN_FROM_READERS)
    return [html.Summary([icon, html.Div([*told, *more])]), *rest]


def has_none(latest: Latest) -> bool:
    """Whether it is known that there is no GPU."""
    return latest.time is not None and not latest.gpus()


def _scope(gpus: Sequence[DeviceState]) -> Component:
    return html.Div(
        id=ids.PROCESS_SCOPE_BOX,
        hidden=len(gpus) < 2,
        children=dbc.RadioItems(
            id=ids.PROCESS_SCOPE,
            name=ids.PROCESS_SCOPE,
            className="segments",
            input_class_name="btn-check",
            label_class_name="segment",
            label_checked_class_name="chosen",
            options=[{"label": "All GPUs", "value": ALL}, {"label": "This GPU", "value": THIS}],
            value=ALL,
            persistence=True,
            persistence_type="local",
        ),
    )
