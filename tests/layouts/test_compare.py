"""Compare's component tree: the card that others are made of, and what they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dash.development.base_component import Component

from layouts import ids
from layouts.compare import SORTS, compare_section, sort_select
from layouts.panels.compare_card import cards, model_card
from layouts.theme import gpu_colour
from monitor.metrics import GPU
from monitor.queries.compare_snapshot import COMPARED_ROWS, MORE_ROWS, THROTTLING
from monitor.sources.base import DeviceState
from tests.layouts.tree import unfolded
from tests.queries.ticks import gpu_state

GPUS = [
    gpu_state("GPU-a", index=0),
    gpu_state("MIG-1", index=0, mig_index=1, parent="GPU-a"),
    gpu_state("MIG-2", index=0, mig_index=2, parent="GPU-a"),
    gpu_state("GPU-b", "lost", index=1, name="NVIDIA A100"),
]


def properties(part: Component) -> dict[str, Any]:
    return part.to_plotly_json()["props"]


def components(tree: Component) -> Iterator[Component]:
    yield unfolded(tree)
    yield from (part for part in tree._traverse() if isinstance(part, Component))


def having(tree: Component, name: str) -> list[dict[str, Any]]:
    return [found for part in components(tree) if name in (found := properties(part))]


def test_the_model_has_a_row_for_each_metric_that_matters_and_one_for_an_instance():
    card, more, instance = properties(unfolded(model_card()))["children"]
    rows = having(card, "data-of")
    further = having(more, "data-of")
    for found, wanted in ((rows, COMPARED_ROWS), (further, MORE_ROWS)):
        assert [row["data-of"] for row in found] == [f"gpu.{column}" for column in wanted]
        labels = [properties(row["children"][0])["children"] for row in found]
        assert labels == list(wanted.values())
    assert not set(MORE_ROWS) & set(COMPARED_ROWS)
    assert properties(instance)["data-of"] == "gpu.memory_used_bytes"
    for row in [*rows, *further, properties(instance)]:
        shown = [properties(part).get("className") for part in row["children"]]
        assert {"compare-label", "compare-mark", "compare-value", "compare-off"} <= set(shown)


def test_the_model_itself_is_no_reading_and_is_not_seen():
    assert having(model_card(), "data-metric") == []
    assert properties(model_card())["hidden"] is True


def test_there_are_as_few_components_for_sixteen_gpus_as_for_one():
    sixteen = [gpu_state(f"GPU-{at}", index=at) for at in range(16)]
    counts = {len(list(components(compare_section(gpus)))) for gpus in (sixteen, sixteen[:1], [])}
    assert len(counts) == 1


def test_each_gpu_has_a_card_in_its_colour_with_its_instances_beneath():
    assert cards(GPUS) == [
        {
            "device": "GPU-a",
            "name": "GPU 0",
            "model": "H100 80GB HBM3",
            "colour": gpu_colour(0),
            "instances": [["MIG-1", "MIG 1"], ["MIG-2", "MIG 2"]],
        },
        {
            "device": "GPU-b",
            "name": "GPU 1",
            "model": "A100",
            "colour": gpu_colour(1),
            "instances": [],
        },
    ]


def test_an_instance_whose_gpu_is_not_known_and_a_gpu_without_facts_have_cards():
    found = cards(
        [gpu_state("MIG-9", index=0, mig_index=3, parent="GPU-x"), DeviceState("gpu", "x")]
    )
    assert [(card["device"], card["name"]) for card in found] == [
        ("MIG-9", "GPU 0, MIG 3"),
        ("x", "GPU ?"),
    ]


def test_cards_are_sorted_by_the_index_or_a_row_that_they_show():
    [select] = [part for part in having(sort_select(), "id") if part["id"] == ids.SORT]
    assert [option["value"] for option in select["options"]] == list(SORTS)
    assert select["value"] == next(iter(SORTS)) == "index"
    assert set(SORTS) <= set(GPU.columns)
    assert set(SORTS) - {"index"} == {*COMPARED_ROWS, *MORE_ROWS} - {THROTTLING}
