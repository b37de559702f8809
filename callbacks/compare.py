"""A person compares GPUs: a card for each is built, and taken away when they are done."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output

from layouts import ids
from layouts.panels.compare_card import compare_cards, compare_skeleton
from monitor.queries.current import Current


def register(app: Dash, current: Current) -> None:
    """Connect mode and sorting with the cards."""

    # The readings of the other mode come along: the next tick may be a second away.
    @app.callback(
        Output(ids.COMPARE_GRID, "children"),
        Output(ids.SNAPSHOT, "data", allow_duplicate=True),
        Input(ids.MODE, "data"),
        Input(ids.DEVICES, "data"),
        prevent_initial_call=True,
    )
    async def build(mode: str | None, _: object) -> tuple[object, object]:
        compared = mode == "compare"
        gpus = current.latest.gpus()
        cards = compare_cards(gpus) if compared else compare_skeleton(gpus)
        return cards, {**current.snapshot(compared=compared), "via": "poll"}

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("compare", "sort"),
        Input(ids.SORT, "value"),
        prevent_initial_call=True,
    )
