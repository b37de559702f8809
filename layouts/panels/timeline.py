"""The timeline: a lane for each GPU, with what slowed it and what went wrong.

Places are percentages of the span. assets/health.js writes times, which are those of the browser.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.attributes import aria, data
from layouts.theme import gpu_colour
from monitor.queries.timeline import Lane, Timeline

_KINDS = {
    "problem": "slowed by heat or power brake",
    "limit": "held at a limit",
    "unknown": "other reason",
}


def timeline_card(timeline: Timeline) -> Component:
    """A lane for each GPU of the view, beneath them the time."""
    return html.Section(
        className="panel health-card timeline",
        **aria(label="Timeline"),
        **data(start=timeline.start, end=timeline.end),
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.H3("Timeline", className="label"),
                    html.Span(
                        className="timeline-legend",
                        children=[
                            *[
                                html.Span(words, **data(kind=kind))
                                for kind, words in _KINDS.items()
                            ],
                            html.Span("error", **data(kind="point")),
                        ],
                    ),
                ],
            ),
            html.Div(
                [_lane(lane, timeline) for lane in timeline.lanes], className="timeline-lanes"
            ),
            html.Div(className="timeline-axis", **aria(hidden="true")),
            html.Div(className="trend-tip timeline-tip", hidden=True),
        ],
    )


def _lane(lane: Lane, timeline: Timeline) -> Component:
    return html.Div(
        className="timeline-lane",
        style={"--accent": gpu_colour(lane.index)},
        role="img",
        **aria(label=_in_words(lane)),
        **data(lane=lane.device),
        children=[
            html.Span([html.Span(className="dot"), lane.name], className="name"),
            html.Div(
                className="track",
                children=[
                    *[
                        html.Div(className="recorded", style=_from_to(timeline, start, end))
                        for start, end in lane.recorded
                    ],
                    *[
                        html.Div(
                            className="stretch",
                            style=_from_to(timeline, stretch.start, stretch.end),
                            **data(kind=stretch.kind, words=", ".join(stretch.names)),
                            **data(start=stretch.start, end=stretch.end),
                        )
                        for stretch in lane.stretches
                    ],
                    *[
                        html.Div(
                            className="point",
                            style={"left": _place(timeline, point.time)},
                            **data(state=point.state, words=point.words, start=point.time),
                        )
                        for point in lane.points
                    ],
                ],
            ),
        ],
    )


def _in_words(lane: Lane) -> str:
    slowed = sum(stretch.kind == "problem" for stretch in lane.stretches)
    return f"{lane.name}: slowed {slowed} times, {len(lane.points)} errors"


def _from_to(timeline: Timeline, start: int, end: int) -> dict[str, str]:
    width = 100 * (end - start) / (timeline.end - timeline.start)
    return {"left": _place(timeline, start), "width": f"{width:.3f}%"}


def _place(timeline: Timeline, time: int) -> str:
    return f"{100 * (time - timeline.start) / (timeline.end - timeline.start):.3f}%"
