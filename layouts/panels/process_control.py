"""The question before a process is signalled: which one it is, what to do, and what that means."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import aria, data
from layouts.plain import plain
from monitor.process_control import SIGNALS, Action

_MEANS: Mapping[Action, str] = {
    "pause": "It stands still and keeps its memory until it is resumed.",
    "resume": "It goes on where it was paused.",
    "terminate": "It is asked to end, and may save its work first.",
    "kill": "It ends at once. What it has not saved is lost.",
}


def process_dialog() -> Component:
    """The dialog; assets/process-control.js opens it for a row and asks the API."""
    return html.Dialog(
        id=ids.PROCESS_DIALOG,
        className="process-dialog",
        **aria(labelledby="process-dialog-title"),
        **plain(
            [
                html.H3(id="process-dialog-title"),
                html.Dl(
                    className="process-dialog-facts",
                    children=[
                        html.Div([html.Dt(label), html.Dd(**data(fact=label.lower()))])
                        for label in ("User", "GPU", "Started", "Command")
                    ],
                ),
                html.Div(
                    className="segments",
                    role="radiogroup",
                    **aria(label="What to do"),
                    children=[
                        html.Button(
                            action.capitalize(),
                            type="button",
                            className="segment",
                            role="radio",
                            title=SIGNALS[action].name,
                            **data(action=action, means=means, signal=SIGNALS[action].name),
                            **aria(checked="false"),
                        )
                        for action, means in _MEANS.items()
                    ],
                ),
                html.P(className="process-dialog-means"),
                html.P(className="process-dialog-answer", role="status"),
                html.Div(
                    className="process-dialog-buttons",
                    children=[
                        html.Button(
                            "Cancel", type="button", className="plain-button", **data(close="")
                        ),
                        html.Button(
                            "Confirm",
                            type="button",
                            className="plain-button confirm",
                            **data(confirm=""),
                        ),
                    ],
                ),
            ]
        ),
    )
