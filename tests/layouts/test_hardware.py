"""The hardware tiles as a component tree, for cards that tell much and for some that do not."""

from __future__ import annotations

from typing import Any

import pytest
from dash.development.base_component import Component

from layouts.panels.hardware import hardware_section, hardware_tiles
from monitor.queries.hardware import HARDWARE
from monitor.queries.latest import Latest
from monitor.sources.demo import DemoSource
from tests.layouts.test_page import EIGHT, NONE, ONE, properties
from tests.layouts.test_span_report import words
from tests.layouts.tree import unfolded
from tests.queries.ticks import gpu_state, latest

DEMO = Latest(devices={"gpu": {state.device: state for state in DemoSource().devices()}})


def parts(tick: Latest, device: str = "") -> list[Component]:
    found: list[Component] = []
    for tile in hardware_tiles(tick, device):
        found += [tile, *(part for part in tile._traverse() if isinstance(part, Component))]
    return found


def readings(tick: Latest, device: str = "") -> list[dict[str, Any]]:
    return [found for part in parts(tick, device) if "data-at" in (found := properties(part))]


def rows(tick: Latest) -> dict[str, str]:
    """Label → the rest of the row's text."""
    found = [part for part in parts(tick) if properties(part).get("className") == "hardware-row"]
    return {words(row.children[0]): words(row.children[1:]) for row in found}


def test_each_reading_is_looked_for_in_its_place():
    found = readings(DEMO)
    assert len(found) == 4 + 6 + 8 + 2
    for reading in found:
        assert reading["data-metric"] == f"gpu.{HARDWARE[reading['data-at']]}"
        assert reading["data-follows"] == "gpu"
        assert reading["data-device"] == DEMO.gpus()[0].device


def test_clocks_are_measured_against_their_own_best():
    full = {found["data-metric"]: found.get("data-full") for found in readings(DEMO)}
    assert full["gpu.sm_clock_mhz"] == 1980
    assert full["gpu.video_clock_mhz"] == 1545
    assert full["gpu.pcie_rx_bytes_per_second"] == "link"
    assert full["gpu.encoder_percent"] == 100
    of = {found["data-metric"]: found.get("data-of") for found in readings(DEMO)}
    assert of["gpu.memory_clock_mhz"] == " of 2,619"
    assert of["gpu.pcie_link_width"] == " of gen 5 ×16"


def test_facts_are_told_and_those_a_card_keeps_to_itself_are_not_zero():
    assert rows(DEMO)["Limit, set · default"] == "700 W · 700 W"
    assert rows(DEMO)["Limit, range"] == "200 – 700 W"
    assert rows(DEMO)["Fan"] == "none of its own"
    laptop = latest(states=[gpu_state(fan_count=None, power_limit_default_watts=80.0)])
    assert rows(laptop)["Limit, set · default"] == "N/A · 80 W"
    assert rows(laptop)["Limit, range"] == "N/A"
    of = {found["data-metric"]: found.get("data-of") for found in readings(laptop)}
    assert (of["gpu.pcie_link_width"], of["gpu.video_clock_mhz"]) == ("", "")


@pytest.mark.parametrize(
    ("count", "columns"),
    [
        (0, []),
        (None, ["fan_percent"]),
        (1, ["fan_percent"]),
        (2, ["fan_0_percent", "fan_1_percent"]),
        (6, [f"fan_{fan}_percent" for fan in range(4)]),
    ],
)
def test_each_fan_has_a_row(count: int | None, columns: list[str]):
    tick = latest(states=[gpu_state(fan_count=count)])
    found = [reading["data-metric"][4:] for reading in readings(tick)]
    assert [column for column in found if "fan" in column] == columns


def test_the_tiles_are_those_of_the_gpu_that_is_asked_for():
    assert {found["data-device"] for found in readings(EIGHT, "GPU-3")} == {"GPU-3"}
    assert {found["data-device"] for found in readings(EIGHT, "gone")} == {"GPU-0"}
    assert "GPU 3 · NVIDIA H100" in words(hardware_tiles(EIGHT, "GPU-3"))
    assert "GPU 0" not in words(hardware_tiles(ONE, ""))


def test_a_mig_instance_is_shown_with_the_facts_of_its_gpu():
    whole = gpu_state(max_video_clock_mhz=1545.0)
    part = gpu_state("MIG-1", parent="GPU-a", mig_index=1, fan_count=None)
    tick = latest(states=[whole, part])
    found = {reading["data-metric"]: reading for reading in readings(tick, "MIG-1")}
    assert found["gpu.video_clock_mhz"]["data-device"] == "MIG-1"
    assert found["gpu.video_clock_mhz"]["data-full"] == 1545


@pytest.mark.parametrize("tick", [NONE, Latest()], ids=["no GPU", "before the first tick"])
def test_where_there_is_no_gpu_there_is_no_section(tick: Latest):
    section = properties(unfolded(hardware_section(tick)))
    assert section["hidden"]
    assert section["children"] == []
    assert not properties(hardware_section(ONE))["hidden"]
