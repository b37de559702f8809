"""A chart over time, without its points: assets/trends.js puts these in and appends to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.queries.trends import Chart

# What text and lines look like is in assets/trends.css, so that a change of theme draws nothing
# anew.
_TEXT = {"size": 11}


def trend(chart: Chart) -> dict[str, object]:
    """The figure of a chart: axes, margins, and how it answers to a mouse. Sent once."""
    # Shares of time that are added up are small; a use is seen against the whole.
    share = len(chart.columns) == 1 and chart.metrics[0].unit.symbol == "%"
    vertical: Mapping[str, object] = {
        "fixedrange": True,
        "nticks": 4,
        "zeroline": False,
        "tickfont": _TEXT,
        "rangemode": "tozero",
        **({"range": [0, 100]} if share else {}),
    }
    return {
        "data": [],
        "layout": {
            "margin": {"l": 48, "r": 8, "t": 8, "b": 38},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "hovermode": False,
            "dragmode": "zoom",
            "xaxis": {
                # Milliseconds since 1970. A date axis has no days of 23 or 25 hours.
                "type": "linear",
                "zeroline": False,
                "tickfont": _TEXT,
                "tickmode": "array",
                "tickangle": 0,
                # Unseen, they keep the labels off the other axis' zero.
                "ticks": "outside",
                "ticklen": 5,
                "tickcolor": "rgba(0,0,0,0)",
            },
            "yaxis": dict(vertical),
        },
    }


CONFIG: Any = {
    "displayModeBar": False,
    "doubleClick": False,
    "responsive": True,
    "showTips": False,
    "scrollZoom": False,
}
"""What plotly.js is told of every chart."""
