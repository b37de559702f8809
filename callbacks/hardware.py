"""Another GPU is chosen, or GPUs come and go: the hardware tiles are those of the chosen one."""

from __future__ import annotations

from dash import Dash, Input, Output

from layouts import ids
from layouts.panels.hardware import hardware_tiles
from layouts.plain import PLAIN, content
from monitor.queries.current import Current


def register(app: Dash, current: Current) -> None:
    """Connect the section with the selector."""

    @app.callback(
        Output(ids.HARDWARE, PLAIN),
        Output(ids.HARDWARE, "hidden"),
        Output(ids.HEALTH, "hidden"),
        Input(ids.SELECTED_GPU, "data"),
        Input(ids.DEVICES, "data"),
        prevent_initial_call=True,
    )
    async def show(device: str | None, _: object) -> tuple[object, bool, bool]:
        nothing = not current.latest.gpus()
        tiles = hardware_tiles(current.latest, device or "")
        return content(tiles), nothing, nothing
