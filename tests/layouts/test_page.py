"""The page's component tree, for machines with eight GPUs, one, and none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from layouts import ids
from layouts.header import strip
from layouts.index import index
from layouts.page import Pages
from layouts.theme import gpu_colour
from monitor.metrics import TABLES
from monitor.queries.latest import Latest
from monitor.queries.sparks import DISK_IO
from tests.layouts.tree import unfolded
from tests.queries.ticks import GIB, GPU, HOST, gpu_state, latest

EIGHT = latest(
    gpus=[{**GPU, "device": f"GPU-{i}", "index": i} for i in range(8)],
    states=[gpu_state(f"GPU-{i}", index=i) for i in range(8)],
    disks=[
        {"device": mount, "used_bytes": GIB, "total_bytes": 2 * GIB} for mount in ("/", "/data")
    ],
)
ONE = latest()
NONE = latest(
    gpus=[],
    recorder={"sources": [{"name": "nvml", "ok": False, "reason": "None.", "advice": "Add one."}]},
)
JETSON = latest(
    states=[gpu_state(board="NVIDIA Jetson Orin Nano", memory_kind="shared", l4t_version="36.4.7")],
    zone=[{"device": "gpu-thermal", "temperature_celsius": 47.3}, {"device": "cv0-thermal"}],
    rail=[{"device": "VDD_IN", "power_watts": 6.1}],
)
MACHINES = {
    "eight": EIGHT,
    "one": ONE,
    "none": NONE,
    "jetson": JETSON,
    "before the first tick": Latest(),
}
each_machine = pytest.mark.parametrize("tick", MACHINES.values(), ids=MACHINES)


def page(tick: Latest) -> Component:
    return Pages("node-07").page(tick)


def components(tick: Latest) -> Iterator[Component]:
    tree = unfolded(page(tick))
    yield tree
    yield from tree._traverse()


def properties(part: object) -> dict[str, Any]:
    return part.to_plotly_json()["props"] if isinstance(part, Component) else {}


def having(tick: Latest, name: str) -> list[dict[str, Any]]:
    """Properties of every component that has the one of that name."""
    return [found for part in components(tick) if name in (found := properties(part))]


@each_machine
def test_every_reading_names_a_metric_of_the_catalogue_and_is_empty(tick: Latest):
    readings = having(tick, "data-metric")
    assert readings
    for reading in readings:
        table, column = reading["data-metric"].split(".")
        assert column == DISK_IO.column or column in TABLES[table].columns
        assert "data-device" in reading
        assert reading["data-value"] == ""


@each_machine
def test_every_id_that_a_callback_names_is_there_once(tick: Latest):
    wanted = {value for name, value in vars(ids).items() if name.isupper()}
    # A graph's id is a dict; the others are words.
    found = [str(part["id"]) for part in having(tick, "id")]
    assert wanted <= set(found)
    assert len(found) == len(set(found))


@each_machine
def test_every_button_is_named_for_those_who_cannot_see_it(tick: Latest):
    buttons = [part for part in components(tick) if type(part).__name__ == "Button"]
    assert len(buttons) >= 3
    for button in map(properties, buttons):
        inside = button["children"]
        words = inside if isinstance(inside, list) else [inside]
        assert button.get("aria-label") or any(isinstance(word, str) for word in words)


@each_machine
def test_the_tree_is_json(tick: Latest):
    assert json.loads(json.dumps(page(tick).to_plotly_json(), default=str))


def test_more_gpus_are_no_more_components_for_dash_to_look_at():
    counts = {len(list(page(tick)._traverse())) for tick in (EIGHT, ONE, Latest())}
    assert len(counts) == 1


def stores(opened: Component) -> dict[str, Any]:
    """What each store of a page holds."""
    parts = [properties(part) for part in opened.children if type(part).__name__ == "Store"]
    return {part["id"]: part.get("data") for part in parts}


def test_who_opens_the_page_has_readings_and_a_name_of_their_own():
    pages = Pages("node-07")
    one, other = (stores(pages.page(ONE, {"time": at})) for at in (1, 2))
    assert (one[ids.SNAPSHOT], other[ids.SNAPSHOT]) == ({"time": 1}, {"time": 2})
    assert one[ids.VIEWER] != other[ids.VIEWER]


@pytest.mark.parametrize(
    ("then", "made_anew"),
    [
        (latest(host={**HOST, "cpu_percent": 5.0}), False),
        (EIGHT, True),
        (latest(states=[gpu_state(name="Another")]), True),
        (latest(process=[{"device": "GPU-0", "pid": 7}]), True),
    ],
    ids=["another tick", "more GPUs", "another name", "a process"],
)
def test_its_components_are_made_once_for_the_same_devices(then: Latest, made_anew: bool):
    pages = Pages("node-07")
    main = pages.page(ONE).children[-1]
    assert (pages.page(then).children[-1] is not main) is made_anew
    assert json.dumps(pages.page(then).children[-1], default=str) == json.dumps(
        Pages("node-07").page(then).children[-1], default=str
    )


def test_several_gpus_have_a_cell_each_in_their_own_colour():
    cells = [properties(cell) for cell in strip(EIGHT.gpus())]
    chosen = [cell for cell in cells if "data-choose-gpu" in cell]
    assert [cell["data-choose-gpu"] for cell in chosen] == [f"GPU-{i}" for i in range(8)]
    assert [cell["style"]["--accent"] for cell in chosen] == [gpu_colour(i) for i in range(8)]
    assert len({gpu_colour(i) for i in range(16)}) == 16
    assert gpu_colour(16) == gpu_colour(0)


@pytest.mark.parametrize(
    ("tick", "words"),
    [
        (ONE, ["CPU", "RAM", "GPU", "VRAM", "Temp"]),
        (JETSON, ["CPU", "RAM", "GPU", "Shared", "Temp"]),
        (NONE, ["CPU", "RAM"]),
    ],
)
def test_one_gpu_or_none_is_told_in_words(tick: Latest, words: list[str]):
    told = [properties(word)["children"][1].children for word in strip(tick.gpus())]
    assert told == words


def test_a_mig_instance_has_a_cell_with_its_own_number_and_its_memory():
    gpus = [gpu_state("GPU-a", index=0), gpu_state("MIG-2", index=0, mig_index=2)]
    whole, instance = map(properties, strip(gpus)[2:])
    for cell, number, metric in (
        (whole, "0", "gpu.utilization_percent"),
        (instance, "0:2", "gpu.memory_used_bytes"),
    ):
        name, value, _ = map(properties, cell["children"])
        assert properties(name["children"][0])["children"] == number
        assert cell["data-metric"] == metric
        shown = value.get("data-metric") or value["data-part"]
        assert shown == ("gpu.temperature_celsius" if cell is whole else "short")
    assert instance["aria-label"] == "Show GPU 0, MIG 2: NVIDIA H100 80GB HBM3"


def test_every_mount_is_in_one_card():
    rows = [
        p["data-device"] for p in having(EIGHT, "data-metric") if p["data-metric"][:5] == "disk."
    ]
    assert rows == ["/", "/data"]


def test_a_jetson_has_a_card_of_zones_and_rails_and_others_have_none():
    def sensors(tick: Latest) -> list[str]:
        return [
            part["data-device"]
            for part in having(tick, "data-metric")
            if part["data-metric"].startswith(("zone.", "rail."))
        ]

    assert sensors(JETSON) == ["gpu-thermal", "cv0-thermal", "VDD_IN"]
    assert sensors(ONE) == []
    text = words(JETSON)
    for said in ("Thermal zones", "NVIDIA Jetson Orin Nano", "JetPack", "shared"):
        assert said in text
    assert "Thermal zones" not in words(ONE)


def words(tick: Latest) -> str:
    return json.dumps(page(tick).to_plotly_json(), default=lambda c: c.to_plotly_json())


def test_where_there_is_no_gpu_the_reason_and_the_advice_stand_in_the_column():
    text = words(NONE)
    assert "No NVIDIA GPU found" in text
    assert "None." in text
    assert "Add one." in text


@each_machine
def test_both_columns_have_five_rows(tick: Latest):
    [system] = [part for part in having(tick, "id") if part["id"] == ids.SYSTEM_COLUMN]
    [gpu] = [part for part in having(tick, "id") if part["id"] == ids.GPU_COLUMN]
    assert len(system["children"]) == 5
    shown = [card for card in gpu["children"] if not properties(card).get("hidden")]
    assert len(shown) == (1 if tick is NONE else 5)


@pytest.mark.parametrize("prefix", ["/", "/monitor/"])
def test_the_html_asks_for_nothing_beyond_the_prefix(prefix: str):
    html = index(prefix)
    assert "//" not in html.replace("<!DOCTYPE", "")
    assert html.count(f'href="{prefix}bootstrap/') == 2
    assert html.count(f'as="fetch" crossorigin href="{prefix}_dash-') == 2
    assert f'src="{prefix}assets/before-paint.js"' in html
    assert "viewport" not in html  # Dash adds it
