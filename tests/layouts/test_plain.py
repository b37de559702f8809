"""What is plain goes to the page as HTML has it."""

from __future__ import annotations

import json

import pytest
from dash import dcc, html

from layouts.attributes import data
from layouts.plain import PLAIN, content, plain


def test_elements_keep_their_attributes_and_children_in_order():
    row = html.Tr(
        [html.Th("Power", scope="row"), html.Td(["650 ", html.B("W")], className="number hot")],
        **data(metric="gpu.power_watts", value=""),
    )
    assert json.loads(content([row, "and", html.Br()])) == [
        [
            "tr",
            {"data-metric": "gpu.power_watts", "data-value": ""},
            ["th", {"scope": "row"}, "Power"],
            ["td", {"class": "number hot"}, "650 ", ["b", {}, "W"]],
        ],
        "and",
        ["br", {}],
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"hidden": True}, {"hidden": ""}),
        ({"hidden": False}, {}),
        ({"title": None}, {}),
        ({"tabIndex": "0"}, {"tabindex": "0"}),
        ({"htmlFor": "x"}, {"for": "x"}),
        (
            {"style": {"--accent": "#fff", "marginLeft": 4}},
            {"style": {"--accent": "#fff", "margin-left": "4"}},
        ),
    ],
)
def test_an_attribute_is_spelt_as_html_has_it(given: dict[str, object], found: dict[str, object]):
    assert json.loads(content(html.Label(**given))) == [["label", found]]


def test_nothing_is_nothing_and_a_number_is_text():
    assert content(None) == "[]"
    assert json.loads(content([None, html.B(7), 0])) == [["b", {}, "7"], "0"]
    assert plain("x") == {PLAIN: '["x"]'}


def test_what_is_more_than_html_is_refused():
    with pytest.raises(TypeError, match="Graph is no element of HTML"):
        content(html.Div(dcc.Graph()))
