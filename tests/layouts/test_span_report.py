"""The table of a span, as a component tree."""

from dash import html
from dash.development.base_component import Component

from layouts.panels.span_report import span_report
from monitor.metrics import GPU
from monitor.queries.span_report import Row
from monitor.queries.summary import Summary

HEADS = ["", "Utilization", "Memory", "Temperature", "Too hot for", "Power", "Energy"]


def words(component: object) -> str:
    """All the text below a component."""
    if isinstance(component, Component):
        return words(getattr(component, "children", None))
    if isinstance(component, (list, tuple)):
        return "".join(map(words, component))
    return "" if component is None else str(component)


def table(*rows: Row) -> list[list[str]]:
    head, body = span_report(rows).children
    lines = [head.children, *body.children]
    return [[words(cell) for cell in line.children] for line in lines]


def test_each_metric_stands_in_its_column():
    hot = Summary(60.0, 30.0, 89.0, 0, 735.0)
    power = Summary(312.4, 70.0, 698.0, 0, None)
    row = Row(
        "GPU-a",
        "GPU 0",
        [(GPU["temperature_celsius"], hot), (GPU["power_watts"], power)],
        "14.8 kWh",
    )
    head, line = table(row)
    assert [text.replace("mean · peak", "").replace("over its limit", "") for text in head] == HEADS
    assert line == [
        "GPU 0",
        "N/A",
        "N/A",
        "60 °C · 89 °C",
        "12 min 15 s",
        "312 W · 698 W",
        "14.8 kWh",
    ]


def test_what_was_not_read_is_not_reported():
    nothing = Summary(None, None, None, None, None)
    _, line = table(Row("GPU-a", "GPU 0", [(GPU["temperature_celsius"], nothing)]))
    assert line == ["GPU 0", *["N/A"] * 6]


def test_a_span_without_rows_says_so():
    assert isinstance(span_report([]), html.P)
    assert words(span_report([])) == "Nothing was recorded in this span."
