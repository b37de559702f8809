"""The GPU selector and the toggle, for machines with several GPUs, one, and none."""

from __future__ import annotations

from typing import Any

import pytest
from dash.development.base_component import Component

from layouts.choice import choice, gpu_options, gpu_selector, mode_toggle
from monitor.sources.base import DeviceState
from tests.queries.ticks import gpu_state

TWO = [gpu_state("GPU-a", index=0), gpu_state("GPU-b", index=1)]
ONE, NONE = TWO[:1], TWO[:0]
SLICED = [*ONE, gpu_state("MIG-1", mig_index=1), gpu_state("MIG-2", mig_index=2)]


def properties(part: Component) -> dict[str, Any]:
    return part.to_plotly_json()["props"]


@pytest.mark.parametrize(
    ("gpus", "hidden"), [(TWO, False), (SLICED, False), (ONE, True), (NONE, True)]
)
def test_the_selector_is_there_where_there_is_a_choice(gpus, hidden):
    assert properties(gpu_selector(gpus))["hidden"] is hidden


def test_the_selector_names_each_gpu_and_tells_a_mig_instance_from_its_gpu():
    gpus = [gpu_state(index=3), gpu_state("MIG-1", index=3, mig_index=2), DeviceState("gpu", "x")]
    assert gpu_options(gpus) == [
        {"label": "GPU 3: NVIDIA H100 80GB HBM3", "value": "GPU-a"},
        {"label": "GPU 3, MIG 2: NVIDIA H100 80GB HBM3", "value": "MIG-1"},
        {"label": "GPU ?: x", "value": "x"},
    ]


@pytest.mark.parametrize(
    ("gpus", "why"),
    [
        (TWO, ""),
        ([*TWO, *SLICED[1:]], ""),
        (ONE, "There is one GPU, so there is nothing to compare."),
        # Its instances stand beneath it.
        (SLICED, ""),
        (NONE, "No GPU is known, so there is nothing to compare."),
    ],
)
def test_the_toggle_is_disabled_where_there_is_nothing_to_compare_and_says_why(gpus, why):
    place = properties(mode_toggle(gpus))
    assert place["title"] == why
    radio = properties(place["children"])
    assert [option["value"] for option in radio["options"]] == ["single", "compare"]
    assert {option["disabled"] for option in radio["options"]} == {bool(why)}
    assert radio["value"] == "single"
    assert choice(gpus)["compares"] is not bool(why)


def test_the_browser_is_told_what_an_address_calls_each_gpu():
    gpus = [gpu_state("GPU-a", index=0), gpu_state("MIG-1", mig_index=1), DeviceState("gpu", "x")]
    assert choice(gpus)["gpus"] == [("GPU-a", "0"), ("MIG-1", "MIG-1"), ("x", "x")]
