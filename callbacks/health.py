"""What slowed the GPUs and what went wrong: read when span or GPU change, and each half minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, no_update

from callbacks.trends import asked_view
from layouts import ids
from layouts.panels.health import health_cards
from layouts.plain import PLAIN, content
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.queries.health import health


def register(app: Dash, current: Current, archive: Archive) -> None:
    """Connect the cards with the view and the selector."""

    @app.callback(
        Output(ids.HEALTH_CARDS, PLAIN),
        Input(ids.SHOWN_VIEW, "data"),
        Input(ids.REPORT_TICK, "n_intervals"),
        Input(ids.SELECTED_GPU, "data"),
        prevent_initial_call=True,
    )
    async def tell(asked: Mapping[str, Any] | None, _: int | None, device: str | None) -> object:
        if not asked or not current.latest.gpus():
            return no_update
        try:
            view = asked_view(current, asked)
            found = await asyncio.to_thread(health, archive, current.latest, view, device or "")
        except OSError:
            # The charts' own notice says why.
            return no_update
        return content(health_cards(found))
