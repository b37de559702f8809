"""A person chooses a GPU, a theme, or how often to ask: all of it stays in their browser."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State

from layouts import ids


def register(app: Dash) -> None:
    """Connect selector, theme button and settings with assets/choices.js."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "gpu"),
        Output(ids.SELECTED_GPU, "data"),
        Input(ids.GPU_SELECT, "value"),
        Input(ids.GPU_SELECT, "options"),
        Input(ids.DEVICES, "data"),
        State(ids.SELECTED_GPU, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "theme"),
        Output(ids.THEME, "data"),
        Input(ids.THEME_BUTTON, "n_clicks"),
        State(ids.THEME, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("choices", "pollSeconds"),
        Output(ids.POLL, "interval"),
        Input(ids.POLL_SECONDS, "value"),
    )
