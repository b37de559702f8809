"""A card of Compare: one GPU, every metric that matters as a row, its MIG instances beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dash import html
from dash.development.base_component import Component

from layouts.attributes import HIDDEN_FROM_READERS, aria, data
from layouts.panels.reading import part
from layouts.theme import gpu_colour
from monitor.queries.compare_snapshot import COMPARED_ROWS, THROTTLING
from monitor.queries.latest import is_whole, short_name
from monitor.sources.base import DeviceState


def compare_cards(gpus: Sequence[DeviceState]) -> list[Component]:
    """A card for each GPU. Readings are empty: assets/live.js and assets/compare.js fill them."""
    return [_card(gpu, instances) for gpu, instances in grouped(gpus)]


def compare_skeleton(gpus: Sequence[DeviceState]) -> list[Component]:
    """Cards of the same size without readings."""
    return [
        html.Section(className="compare-card loading", style=_colour(gpu))
        for gpu, _ in grouped(gpus)
    ]


def grouped(gpus: Sequence[DeviceState]) -> Iterator[tuple[DeviceState, list[DeviceState]]]:
    """Each GPU with its MIG instances; an instance whose GPU is not known stands for itself."""
    known = {gpu.device for gpu in gpus if is_whole(gpu)}
    for gpu in gpus:
        if is_whole(gpu):
            yield gpu, [one for one in gpus if one.facts.get("parent") == gpu.device]
        elif gpu.facts.get("parent") not in known:
            yield gpu, []


def _colour(gpu: DeviceState) -> dict[str, str]:
    return {"--accent": gpu_colour(gpu.facts.get("index"))}


def _card(gpu: DeviceState, instances: Sequence[DeviceState]) -> Component:
    name, model = short_name(gpu), str(gpu.facts.get("name") or "").removeprefix("NVIDIA ")
    rows = [_row(column, label, gpu.device) for column, label in COMPARED_ROWS.items()]
    return html.Section(
        className="compare-card",
        style=_colour(gpu),
        **aria(label=f"{name} {model}".rstrip()),
        **data(gpu=gpu.device, status=gpu.status),
        children=[
            html.Div(
                className="compare-head",
                children=[
                    html.Button(
                        name,
                        type="button",
                        title=f"Show {name} alone",
                        **data(show_gpu=gpu.device),
                    ),
                    html.Span(model, className="compare-model", title=gpu.device),
                    html.Span(className="compare-state"),
                ],
            ),
            *rows,
            *[
                _row("memory_used_bytes", f"MIG {one.facts['mig_index']}", one.device)
                for one in instances
            ],
        ],
    )


def _row(column: str, label: str, device: str) -> Component:
    bar = html.Div(className="bar", children=part("fill", html.Div, className="fill"))
    return html.Div(
        className="compare-row",
        **data(metric=f"gpu.{column}", device=device, value=""),
        children=[
            html.Span(label, className="compare-label"),
            *([] if column == THROTTLING else [bar]),
            html.Span(className="compare-mark", **HIDDEN_FROM_READERS),
            part("text", className="compare-value"),
            html.Span(className="compare-off"),
        ],
    )
