"""The charts' span changes, and time goes on: points are read, and newer ones appended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component

from layouts import ids
from layouts.trends import trend_graphs
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.queries.trends import CHARTS, Grid, newest, shown_gpus, trends
from monitor.queries.view import View, view_of

log = logging.getLogger(__name__)

_NAMES = [chart.name for chart in CHARTS]
# More than a page asks for that was closed for an hour and woke.
_MOST_NEWER = 1_000
# A tick may come that much later than its time, in ms: what was read as a gap is read again.
_LATE = 5_000


def register(app: Dash, current: Current, archive: Archive) -> None:
    """Connect view, charts and time; assets/trends.js keeps the view and draws."""

    @app.callback(Output(ids.TRENDS, "data"), Input(ids.VIEW, "data"), prevent_initial_call=True)
    async def load(asked: Mapping[str, Any] | None) -> object:
        if not asked:
            return no_update
        return await asyncio.to_thread(loaded, archive, current, asked)

    @app.callback(
        Output(ids.NEWER, "data"),
        Input(ids.TREND_TICK, "n_intervals"),
        State(ids.VIEW, "data"),
        State(ids.DRAWN, "data"),
        prevent_initial_call=True,
    )
    async def append(
        _: int | None, asked: Mapping[str, Any] | None, drawn: Mapping[str, Any] | None
    ) -> object:
        if not asked or not drawn:
            return no_update
        return await asyncio.to_thread(appended, archive, current, asked, drawn)

    @app.callback(
        [Output(ids.trend_place(name), "children") for name in _NAMES],
        Input(ids.WANTED, "data"),
        prevent_initial_call=True,
    )
    async def build(_: object) -> list[Component]:
        return trend_graphs()

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("trends", "draw"),
        Output(ids.DRAWN, "data"),
        Input(ids.TRENDS, "data"),
        Input(ids.NEWER, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("trends", "range"),
        Input(ids.RANGE, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("trends", "charts"),
        Input(ids.CHARTS, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("trends", "span"),
        Input(ids.APPLY_SPAN, "n_clicks"),
        State(ids.DATES, "start_date"),
        State(ids.DATES, "end_date"),
        State(ids.FROM_TIME, "value"),
        State(ids.TO_TIME, "value"),
        prevent_initial_call=True,
    )


def loaded(archive: Archive, current: Current, asked: Mapping[str, Any]) -> dict[str, object]:
    """The charts of the view that is asked for, or in `error` why they cannot be had."""
    try:
        drawn = trends(archive, current.latest, asked_view(current, asked))
    except OSError as error:
        log.warning("History cannot be read: %s.", error)
        reason = (error.strerror or str(error)).lower()
        return {"asked": asked.get("number"), "error": f"History cannot be read: {reason}."}
    return {"asked": asked.get("number"), **drawn}


def appended(
    archive: Archive, current: Current, asked: Mapping[str, Any], drawn: Mapping[str, Any]
) -> dict[str, object]:
    """What has come since `drawn["since"]`, on the grid that the charts have; or `stale`.

    They are stale where other GPUs are there by now, where so much has come that all is read
    anew, and where it cannot be read, which the whole answer then says.
    """
    view = asked_view(current, asked)
    number = {"asked": asked.get("number")}
    try:
        step = int(drawn["step"])
        since = int(drawn["since"]) - -(-_LATE // step) * step
        grid = Grid(str(drawn["tier"]), since, view.end, step)
        rolled = bool(drawn["rolled"])
        known = {tier.name for tier in archive.tiers}
        if grid.tier not in known or grid.step <= 0 or not 0 < grid.count <= _MOST_NEWER:
            return {**number, "stale": True}
        charts = newest(archive, current.latest, view, grid, rolled=rolled)
    except (ArithmeticError, KeyError, OSError, TypeError, ValueError):
        return {**number, "stale": True}
    gpus = [gpu.device for gpu in shown_gpus(current.latest, view)]
    if sorted(charts) != drawn.get("charts") or gpus != drawn.get("gpus"):
        return {**number, "stale": True}
    return {**number, "since": grid.start, "to": view.end, "charts": charts}


def asked_view(current: Current, asked: Mapping[str, Any]) -> View:
    """The view that a page asks for now."""
    return view_of(asked, current.latest.gpus(), _NAMES, round(time.time() * 1000))
