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
from layouts.plain import PLAIN, content
from layouts.trends import trend_gpus
from monitor.queries.current import Current
from monitor.queries.snapshot import layout


def register(app: Dash, current: Current) -> None:
    """The page asks (ids.CHANGED) when a snapshot's devices are not those of the layout."""

    @app.callback(
        Output(ids.STRIP, PLAIN),
        Output(ids.SYSTEM_COLUMN, PLAIN),
        Output(ids.GPU_COLUMN, PLAIN),
        Output(ids.BOARD, PLAIN),
        Output(ids.GPU_SELECT, "options"),
        Output(ids.GPU_SELECTOR, "hidden"),
        Output(ids.MODE_TOGGLE, "options"),
        Output(ids.MODE_PLACE, "title"),
        Output(ids.CHOICE, "data"),
        Output(ids.CARDS, "data"),
        Output(ids.TREND_GPUS, PLAIN),
        Output(ids.TREND_GPUS, "hidden"),
        Output(ids.DEVICES, "data"),
        Input(ids.CHANGED, "data"),
        prevent_initial_call=True,
    )
    async def rebuild(_: object) -> tuple[object, ...]:
        latest = current.latest
        gpus = latest.gpus()
        return (
            content(strip(gpus)),
            content(system_column(latest)),
            content(gpu_column(latest)),
            content(board_panel(latest)),
            gpu_options(gpus),
            nothing_to_choose(gpus),
            mode_options(gpus),
            why_not_compared(gpus),
            choice(gpus),
            cards(gpus),
            content(trend_gpus(gpus)),
            nothing_to_choose(gpus),
            layout(latest),
        )
