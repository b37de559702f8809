"""What a person sees on a machine with eight GPUs, and what they can do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any
from urllib.request import urlopen

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from layouts import ids
from monitor.sources.demo import demo_uuid
from tests.browser.app import App
from tests.browser.page import Page

# The newest tick and what its card shows, seen ten times a second.
_WATCH = """(() => { window.watched = []; setInterval(() => window.watched.push([
    window.live.snapshot().time,
    document.querySelector('.panel[data-metric="host.cpu_percent"]').dataset.value]), 100) })()"""
SIZES = [(1440, 900), (1920, 1080), (820, 1180), (390, 844)]


def test_readings_change_each_second(demo: App, page: Page):
    page.open(demo.url)
    page.run(_WATCH)

    def each_second() -> bool:
        times = sorted({time for time, _ in page.run("window.watched")})
        return 1000 in {b - a for a, b in pairwise(times)}

    page.until(each_second, "no two ticks that follow each other were shown")
    page.until(
        lambda: len({value for _, value in page.run("window.watched")}) >= 3, "readings stood still"
    )
    page.until(lambda: page.connection() == "Live · 1 s", "not live")


def test_the_page_comes_with_its_first_readings_and_what_was_loaded_ahead_is_used(
    demo: App, page: Page
):
    with urlopen(f"{demo.url}_dash-layout") as answer:
        layout = json.load(answer)
    [snapshot] = _components(layout, ids.SNAPSHOT)
    assert snapshot["props"]["data"]["time"] <= 1000 * time.time()
    assert "host.cpu_percent" in json.dumps(snapshot["props"]["data"])
    page.open(demo.url)
    for path in ("_dash-layout", "_dash-dependencies"):
        assert page.run(
            "performance.getEntriesByType('resource').filter(e => e.name.endsWith(arguments[0]))"
            ".map(e => e.initiatorType)",
            path,
        ) == ["link"]


def test_a_page_that_is_open_all_day_keeps_no_readings_of_before(demo: App, page: Page):
    page.open(demo.url)
    page.run(_WATCH)
    page.until(
        lambda: len({time for time, _ in page.run("window.watched")}) >= 6, "no ticks were shown"
    )
    kept = page.run("window.dash_stores.map(store => store.getState().history.past.length)")
    assert len(kept) == 1
    # What has changed since the last tick, and that one.
    assert kept[0] <= 4


def test_the_page_asks_no_other_machine_and_has_no_errors(demo: App, page: Page):
    page.open(demo.url)
    assert page.hosts_asked() == {"127.0.0.1"}
    assert page.complaints() == []
    assert page.run("document.fonts.check('16px bootstrap-icons')")
    assert page.run("document.querySelectorAll('meta[name=viewport]').length") == 1


@pytest.mark.parametrize("path", ["system-monitor"])
def test_the_page_is_at_a_second_address(demo: App, page: Page, path: str):
    page.open(demo.url + path)
    page.until(lambda: page.connection() == "Live · 1 s", "not live")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_overlaps_or_leaves_the_screen(demo: App, page: Page, theme: str):
    page.open(demo.url)
    if theme == "light":
        page.chrome.find_element(By.ID, "theme-button").click()
    for width, height in SIZES:
        page.resize(width, height)
        page.until(lambda width=width: page.run("innerWidth") == width, "not resized")
        assert page.run("document.documentElement.scrollWidth") <= width, (width, height)
        panels = page.boxes(".column > .panel")
        assert len(panels) == 10
        for one, other in combinations(panels, 2):
            assert (
                one["right"] <= other["left"]
                or other["right"] <= one["left"]
                or one["bottom"] <= other["top"]
                or other["bottom"] <= one["top"]
            ), (width, one, other)
        for part in (".digits", ".symbol", ".peak", ".bar", ".label", ".cores"):
            for box in page.boxes(f".column > .panel {part}"):
                assert any(_within(box, panel) for panel in panels), (width, part, box)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080)])
def test_five_rows_of_pairs_stand_above_the_fold(demo: App, page: Page, width: int, height: int):
    page.resize(width, height)
    page.open(demo.url)
    system, gpu = page.boxes("#system-column > .panel"), page.boxes("#gpu-column > .panel")
    assert len(system) == len(gpu) == 5
    for left, right in zip(system, gpu, strict=True):
        assert (left["top"], left["bottom"]) == (right["top"], right["bottom"])
        assert left["bottom"] <= height


def test_every_cell_of_the_header_is_whole_at_1440(demo: App, page: Page):
    page.open(demo.url)
    cells, [strip] = page.boxes(".strip > .cell"), page.boxes(".strip")
    assert len(cells) == 2 + 8
    assert all(_within(cell, strip) for cell in cells)
    for cell in page.chrome.find_elements(By.CSS_SELECTOR, ".strip > .cell"):
        assert page.run("arguments[0].scrollWidth <= arguments[0].clientWidth", cell)


def test_pcie_traffic_is_told_beside_what_the_link_carries(demo: App, page: Page):
    page.open(demo.url)
    amount = '.hardware-row[data-metric="gpu.pcie_rx_bytes_per_second"] .amount'
    page.until(
        lambda: re.fullmatch(r"[\d.]+ ([KMG]i)?B/s of [\d.]+ GiB/s", page.text(amount)),
        "nothing is told of the link",
    )


def test_a_chosen_gpu_is_shown_everywhere_and_remembered(demo: App, page: Page):
    page.open(demo.url)
    page.chrome.find_element(By.CSS_SELECTOR, f'[data-choose-gpu="{demo_uuid(5)}"]').click()
    page.until(lambda: "GPU 5" in page.text("#gpu-select"), "the selector did not follow")
    _shows_gpu(page, 5)
    page.open(demo.url)
    page.until(lambda: "GPU 5" in page.text("#gpu-select"), "the choice was forgotten")
    _shows_gpu(page, 5)
    page.chrome.find_element(By.ID, "gpu-select").send_keys(Keys.ENTER)
    page.until(lambda: "GPU 3" in page.text(".dash-dropdown-content"), "no list was shown")
    options = page.chrome.find_elements(By.CSS_SELECTOR, ".dash-dropdown-option")
    next(option for option in options if option.text.startswith("GPU 3")).click()
    page.until(lambda: "GPU 3" in page.text("#gpu-select"), "the selector did not change")
    _shows_gpu(page, 3)


def test_the_selector_can_be_read_in_both_themes(demo: App, page: Page):
    page.open(demo.url)
    page.until(lambda: page.text("#gpu-select"), "there is no selector")
    for _ in range(2):
        text, ground = page.run(
            "(s => [s.color, s.backgroundColor])(getComputedStyle(document.querySelector("
            "'#gpu-select')))"
        )
        assert abs(_lightness(text) - _lightness(ground)) > 120, (text, ground)
        page.chrome.find_element(By.ID, "theme-button").click()


def test_a_theme_is_remembered(demo: App, page: Page):
    page.open(demo.url)
    assert page.run("document.documentElement.dataset.bsTheme") == "dark"
    dark = page.run("getComputedStyle(document.body).backgroundColor")
    page.chrome.find_element(By.ID, "theme-button").click()
    page.until(
        lambda: page.run("document.documentElement.dataset.bsTheme") == "light", "still dark"
    )
    page.open(demo.url)
    assert page.run("document.documentElement.dataset.bsTheme") == "light"
    assert page.run("getComputedStyle(document.body).backgroundColor") != dark


def test_every_reading_names_its_metric_device_and_raw_value(demo: App, page: Page):
    page.open(demo.url)
    wrong = page.run(
        "[...document.querySelectorAll('[data-metric]')].filter(e => {"
        " const {metric, device, at, value} = e.dataset;"
        " const {readings, hardware} = window.live.snapshot();"
        " const raw = at ? hardware[device]?.[at] : readings[metric]?.[device]?.[2];"
        " return raw === undefined || value !== (raw === null ? '' : String(raw)); })"
        ".map(e => e.dataset.metric)"
    )
    assert wrong == []
    assert page.value("gpu.utilization_percent", demo_uuid(0)) is not None


# Of everything that follows the selector, the cards and the buttons: the GPUs that they show.
_CHOSEN = """[['[data-follows]', 'device'], ['[data-gpu-card]:not([hidden])', 'gpuCard'],
    ['[data-choose-gpu][aria-pressed=true]', 'chooseGpu']].map(([selector, name]) =>
        [...document.querySelectorAll(selector)].map(e => e.dataset[name]))"""


def _shows_gpu(page: Page, index: int) -> None:
    uuid = demo_uuid(index)
    page.until(
        lambda: [set(shown) for shown in page.run(_CHOSEN)] == [{uuid}] * 3,
        f"GPU {index} is not shown everywhere",
    )
    followers, cards, buttons = page.run(_CHOSEN)
    assert len(followers) > 4
    assert (len(cards), len(buttons)) == (1, 1)
    shown, told = page.run(
        "[document.querySelector('.panel[data-follows]').dataset.value,"
        "String(window.live.snapshot().readings['gpu.utilization_percent'][arguments[0]][2])]",
        uuid,
    )
    assert shown == told


def _within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return (
        inner["left"] >= outer["left"] - 1
        and inner["right"] <= outer["right"] + 1
        and inner["top"] >= outer["top"] - 1
        and inner["bottom"] <= outer["bottom"] + 1
    )


def _lightness(colour: str) -> float:
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return (red + green + blue) / 3


def _components(layout: Any, wanted: str) -> Iterator[dict[str, Any]]:
    """The components with this id, from what Dash sends."""
    if isinstance(layout, list):
        for child in layout:
            yield from _components(child, wanted)
    elif isinstance(layout, dict) and "props" in layout:
        if layout["props"].get("id") == wanted:
            yield layout
        yield from _components(layout["props"].get("children"), wanted)
