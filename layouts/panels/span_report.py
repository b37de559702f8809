"""The card below the charts: what the span in view came to, a row a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from monitor.metrics import Metric
from monitor.queries.span_report import Row, spent
from monitor.queries.summary import Summary
from monitor.units import NOT_REPORTED

_HEADS = ("", "Utilization", "Memory", "Temperature", "Too hot for", "Power", "Energy")
_SUBHEADS = ("", "mean · peak", "mean · peak", "mean · peak", "over its limit", "mean · peak", "")
# The column of each metric.
_PLACES = {
    "utilization_percent": 1,
    "cpu_percent": 1,
    "memory_used_bytes": 2,
    "temperature_celsius": 3,
    "power_watts": 5,
}
_HOT, _ENERGY = 4, 6


def span_report(rows: Sequence[Row]) -> Component:
    """The table; a sentence where nothing was recorded."""
    if not rows:
        return html.P("Nothing was recorded in this span.", className="advice")
    return html.Table(
        children=[
            html.Thead(
                html.Tr(
                    [
                        html.Th([head, html.Small(sub)], scope="col")
                        for head, sub in zip(_HEADS, _SUBHEADS, strict=True)
                    ]
                )
            ),
            html.Tbody([_row(row) for row in rows]),
        ]
    )


def _row(row: Row) -> Component:
    cells: list[Any] = [NOT_REPORTED] * len(_HEADS)
    for metric, summary in row.summaries:
        cells[_PLACES[metric.column]] = _mean_and_peak(metric, summary)
        if metric.column == "temperature_celsius":
            cells[_HOT] = _hot(summary)
    cells[_ENERGY] = row.energy or NOT_REPORTED
    return html.Tr([html.Th(row.name, scope="row"), *[html.Td(cell) for cell in cells[1:]]])


def _mean_and_peak(metric: Metric, summary: Summary) -> str | list[str | Component]:
    if summary.mean is None:
        return NOT_REPORTED
    return [f"{metric.unit.text(summary.mean)} · ", html.B(metric.unit.text(summary.peak))]


def _hot(summary: Summary) -> Component:
    hot = bool(summary.seconds_over)
    return html.Span(spent(summary.seconds_over), className="hot" if hot else "")
