"""The GPU processes, anew where there are others; another choice shows at once."""

from __future__ import annotations

from zlib import crc32

import orjson
from dash import Dash, Input, Output, State, no_update, set_props

from layouts import ids
from layouts.panels.process_grid import ProcessView, load_late, process_grid, process_view
from layouts.panels.process_rows import GridRow, grid_rows
from layouts.panels.processes import THIS, has_none, process_notes, size
from monitor.queries.current import Current
from monitor.queries.processes import GpuProcesses

_OUTPUTS = 7


def register(app: Dash, current: Current) -> None:
    """Connect grid, count and sentences with the newest processes."""
    load_late()

    @app.callback(
        Output(ids.PROCESS_SECTION, "hidden"),
        Output(ids.PROCESS_SCOPE_BOX, "hidden"),
        Output(ids.PROCESS_COUNT, "children"),
        Output(ids.PROCESS_NOTES, "children"),
        Output(ids.PROCESS_PLACE, "style"),
        Output(ids.PROCESS_PLACE, "children"),
        Output(ids.PROCESS_SHOWN, "data"),
        Input(ids.PROCESS_WANTED, "data"),
        Input(ids.PROCESS_SCOPE, "value"),
        Input(ids.SELECTED_GPU, "data"),
        Input(ids.MODE, "data"),
        Input(ids.PROCESS_SIGNALS, "data"),
        State(ids.PROCESS_SHOWN, "data"),
        prevent_initial_call=True,
    )
    async def show(
        wanted: int | None,
        scope: str,
        selected: str | None,
        mode: str | None,
        signals: bool | None,
        shown: list[int] | None,
    ) -> tuple[object, ...]:
        if not wanted:
            return (no_update,) * _OUTPUTS
        compare = mode == "compare"
        only = selected if scope == THIS and not compare else None
        view = view_now(current, only, signals=bool(signals))
        first = None if compare else selected
        hidden = has_none(current.latest), compare or view.of_gpus < 2
        version = [_sum([view, hidden, first]), _sum(view.columns)]
        if version == shown:
            return (no_update,) * _OUTPUTS
        if shown:
            refresh(view, columns=version[1] != shown[1])
        return (
            *hidden,
            view.count,
            process_notes(view.unaccounted, first),
            size(len(view.rows)),
            no_update if shown else process_grid(view),
            version,
        )


def view_now(current: Current, only: str | None, *, signals: bool = False) -> ProcessView:
    """What there is to show of every GPU, or of one; rows are made once a tick for all pages."""
    processes, rows = current.once("process grid", lambda _: _gridded(current.processes()))
    return process_view(processes, rows, only, signals=signals)


def _gridded(processes: GpuProcesses) -> tuple[GpuProcesses, list[GridRow]]:
    return processes, grid_rows(processes)


def refresh(view: ProcessView, *, columns: bool) -> None:
    """Hand the grid its rows, and its columns where others are there."""
    set_props(ids.process_grid(), {"rowData": view.rows})
    if columns:
        set_props(ids.process_grid(), {"columnDefs": view.columns})


def _sum(shown: object) -> int:
    """Another number where another thing is shown."""
    return crc32(orjson.dumps(shown))
