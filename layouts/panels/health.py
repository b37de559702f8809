"""Throttling and health: what slows the chosen GPU, what went wrong, and when."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import aria, data
from layouts.panels.timeline import timeline_card
from layouts.plain import plain
from monitor.metrics import GPU
from monitor.queries.health import COUNTERS, Counter, Health, Lost
from monitor.queries.latest import Latest
from monitor.queries.timeline import Timeline, lane_without, whole_gpus
from monitor.queries.xid_events import XidEvent
from monitor.sources.clock_reasons import COUNTED
from monitor.units import NOT_REPORTED, SECONDS_COUNTED

_MOST_XIDS = 30


def health_section(latest: Latest) -> Component:
    """The whole section, hidden where there is no GPU. `health_cards` come once history is read."""
    gpus = latest.gpus()
    first = gpus[0].device if gpus else ""
    return html.Section(
        id=ids.HEALTH,
        className="health",
        hidden=not gpus,
        **aria(label="Throttling and health"),
        children=[
            html.Div(
                className="section-head",
                children=[
                    html.H2("Throttling and health"),
                    html.Span(
                        className="reasons",
                        role="group",
                        **aria(label="Why clocks are below their best now"),
                        **data(reasons="", device=first, follows="gpu"),
                    ),
                ],
            ),
            html.Div(
                id=ids.HEALTH_CARDS, className="health-grid", **plain(health_skeleton(latest))
            ),
        ],
    )


def health_skeleton(latest: Latest) -> list[Component]:
    """Cards of the final size, without a number."""
    lost = [Lost(reason, None, None) for reason in COUNTED.values()]
    counters = [Counter(column, "", "missing", None, None) for column in COUNTERS]
    lanes = [lane_without(gpu) for gpu in whole_gpus(latest.gpus())]
    return [
        _lost_card(lost, ""),
        _counters_card(counters, ""),
        _xids_card(None),
        timeline_card(Timeline(0, 0, lanes)),
    ]


def health_cards(health: Health) -> list[Component]:
    """Seconds lost, counters, XIDs, and the timeline."""
    return [
        _lost_card(health.lost, health.name),
        _counters_card(health.counters, health.name),
        _xids_card(health.xids),
        timeline_card(health.timeline),
    ]


def _card(label: str, *children: Component, of: str = "", kind: str = "") -> Component:
    return html.Section(
        className=f"panel health-card {kind or label.lower()}",
        **aria(label=label),
        children=[
            html.Div(
                className="panel-head",
                children=[html.H3(label, className="label"), html.Span(of, className="peak")],
            ),
            *children,
        ],
    )


def _lost_card(lost: Sequence[Lost], of: str) -> Component:
    """A row for each limit and problem, and for all else where it came."""
    rows = [
        html.Tr(
            [
                html.Th(one.reason.name, scope="row", title=one.reason.words),
                _seconds(one.hour, one.reason.kind),
                _seconds(one.span, one.reason.kind),
            ],
            **data(reason=one.reason.column),
        )
        for one in lost
        if one.reason.kind in ("limit", "problem") or one.hour or one.span
    ]
    return _card("Time lost", _table(("", "last hour", "in view"), rows), of=of, kind="lost")


def _counters_card(counters: Sequence[Counter], of: str) -> Component:
    rows = [
        html.Tr(
            [
                html.Th(GPU[one.column].label, scope="row", title=GPU[one.column].help),
                html.Td(one.words, className="words"),
                _came(one.hour),
                _came(one.span),
            ],
            **data(counter=one.column, state=one.state),
        )
        for one in counters
    ]
    return _card("Errors", _table(("", "now", "last hour", "in view"), rows), of=of)


def _table(heads: Sequence[str], rows: Sequence[Component]) -> Component:
    head = html.Thead(html.Tr([html.Th(text, scope="col") for text in heads]))
    return html.Table([head, html.Tbody(rows)])


def _seconds(value: float | None, kind: str) -> Component:
    if not value:
        return html.Td(NOT_REPORTED if value is None else "0 s", className="none")
    return html.Td(SECONDS_COUNTED.text(value), **data(kind=kind))


def _came(value: float | None) -> Component:
    if not value:
        return html.Td(NOT_REPORTED if value is None else "0", className="none")
    return html.Td(f"+{value:,.0f}", className="came")


def _xids_card(xids: Sequence[XidEvent] | None) -> Component:
    if not xids:
        text = "" if xids is None else "No XID in view."
        return _card("XID errors", html.P(text, className="advice"), kind="xids")
    more = f"the newest {_MOST_XIDS} of {len(xids)}" if len(xids) > _MOST_XIDS else ""
    shown = html.Ul([_xid(event) for event in xids[:_MOST_XIDS]], tabIndex="0")
    return _card("XID errors", shown, of=more, kind="xids")


def _xid(event: XidEvent) -> Component:
    xid = event.xid
    return html.Li(
        **data(xid=xid.number, severity=xid.severity),
        children=[
            html.Div(
                className="xid-head",
                children=[
                    html.Span(xid.severity, className="severity"),
                    html.B(event.title),
                    html.Span(event.name),
                    html.Time(**data(time=event.time)),
                ],
            ),
            html.Div(f"{xid.words}.", className="xid-words"),
            html.Div(xid.advice, className="xid-advice"),
        ],
    )
