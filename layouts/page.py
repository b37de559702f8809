"""The whole page for the newest tick: header, banner, two aligned columns."""

from __future__ import annotations

from uuid import uuid4

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.answers import answers_line
from layouts.attributes import HIDDEN_FROM_READERS, aria
from layouts.choice import choice, gpu_selector, mode_toggle
from layouts.compare import compare_section, more_button, sort_select
from layouts.header import header
from layouts.panels.board import board_panel
from layouts.panels.device import device_panel
from layouts.panels.disks import disks_panel
from layouts.panels.hardware import hardware_section
from layouts.panels.health import health_section
from layouts.panels.processes import of_processes, processes_section
from layouts.panels.reading import reading_panel
from layouts.plain import plain
from layouts.trends import trends_section
from monitor.queries.latest import Latest
from monitor.queries.notices import gpu_trouble
from monitor.queries.snapshot import layout


class Pages:
    """The page for each who opens it; for the same devices, its components are made once."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._made_for: object = None
        self._parts: list[Component] = []

    def page(self, latest: Latest, snapshot: dict[str, object] | None = None) -> Component:
        """Every component, and the readings to begin with, which assets/live.js fills in."""
        devices = [layout(latest), of_processes(latest)]
        if devices != self._made_for:
            self._parts, self._made_for = _parts(latest, self._host), devices
        return html.Div(id="page", children=[*_stores(latest, snapshot), *self._parts])


def _parts(latest: Latest, host: str) -> list[Component]:
    gpus = latest.gpus()
    return [
        header(host, gpus),
        html.Main(
            children=[
                html.Div(
                    id=ids.BANNER,
                    className="banner",
                    role="alert",
                    hidden=True,
                    children=[
                        html.I(className="bi bi-exclamation-triangle", **HIDDEN_FROM_READERS),
                        html.B(className="kind"),
                        html.Div(className="words"),
                        html.Button("Resume", id=ids.RESUME, type="button", hidden=True),
                    ],
                ),
                html.Div(
                    id=ids.CHOICE_NOTICE, className="choice-notice", role="alert", hidden=True
                ),
                answers_line(),
                html.Div(
                    className="columns",
                    children=[
                        html.Div(className="column-head", children=html.H2("System resources")),
                        html.Div(
                            id=ids.SYSTEM_COLUMN,
                            className="column",
                            **plain(system_column(latest)),
                        ),
                        html.Div(
                            className="column-head",
                            children=[
                                html.H2(
                                    [
                                        html.Span("GPU information", className="in-single"),
                                        html.Span("GPUs compared", className="in-compare"),
                                    ]
                                ),
                                gpu_selector(gpus),
                                more_button(),
                                sort_select(),
                                mode_toggle(gpus),
                            ],
                        ),
                        html.Div(
                            id=ids.GPU_COLUMN, className="column", **plain(gpu_column(latest))
                        ),
                        compare_section(gpus),
                    ],
                ),
                html.Div(id=ids.BOARD, **plain(board_panel(latest))),
                hardware_section(latest),
                processes_section(latest),
                health_section(latest),
                trends_section(gpus),
            ]
        ),
    ]


def system_column(latest: Latest) -> list[Component]:
    """The five cards on the left."""
    return [
        reading_panel("host.cpu_percent", "host", "CPU utilization", cores=True),
        reading_panel("host.memory_used_bytes", "host", "RAM"),
        reading_panel("host.swap_used_bytes", "host", "Swap"),
        disks_panel(list(latest.table("disk"))),
        reading_panel("host.disk_io_bytes_per_second", "host", "Disk I/O"),
    ]


def gpu_column(latest: Latest) -> list[Component]:
    """The five cards on the right, or what to do where there is no GPU."""
    gpus = latest.gpus()
    reason, advice = gpu_trouble(latest)
    if reason:
        return [_no_gpu(reason, advice)]
    first = gpus[0].device if gpus else ""
    cards = [
        reading_panel(metric, first, label, follows_gpu=True)
        for metric, label in (
            ("gpu.utilization_percent", "GPU utilization"),
            ("gpu.memory_used_bytes", "GPU memory"),
            ("gpu.temperature_celsius", "GPU temperature"),
            ("gpu.power_watts", "GPU power"),
        )
    ]
    devices = [device_panel(gpu, shown=gpu.device == first) for gpu in gpus]
    return [*cards, *(devices or [html.Section(className="panel device loading")])]


def _no_gpu(reason: str, advice: str) -> Component:
    return html.Section(
        className="panel no-gpu",
        **aria(label="No GPU"),
        children=[
            html.I(className="bi bi-gpu-card", **HIDDEN_FROM_READERS),
            html.H3("No NVIDIA GPU found"),
            html.P(reason),
            html.P(advice, className="advice"),
            html.P("The machine itself is recorded all the same."),
        ],
    )


def _stores(latest: Latest, snapshot: dict[str, object] | None) -> list[Component]:
    return [
        dcc.Store(id=ids.SNAPSHOT, data=snapshot),
        dcc.Store(id=ids.BACKLOG),
        dcc.Store(id=ids.SHOWN),
        dcc.Store(id=ids.DEVICES, data=layout(latest)),
        dcc.Store(id=ids.VIEWER, data=uuid4().hex),
        dcc.Store(id=ids.PRESENT),
        dcc.Store(id=ids.CHANGED),
        dcc.Store(id=ids.THEME, storage_type="local"),
        dcc.Store(id=ids.SELECTED_GPU, storage_type="local"),
        dcc.Store(id=ids.MODE, storage_type="local"),
        dcc.Store(id=ids.CHOICE, data=choice(latest.gpus())),
        dcc.Interval(id=ids.POLL, interval=1000, disabled=True),
    ]
