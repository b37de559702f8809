"""The table of what the span in view came to: read when the span changes, and each half minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, no_update

from callbacks.trends import asked_view
from layouts import ids
from layouts.panels.span_report import span_report
from layouts.plain import PLAIN, content
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.queries.span_report import report


def register(app: Dash, current: Current, archive: Archive) -> None:
    """Connect the table with the view."""

    @app.callback(
        Output(ids.SPAN_REPORT, PLAIN),
        Input(ids.SHOWN_VIEW, "data"),
        Input(ids.REPORT_TICK, "n_intervals"),
        prevent_initial_call=True,
    )
    async def tell(asked: Mapping[str, Any] | None, _: int | None) -> object:
        if not asked:
            return no_update
        try:
            view = asked_view(current, asked)
            rows = await asyncio.to_thread(report, archive, current.latest, view)
        except OSError:
            # The charts' own notice says why.
            return no_update
        return content(span_report(rows))
