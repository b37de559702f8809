"""Historical trends: a bar of controls, then a card for each chart, the machine beside its GPUs."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import HIDDEN_FROM_READERS, aria, data
from layouts.buttons import icon_button
from layouts.figures.trend import CONFIG, trend
from layouts.plain import plain
from layouts.theme import gpu_colour
from monitor.queries.latest import short_name
from monitor.queries.trends import CHARTS, SHORT, Chart
from monitor.queries.view import DEFAULT_RANGE, RANGES, addresses
from monitor.sources.base import DeviceState

# The first and the further lines of a chart that is not of GPUs.
_COLOURS = {
    "cpu": ["var(--cpu)"],
    "ram": ["var(--ram)"],
    "load": ["var(--swap)"],
    "pressure": ["var(--cpu)", "var(--io)", "var(--ram)"],
    "disk": ["var(--io)", "var(--disk)"],
    "network": ["var(--ram)", "var(--cpu)"],
}
_FORMATS = ("CSV", "JSON", "Parquet")


def trends_section(gpus: Sequence[DeviceState]) -> Component:
    """The whole section. Charts are empty frames until assets/trends.js fills them."""
    return html.Section(
        id=ids.TREND_SECTION,
        className="trends",
        **aria(label="Historical trends"),
        **data(state="loading", gpus=str(bool(gpus)).lower()),
        children=[
            html.Div(
                className="trend-head",
                children=[
                    html.H2("Historical trends"),
                    html.Span(className="trend-span", role="status"),
                    _controls(),
                ],
            ),
            html.Div(
                id=ids.TREND_GPUS,
                className="trend-gpus",
                role="group",
                hidden=len(gpus) < 2,
                **aria(label="GPUs in the charts"),
                **plain(trend_gpus(gpus)),
            ),
            html.Div(className="trend-notice", role="alert", hidden=True),
            html.Div(className="trend-grid", children=[_card(chart) for chart in CHARTS]),
            html.Section(
                className="panel span-report",
                **aria(label="In this span"),
                children=[
                    html.Div(html.H3("In this span", className="label"), className="panel-head"),
                    html.Div(id=ids.SPAN_REPORT, className="span-report-rows"),
                ],
            ),
            *_stores(),
        ],
    )


def trend_gpus(gpus: Sequence[DeviceState]) -> list[Component]:
    """A button for each GPU that shows and hides its lines, where GPUs are compared."""
    names = addresses(gpus)
    return [
        html.Button(
            className="trend-gpu",
            type="button",
            style={"--accent": gpu_colour(gpu.facts.get("index"))},
            title=f"Show or hide {gpu.facts.get('name', gpu.device)}",
            **aria(pressed="true"),
            **data(trend_gpu=gpu.device, index=names[gpu.device]),
            children=[html.Span(className="dot"), short_name(gpu)],
        )
        for gpu in gpus
    ]


def _controls() -> Component:
    return html.Div(
        id=ids.TREND_CONTROLS,
        className="trend-controls",
        children=[
            dbc.RadioItems(
                id=ids.RANGE,
                # One group: Tab comes to it once, arrow keys choose.
                name=ids.RANGE,
                className="segments",
                input_class_name="btn-check",
                label_class_name="segment",
                label_checked_class_name="chosen",
                options=[{"label": name, "value": name} for name in RANGES],
                value=DEFAULT_RANGE,
            ),
            icon_button(ids.FROM_TO_BUTTON, "bi-calendar-range", "From … to"),
            html.Button(
                className="icon-button",
                type="button",
                title="Pause",
                **aria(label="Pause the charts", pressed="false"),
                **data(trend="pause"),
                children=html.I(className="bi bi-pause-fill", **HIDDEN_FROM_READERS),
            ),
            html.Button(
                className="icon-button",
                type="button",
                title="Back to the span before (double click in a chart)",
                hidden=True,
                **aria(label="Back to the span before"),
                **data(trend="back"),
                children=html.I(className="bi bi-zoom-out", **HIDDEN_FROM_READERS),
            ),
            icon_button(ids.CHARTS_BUTTON, "bi-sliders", "Choose charts"),
            icon_button(ids.EXPORT_BUTTON, "bi-download", "Export what is in view"),
            _from_to(),
            _choose_charts(),
            _export(),
        ],
    )


def _from_to() -> Component:
    return _popover(
        ids.FROM_TO,
        ids.FROM_TO_BUTTON,
        "From – to, in your own time",
        [
            dcc.DatePickerRange(id=ids.DATES, display_format="YYYY-MM-DD", minimum_nights=0),
            html.Div(
                className="trend-times",
                children=[
                    dbc.Input(id=ids.FROM_TIME, type="time", value="00:00", step="1"),
                    html.Span("–"),
                    dbc.Input(id=ids.TO_TIME, type="time", value="23:59:59", step="1"),
                    html.Button("Show", id=ids.APPLY_SPAN, type="button", className="plain-button"),
                ],
            ),
        ],
    )


def _choose_charts() -> Component:
    return _popover(
        ids.CHARTS_POPOVER,
        ids.CHARTS_BUTTON,
        "Charts",
        [
            dbc.Checklist(
                id=ids.CHARTS,
                className="trend-checks",
                options=[{"label": chart.label, "value": chart.name} for chart in CHARTS],
                value=[chart.name for chart in CHARTS],
            )
        ],
    )


def _export() -> Component:
    return _popover(
        ids.EXPORT_POPOVER,
        ids.EXPORT_BUTTON,
        "Export what is in view",
        [
            html.Div(
                className="trend-export-row",
                **data(table=table),
                children=[
                    html.Span(label),
                    *[
                        html.Button(
                            name,
                            type="button",
                            className="plain-button",
                            **data(export=table, format=name.lower()),
                        )
                        for name in _FORMATS
                    ],
                ],
            )
            for table, label in (("gpu", "GPUs"), ("host", "Machine"))
        ]
        + [
            html.P("Times are UTC, units are in the column names.", className="advice"),
            html.Div(
                className="trend-progress",
                hidden=True,
                role="status",
                children=[
                    html.Div(className="bar", children=html.Div(className="fill")),
                    html.Span(className="words"),
                ],
            ),
        ],
    )


def trend_graphs() -> list[Component]:
    """The graph of each chart. Apart from the layout: plotly.js takes a second to load."""
    return [
        dcc.Graph(figure=trend(chart), config=CONFIG, responsive=True, className="trend-graph")
        for chart in CHARTS
    ]


def _card(chart: Chart) -> Component:
    return html.Section(
        className="panel trend-card",
        **aria(label=chart.label),
        **data(
            chart=chart.name,
            table=chart.table.name,
            unit=chart.metrics[0].unit.symbol,
            colours=" ".join(_COLOURS.get(chart.name, [])),
        ),
        children=[
            html.Div(
                className="panel-head",
                **plain(
                    [
                        html.H3(chart.label, className="label"),
                        html.Span(className="trend-unit"),
                        *_parts(chart),
                        html.Span(className="trend-said"),
                        html.Button(
                            html.I(className="bi bi-table", **HIDDEN_FROM_READERS),
                            className="trend-table-button",
                            type="button",
                            title="Show the numbers as a table",
                            **aria(label=f"{chart.label} as a table", pressed="false"),
                            **data(trend_table=chart.name),
                        ),
                    ]
                ),
            ),
            html.Div(
                className="trend-plot",
                children=[
                    html.Div(id=ids.trend_place(chart.name)),
                    html.Div(className="trend-cursor", hidden=True),
                    html.Div(className="trend-tip", hidden=True),
                    html.Div("Loading", className="trend-empty"),
                ],
            ),
            html.Div(className="trend-table", hidden=True, tabIndex="0"),
        ],
    )


def _parts(chart: Chart) -> list[Component]:
    """A button for each kind of line, which tells them apart, and shows and hides it."""
    if len(chart.columns) < 2:
        return []
    colours = _COLOURS.get(chart.name)
    return [
        html.Button(
            className="trend-part",
            type="button",
            title=f"Show or hide {SHORT[column]}",
            style={"--accent": colours[part]} if colours else {},
            **aria(pressed="true"),
            **data(trend_part=str(part), line="solid" if colours or not part else "dotted"),
            children=[html.Span(className="line"), SHORT[column]],
        )
        for part, column in enumerate(chart.columns)
    ]


def _popover(identity: str, target: str, title: str, children: list[Component]) -> Component:
    popover: Component = dbc.Popover(
        id=identity,
        target=target,
        trigger="legacy",
        placement="bottom-end",
        hide_arrow=True,
        children=dbc.PopoverBody([html.H3(title), *children]),
    )
    return popover


def _stores() -> list[Component]:
    return [
        dcc.Store(id=ids.WANTED),
        dcc.Store(id=ids.VIEW),
        dcc.Store(id=ids.SHOWN_VIEW),
        dcc.Store(id=ids.TRENDS),
        dcc.Store(id=ids.NEWER),
        dcc.Store(id=ids.DRAWN),
        dcc.Interval(id=ids.TREND_TICK, interval=5000, disabled=True),
        dcc.Interval(id=ids.REPORT_TICK, interval=30_000),
    ]
