"""A person compares GPUs, or is done with it: the page gets the readings that it then shows."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output

from layouts import ids
from monitor.queries.current import Current


def register(app: Dash, current: Current) -> None:
    """Connect mode, GPUs and sorting with the cards."""

    # The next tick may be a second away.
    @app.callback(
        Output(ids.SNAPSHOT, "data", allow_duplicate=True),
        Input(ids.MODE, "data"),
        Input(ids.MORE, "data"),
        prevent_initial_call=True,
    )
    async def other_readings(mode: str | None, more: bool | None) -> dict[str, object]:
        return {**current.snapshot(compared=mode == "compare", more=bool(more)), "via": "poll"}

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("compare", "cards"),
        Input(ids.MODE, "data"),
        Input(ids.CARDS, "data"),
        Input(ids.MORE, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("compare", "sort"),
        Input(ids.SORT, "value"),
        prevent_initial_call=True,
    )
