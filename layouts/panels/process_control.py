"""The question before a process is signalled: which one it is, what to do, and what that means."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import aria, data
from layouts.plain import plain

# Of each action: its word, the signal, and what comes of it.
_ACTIONS = {
    "pause": ("Pause", "SIGSTOP", "It stands still and keeps its memory until it is resumed."),
    "resume": ("Resume", "SIGCONT", "It goes on where it was paused."),
    "terminate": ("Terminate", "SIGTERM", "It is asked to end, and may save its work first."),
    "kill": ("Kill", "SIGKILL", "It ends at once. What it has not saved is lost."),
}
_ASKED_FIRST = "pause"


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
                            word,
                            type="button",
                            className="segment",
                            role="radio",
                            title=number,
                            **data(action=action, means=means, signal=number),
                            **aria(checked="true" if action == _ASKED_FIRST else "false"),
                        )
                        for action, (word, number, means) in _ACTIONS.items()
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
