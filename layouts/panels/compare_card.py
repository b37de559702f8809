"""The card of Compare: one GPU, every metric that matters as a row, its MIG instances beneath.

There is one here, for assets/compare.js to make all others of: a page with sixteen of them would
have a thousand components more, each of which Dash looks at whenever anything changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dash import html
from dash.development.base_component import Component

from layouts.attributes import HIDDEN_FROM_READERS, data
from layouts.panels.reading import part
from layouts.plain import plain
from layouts.theme import gpu_colour
from monitor.metrics import GPU
from monitor.queries.compare_snapshot import COMPARED_ROWS, MORE_ROWS
from monitor.queries.latest import is_whole, short_name
from monitor.sources.base import DeviceState
from monitor.units import BYTES_PER_SECOND, PERCENT

_INSTANCE_ROW = "memory_used_bytes"


def model_card() -> Component:
    """The card that others are made of, and after it rows of more metrics and of a MIG instance."""
    return html.Div(
        className="compare-model-card",
        hidden=True,
        **plain(
            [
                html.Section(
                    className="compare-card",
                    children=[
                        html.Div(
                            className="compare-head",
                            children=[
                                html.Button("GPU", type="button", title="Show it alone"),
                                html.Span(className="compare-model"),
                                html.Span(className="compare-state"),
                            ],
                        ),
                        *[_row(column, label) for column, label in COMPARED_ROWS.items()],
                    ],
                ),
                html.Div([_row(column, label) for column, label in MORE_ROWS.items()]),
                _row(_INSTANCE_ROW, "MIG"),
            ]
        ),
    )


def cards(gpus: Sequence[DeviceState]) -> list[dict[str, object]]:
    """What each card is of; `instances` are [UUID, name] of the rows beneath."""
    return [
        {
            "device": gpu.device,
            "name": short_name(gpu),
            "model": str(gpu.facts.get("name") or "").removeprefix("NVIDIA "),
            "colour": gpu_colour(gpu.facts.get("index")),
            "instances": [[one.device, f"MIG {one.facts['mig_index']}"] for one in instances],
        }
        for gpu, instances in _grouped(gpus)
    ]


def _grouped(gpus: Sequence[DeviceState]) -> Iterator[tuple[DeviceState, list[DeviceState]]]:
    """Each GPU with its MIG instances; an instance whose GPU is not known stands for itself."""
    known = {gpu.device for gpu in gpus if is_whole(gpu)}
    for gpu in gpus:
        if is_whole(gpu):
            yield gpu, [one for one in gpus if one.facts.get("parent") == gpu.device]
        elif gpu.facts.get("parent") not in known:
            yield gpu, []


def _row(column: str, label: str) -> Component:
    metric = GPU[column]
    scaled = metric.full or metric.unit in (PERCENT, BYTES_PER_SECOND)
    bar = html.Div(className="bar", children=part("fill", html.Div, className="fill"))
    return html.Div(
        className="compare-row",
        # A copy has it as data-metric, beside a device.
        **data(of=f"gpu.{column}"),
        children=[
            html.Span(label, className="compare-label", title=metric.label),
            bar if scaled else html.Span(),
            html.Span(className="compare-mark", **HIDDEN_FROM_READERS),
            part("text", className="compare-value"),
            html.Span(className="compare-off"),
        ],
    )
