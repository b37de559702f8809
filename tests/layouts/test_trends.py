"""The trends' component tree, for machines with eight GPUs, one, and none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from dash import dcc
from dash.development.base_component import Component

from layouts import ids
from layouts.figures.trend import CONFIG, trend
from layouts.theme import gpu_colour
from layouts.trends import trend_gpus, trend_graphs, trends_section
from monitor.metrics import GPU
from monitor.queries.trends import CHARTS, Chart
from monitor.queries.view import RANGES, view_of
from monitor.sources.base import DeviceState
from tests.layouts.tree import unfolded
from tests.queries.ticks import gpu_state

EIGHT = [gpu_state(f"GPU-{at}", index=at) for at in range(8)]
MACHINES = {"eight": EIGHT, "one": EIGHT[:1], "none": []}
each_machine = pytest.mark.parametrize("gpus", MACHINES.values(), ids=MACHINES)


def components(gpus: Sequence[DeviceState]) -> Iterator[Component]:
    tree = unfolded(trends_section(gpus))
    yield tree
    yield from (part for part in tree._traverse() if isinstance(part, Component))


def properties(part: Component) -> dict[str, Any]:
    return part.to_plotly_json()["props"]


def having(gpus: Sequence[DeviceState], name: str) -> list[dict[str, Any]]:
    """Properties of every component that has the one of that name."""
    return [found for part in components(gpus) if name in (found := properties(part))]


def by_id(gpus: Sequence[DeviceState], identity: str) -> dict[str, Any]:
    [found] = [part for part in having(gpus, "id") if part["id"] == identity]
    return found


@each_machine
def test_there_is_a_card_with_a_place_for_its_graph_for_each_chart_in_its_order(gpus):
    cards = having(gpus, "data-chart")
    assert [card["data-chart"] for card in cards] == [chart.name for chart in CHARTS]
    for chart in CHARTS:
        by_id(gpus, ids.trend_place(chart.name))
    # plotly.js, which a graph loads, must not keep a page from its first readings.
    assert not [part for part in components(gpus) if isinstance(part, dcc.Graph)]


def test_there_is_an_empty_graph_for_each_chart_in_its_order():
    for graph, chart in zip(trend_graphs(), CHARTS, strict=True):
        assert properties(graph)["figure"] == trend(chart)
        assert properties(graph)["config"] == CONFIG


def test_a_card_says_what_its_numbers_are_and_has_a_colour_for_each_line():
    for card, chart in zip(having(EIGHT, "data-chart"), CHARTS, strict=True):
        assert card["aria-label"] == chart.label
        assert card["data-table"] == chart.table.name
        assert {metric.unit.symbol for metric in chart.metrics} == {card["data-unit"]}
        colours = card["data-colours"].split()
        # A GPU has its own colour; the machine's lines have one each.
        assert len(colours) == (0 if chart.table is GPU else len(chart.columns))
        assert len(set(colours)) == len(colours)


@pytest.mark.parametrize(("gpus", "hidden"), [(EIGHT, False), (EIGHT[:1], True), ([], True)])
def test_gpus_are_chosen_where_there_is_a_choice(gpus, hidden):
    place = by_id(gpus, ids.TREND_GPUS)
    assert place["hidden"] is hidden
    buttons = [properties(button) for button in place["children"]]
    assert [button["data-trend-gpu"] for button in buttons] == [gpu.device for gpu in gpus]
    assert [button["data-index"] for button in buttons] == [str(at) for at in range(len(gpus))]
    assert [button["style"]["--accent"] for button in buttons] == [
        gpu_colour(at) for at in range(len(gpus))
    ]
    assert {button["aria-pressed"] for button in buttons} <= {"true"}


def test_a_gpu_of_which_nothing_is_known_has_a_button_that_names_it():
    [button] = map(properties, trend_gpus([DeviceState("gpu", "GPU-x")]))
    assert (button["data-trend-gpu"], button["data-index"]) == ("GPU-x", "GPU-x")
    assert button["title"] == "Show or hide GPU-x"


def test_a_mig_instance_is_told_apart_from_its_gpu_and_asked_for_by_its_uuid():
    gpus = [gpu_state("GPU-a"), gpu_state("MIG-1", mig_index=2)]
    buttons = [properties(button) for button in trend_gpus(gpus)]
    assert [button["children"][1] for button in buttons] == ["GPU 0", "GPU 0, MIG 2"]
    assert [button["data-index"] for button in buttons] == ["0", "MIG-1"]
    for button, gpu in zip(buttons, gpus, strict=True):
        asked = {"gpus": button["data-index"]}
        assert view_of(asked, gpus, ["gpu"], 1_795_516_200_500).gpus == {gpu.device}


@pytest.mark.parametrize(("gpus", "told"), [(EIGHT, "true"), (EIGHT[:1], "true"), ([], "false")])
def test_the_section_says_whether_there_is_a_gpu_and_that_it_loads(gpus, told):
    section = by_id(gpus, ids.TREND_SECTION)
    assert section["data-gpus"] == told
    assert section["data-state"] == "loading"
    assert section["aria-label"] == "Historical trends"


def test_every_range_and_every_chart_can_be_chosen_and_all_charts_are():
    ranges, charts = by_id(EIGHT, ids.RANGE), by_id(EIGHT, ids.CHARTS)
    assert [option["value"] for option in ranges["options"]] == list(RANGES)
    assert ranges["value"] == "1h"
    names = [chart.name for chart in CHARTS]
    assert [option["value"] for option in charts["options"]] == names
    assert [option["label"] for option in charts["options"]] == [chart.label for chart in CHARTS]
    assert charts["value"] == names


@each_machine
def test_both_tables_can_be_exported_in_every_format(gpus):
    buttons = [(part["data-export"], part["data-format"]) for part in having(gpus, "data-export")]
    formats = ("csv", "json", "parquet")
    assert buttons == [(table, kind) for table in ("gpu", "host") for kind in formats]


@each_machine
def test_every_popover_has_the_button_that_opens_it(gpus):
    found = {part["target"] for part in having(gpus, "target")}
    assert found == {ids.FROM_TO_BUTTON, ids.CHARTS_BUTTON, ids.EXPORT_BUTTON}
    named = [part["id"] for part in having(gpus, "id")]
    assert all(target in named for target in found)


@each_machine
def test_every_button_says_what_it_does(gpus):
    buttons = [part for part in components(gpus) if type(part).__name__ == "Button"]
    assert len(buttons) >= 5 + len(CHARTS)
    for button in map(properties, buttons):
        inside = button["children"]
        words = inside if isinstance(inside, list) else [inside]
        assert button.get("aria-label") or any(isinstance(word, str) for word in words)


@each_machine
def test_no_time_passes_before_the_charts_are_there(gpus):
    assert by_id(gpus, ids.TREND_TICK)["disabled"] is True
    for store in (ids.VIEW, ids.TRENDS, ids.NEWER, ids.DRAWN):
        assert "data" not in by_id(gpus, store)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_a_percentage_has_its_whole_scale_and_others_begin_at_zero(chart):
    axis = trend(chart)["layout"]["yaxis"]
    whole = chart.metrics[0].unit.symbol == "%" and chart.name != "pressure"
    assert axis.get("range") == ([0, 100] if whole else None)
    assert axis["rangemode"] == "tozero"


def test_a_chart_of_several_units_has_no_scale_of_one():
    mixed = Chart("mixed", "Mixed", GPU, ("utilization_percent", "power_watts"))
    assert "range" not in trend(mixed)["layout"]["yaxis"]
