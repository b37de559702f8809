"""The strip at the top: name, how each device is, connection, theme, settings."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import HIDDEN_FROM_READERS, aria, data
from layouts.buttons import icon_button
from layouts.panels.reading import part
from layouts.plain import plain
from layouts.theme import ACCENTS, gpu_colour
from monitor.queries.latest import is_whole, short_name
from monitor.sources.base import DeviceState


def header(host: str, gpus: Sequence[DeviceState]) -> Component:
    """The page's header for this machine."""
    return html.Header(
        className="top",
        children=[
            html.Div(
                className="brand",
                children=[
                    html.I(className="bi bi-activity", **HIDDEN_FROM_READERS),
                    html.H1("System Monitor"),
                    html.Span(host, className="host", title=host),
                ],
            ),
            html.Div(
                id=ids.STRIP,
                className="strip",
                role="group",
                **aria(label="Status"),
                **plain(strip(gpus)),
            ),
            html.Div(
                id=ids.CONNECTION,
                className="connection",
                role="status",
                children=[html.Span(className="dot"), html.Span("Connecting", className="words")],
            ),
            icon_button(ids.THEME_BUTTON, "bi-circle-half", "Switch between dark and light"),
            icon_button(ids.SETTINGS_BUTTON, "bi-gear", "Settings"),
            _settings(),
        ],
    )


def strip(gpus: Sequence[DeviceState]) -> list[Component]:
    """Words for a machine with one GPU or none; a small cell for each where there are several."""
    if len(gpus) > 1:
        return [
            _cell("CPU", "host.cpu_percent", "bi-cpu", "var(--cpu)"),
            _cell("RAM", "host.memory_used_bytes", "bi-memory", "var(--ram)"),
            *[_gpu_cell(gpu) for gpu in gpus],
        ]
    words = [
        _word("CPU", "host.cpu_percent", "host", "bi-cpu"),
        _word("RAM", "host.memory_used_bytes", "host", "bi-memory", "used"),
    ]
    for gpu in gpus:
        words += [
            _word("GPU", "gpu.utilization_percent", gpu.device, "bi-gpu-card"),
            _word(_memory_word(gpu), "gpu.memory_used_bytes", gpu.device, "bi-device-ssd", "used"),
            _word("Temp", "gpu.temperature_celsius", gpu.device, "bi-thermometer-half"),
        ]
    return words


def _memory_word(gpu: DeviceState) -> str:
    return "Shared" if gpu.facts.get("memory_kind") == "shared" else "VRAM"


def _word(label: str, metric: str, device: str, icon: str, shown: str = "short") -> Component:
    return html.Div(
        className="word",
        style={"--accent": ACCENTS[metric]},
        **data(metric=metric, device=device, value=""),
        children=[
            html.I(className=f"bi {icon}", **HIDDEN_FROM_READERS),
            html.Span(label),
            part(shown, html.B),
        ],
    )


def _cell(label: str, metric: str, icon: str, colour: str) -> Component:
    return html.Div(
        className="cell",
        style={"--accent": colour},
        **data(metric=metric, device="host", value=""),
        children=[
            html.Span(
                className="cell-name",
                children=[html.I(className=f"bi {icon}", **HIDDEN_FROM_READERS), label],
            ),
            part("short", html.B, className="cell-value"),
            html.Div(className="thin", children=part("fill", html.Div, className="fill")),
        ],
    )


def _gpu_cell(gpu: DeviceState) -> Component:
    """Use and temperature; of a MIG instance, which has neither, its memory."""
    index, instance = gpu.facts.get("index"), gpu.facts.get("mig_index")
    name = f"{short_name(gpu)}: {gpu.facts.get('name', gpu.device)}"
    whole = is_whole(gpu)
    metric = "gpu.utilization_percent" if whole else "gpu.memory_used_bytes"
    return html.Button(
        className="cell gpu-cell",
        type="button",
        style={"--accent": gpu_colour(index)},
        title=name,
        **aria(label=f"Show {name}", pressed="false"),
        **data(choose_gpu=gpu.device, gpu=gpu.device, name=name, status=gpu.status),
        **data(metric=metric, device=gpu.device, value=""),
        children=[
            html.Span(
                className="cell-name",
                children=[
                    html.Span(
                        str(index) if whole else f"{index}:{instance}", className="cell-index"
                    ),
                    part("short") if whole else None,
                ],
            ),
            html.B(
                className="cell-value",
                **data(metric="gpu.temperature_celsius", device=gpu.device, value=""),
                children=part("number"),
            )
            if whole
            else part("short", html.B, className="cell-value"),
            html.Div(className="thin", children=part("fill", html.Div, className="fill")),
        ],
    )


def _settings() -> Component:
    popover: Component = dbc.Popover(
        target=ids.SETTINGS_BUTTON,
        id=ids.SETTINGS,
        trigger="legacy",
        placement="bottom-end",
        hide_arrow=True,
        children=dbc.PopoverBody(
            [
                html.H3("Settings"),
                html.Div("When the live connection fails, ask every", id="poll-label"),
                dbc.RadioItems(
                    id=ids.POLL_SECONDS,
                    className="segments",
                    input_class_name="btn-check",
                    label_class_name="segment",
                    label_checked_class_name="chosen",
                    options=[
                        {"label": f"{seconds:g} s", "value": seconds} for seconds in (0.5, 1, 2, 5)
                    ],
                    value=1,
                    persistence=True,
                ),
            ]
        ),
    )
    return popover
