"""A person chooses a GPU or all, a theme, how often to ask: it stays in their browser."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State

from layouts import ids


def register(app: Dash) -> None:
    """Connect selector, toggle, theme button and settings with assets/choices.js."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "gpu"),
        Output(ids.SELECTED_GPU, "data"),
        Output(ids.MODE, "data"),
        Input(ids.GPU_SELECT, "value"),
        Input(ids.MODE_TOGGLE, "value"),
        Input(ids.CHOICE, "data"),
        State(ids.SELECTED_GPU, "data"),
        State(ids.MODE, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "theme"),
        Output(ids.THEME, "data"),
        Input(ids.THEME_BUTTON, "n_clicks"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "pollSeconds"),
        Output(ids.POLL, "interval"),
        Input(ids.POLL_SECONDS, "value"),
    )
