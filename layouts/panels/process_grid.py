"""The grid of GPU processes: its columns, its look, and what it shows now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from layouts import ids
from layouts.panels.process_rows import GridRow
from monitor.metrics import PROCESS
from monitor.queries.latest import is_whole, short_name
from monitor.queries.processes import GpuProcesses, Unaccounted
from monitor.sources.base import DeviceState

# Of assets/processes.js: the words of a cell, or its value where it has none.
_TEXT = {"function": "said(params)"}
_ABSENT = {"function": "params.value === null ? 'Not reported' : null"}
# assets/theme.css has the colours, for dark and light.
_THEME = (
    "themeQuartz.withParams({"
    "backgroundColor: 'transparent', foregroundColor: 'var(--text)', browserColorScheme: 'inherit',"
    "accentColor: 'var(--ram)', borderColor: 'var(--line)', fontFamily: 'inherit', fontSize: 13,"
    "headerBackgroundColor: 'transparent', headerTextColor: 'var(--quiet)', headerFontSize: 12.5,"
    "headerFontWeight: 450, headerHeight: 36, rowHeight: 32, cellHorizontalPadding: 12,"
    "iconSize: 13, rowHoverColor: 'var(--raised)', wrapperBorder: false, wrapperBorderRadius: 0,"
    "columnBorder: false, headerColumnBorder: false, headerColumnResizeHandleColor: 'var(--line)',"
    "tooltipBackgroundColor: 'var(--panel)', tooltipTextColor: 'var(--text)'"
    "})"
)
_OPTIONS: dict[str, Any] = {
    "theme": {"function": _THEME},
    "animateRows": False,
    "enableCellTextSelection": True,
    "ensureDomOrder": True,
    "tooltipShowDelay": 300,
    "localeText": {"noRowsToShow": "No process holds GPU memory"},
}


@dataclass(frozen=True)
class ProcessView:
    """What is shown of the processes: of all GPUs, or of one. `of_gpus` is how many there are."""

    of_gpus: int
    rows: Sequence[GridRow]
    columns: Sequence[dict[str, Any]]
    count: str
    unaccounted: Sequence[Unaccounted]


def process_view(
    processes: GpuProcesses, rows: Sequence[GridRow], only: str | None, *, signals: bool = False
) -> ProcessView:
    """The view of every GPU; where `only` is the UUID of one that is known, of that and its parts.

    `rows` are the grid's of all these processes; with `signals` each has a button to signal it.
    """
    gpus = processes.gpus
    chosen = [gpu for gpu in gpus if only and only in (gpu.device, gpu.facts.get("parent"))]
    if chosen:
        rows = [row for row in rows if gpus[row["gpu"]] in chosen]
    found = processes.of({gpu.device for gpu in chosen or gpus})
    return ProcessView(
        len(gpus),
        rows,
        grid_columns(
            gpu=_gpu_width(found.gpus),
            container=any(row["container"] is not None for row in rows),
            signals=signals,
        ),
        f"{found.active} active{_where(processes, found)}",
        found.unaccounted,
    )


def _where(processes: GpuProcesses, found: GpuProcesses) -> str:
    """` on GPU 5` of several, ` on 3 GPUs` that have any; nothing to tell where there is one."""
    if len(found.gpus) < len(processes.gpus):
        return f" on {short_name(found.gpus[0])}"
    parents = {gpu.device: gpu.facts.get("parent") for gpu in found.gpus}
    whole = {parents[str(row["device"])] or row["device"] for row in found.rows}
    if not whole or len(found.gpus) == 1:
        return ""
    return f" on {len(whole)} {'GPU' if len(whole) == 1 else 'GPUs'}"


def process_grid(view: ProcessView) -> Component:
    """The grid itself, apart from the layout: it takes a while to load."""
    grid: Component = dag.AgGrid(
        id=ids.process_grid(),
        className="process-grid",
        rowData=view.rows,
        columnDefs=view.columns,
        defaultColDef={"resizable": True, "sortable": True, "minWidth": 56},
        # A process stays the row it is, and so do sorting, scrolling and what is selected.
        getRowId="params.data.id",
        rowClassRules={"process-unseen": "params.data.state !== 'visible'"},
        dashGridOptions=_OPTIONS,
        eventListeners={
            "modelUpdated": ["params.api.setGridAriaProperty('label', 'GPU processes')"]
        },
        style={"height": None},
    )
    return grid


def load_late() -> None:
    """Keep the grid's library out of the page's head, where 1.3 MB would hold up the readings.

    assets/processes.js asks for it afterwards.
    """
    for file in dag.AgGrid._js_dist:
        if "async" not in file:
            file["dynamic"] = True


def _gpu_width(gpus: Sequence[DeviceState]) -> int:
    """Pixels for the names of the GPUs; 0 where there is one, which needs no name."""
    if len(gpus) < 2:
        return 0
    return 68 if all(is_whole(gpu) for gpu in gpus) else 104


def grid_columns(*, gpu: int, container: bool, signals: bool = False) -> list[dict[str, Any]]:
    """The columns; those of GPU and container are there where they tell something apart.

    `gpu` is the width of the GPU's, 0 for none.
    That of the button to signal a process is there for those who may.
    """
    help_of = {metric.column: metric.help for metric in PROCESS.metrics}
    cpu, ram = help_of["cpu_percent"], help_of["memory_bytes"]
    return [
        {
            "field": "gpu",
            "headerName": "GPU",
            "initialWidth": gpu or 68,
            "hide": not gpu,
            "valueFormatter": _TEXT,
            "cellClass": "process-gpu",
            "cellStyle": {"function": "({'--accent': params.data.dot})"},
        },
        {"field": "pid", "headerName": "PID", "initialWidth": 82, "cellClass": "process-pid"},
        _words("name", "Name", 126),
        _words("user", "User", 88),
        _number("memory", "GPU memory", 130, help_of["gpu_memory_bytes"], initialSort="desc"),
        _number("sm", "SM", 74, help_of["sm_percent"]),
        _number("video", "Enc / Dec", 96, "Use of the video encoder and decoder, in percent."),
        _number("cpu", "CPU", 80, cpu),
        _number("ram", "RAM", 94, ram),
        {
            "field": "started",
            "headerName": "Started",
            "initialWidth": 100,
            "valueFormatter": {"function": "started(params.value)"},
            "tooltipValueGetter": {"function": "startedInFull(params.value)"},
        },
        {**_words("container", "Container", 172), "hide": not container},
        {
            **_words("command", "Command", 300),
            "initialFlex": 1,
            "minWidth": 220,
            "cellClass": "process-command",
        },
        {
            "colId": "act",
            "headerName": "",
            "initialWidth": 48,
            "minWidth": 48,
            "hide": not signals,
            "sortable": False,
            "resizable": False,
            "pinned": "right",
            "cellClass": "process-act-cell",
            "cellRenderer": "act",
        },
    ]


def _words(field: str, label: str, width: int) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": label,
        "initialWidth": width,
        "valueFormatter": _TEXT,
        "tooltipValueGetter": _TEXT,
    }


def _number(field: str, label: str, width: int, text: str, **more: object) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": label,
        "headerTooltip": text,
        "initialWidth": width,
        "headerClass": "ag-right-aligned-header",
        "sortingOrder": ["desc", "asc"],
        "valueFormatter": _TEXT,
        "cellClass": "ag-right-aligned-cell",
        "cellClassRules": {"process-absent": "params.value === null"},
        "tooltipValueGetter": _ABSENT,
        **more,
    }
