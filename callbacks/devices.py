"""GPUs and mounts come and go: the columns are built anew when others are there."""

from __future__ import annotations

from dash import Dash, Input, Output

from layouts import ids
from layouts.choice import (
    choice,
    gpu_options,
    mode_options,
    nothing_to_choose,
    why_not_compared,
)
from layouts.header import strip
from layouts.page import gpu_column, system_column
from layouts.panels.board import board_panel
from layouts.panels.compare_card import cards
from layouts.trends import trend_gpus
from monitor.queries.current import Current
from monitor.queries.snapshot import layout


def register(app: Dash, current: Current) -> None:
    """The page asks (ids.CHANGED) when a snapshot's devices are not those of the layout."""

    @app.callback(
        Output(ids.STRIP, "children"),
        Output(ids.SYSTEM_COLUMN, "children"),
        Output(ids.GPU_COLUMN, "children"),
        Output(ids.BOARD, "children"),
        Output(ids.GPU_SELECT, "options"),
        Output(ids.GPU_SELECTOR, "hidden"),
        Output(ids.MODE_TOGGLE, "options"),
        Output(ids.MODE_PLACE, "title"),
        Output(ids.CHOICE, "data"),
        Output(ids.CARDS, "data"),
        Output(ids.TREND_GPUS, "children"),
        Output(ids.TREND_GPUS, "hidden"),
        Output(ids.DEVICES, "data"),
        Input(ids.CHANGED, "data"),
        prevent_initial_call=True,
    )
    async def rebuild(_: object) -> tuple[object, ...]:
        latest = current.latest
        gpus = latest.gpus()
        return (
            strip(gpus),
            system_column(latest),
            gpu_column(latest),
            board_panel(latest),
            gpu_options(gpus),
            nothing_to_choose(gpus),
            mode_options(gpus),
            why_not_compared(gpus),
            choice(gpus),
            cards(gpus),
            trend_gpus(gpus),
            nothing_to_choose(gpus),
            layout(latest),
        )
