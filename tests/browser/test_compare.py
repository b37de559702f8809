"""One GPU or all side by side: the selector, the toggle, the address, marks and order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from monitor.queries.compare_snapshot import COMPARED_ROWS, MORE_ROWS
from monitor.sources.demo import demo_uuid
from tests import nvml_stub
from tests.browser.app import App
from tests.browser.page import Page

SIZES = {(1920, 1080): 4, (1440, 900): 4, (1200, 900): 3, (820, 1180): 2, (390, 844): 1}
# Of each card in the order seen: device, and its rows as [metric, device, mark, title, value].
_CARDS = """[...document.querySelectorAll('#compare-grid > *')]
    .sort((one, other) => one.style.order - other.style.order)
    .map(card => ({device: card.dataset.gpu, kind: card.dataset.kind,
        state: card.querySelector('.compare-state').textContent,
        rows: [...card.querySelectorAll('.compare-row')].map(row => [row.dataset.metric,
            row.dataset.device, row.querySelector('.compare-mark').textContent, row.title,
            row.dataset.value])}))"""
# The marks that the newest snapshot asks for, by metric and device.
_TOLD = """(snapshot => Object.fromEntries(Object.entries(snapshot.compare.marks).map(
    ([metric, of]) => [metric, Object.fromEntries(of.map(([mark], at) =>
        [snapshot.layout[0][at][0], {1: '▲', '-1': '▼', 0: ''}[mark]]))])))
    (window.live.snapshot())"""


def mode(page: Page) -> str:
    return str(page.run("document.documentElement.dataset.mode"))


def choose_mode(page: Page, label: str) -> None:
    path = f"//*[@id='mode-toggle']//label[normalize-space()='{label}']"
    page.chrome.find_element(By.XPATH, path).click()


def choose_sort(page: Page, value: str) -> None:
    page.chrome.find_element(By.CSS_SELECTOR, f"#sort option[value='{value}']").click()


def address(page: Page) -> str:
    """What the address asks for, beside the theme."""
    return str(page.run("location.search")).removesuffix("&theme=dark")


def cards(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.run(_CARDS)
    return found


def compared(page: Page, url: str) -> Page:
    """The page with its cards filled."""
    page.open(url)
    page.until(
        lambda: cards(page) and all(card["rows"][0][4] for card in cards(page)),
        "no cards are shown",
    )
    return page


def charted(page: Page) -> list[str]:
    found: list[str] = page.run("window.trends.data?.gpus ?? []")
    return found


@pytest.fixture
def side_by_side(demo: App, page: Page) -> Iterator[Page]:
    yield compared(page, f"{demo.url}?mode=compare")
    assert page.complaints() == []


def test_the_history_follows_the_selector_and_the_toggle_and_back_returns(demo: App, page: Page):
    page.open(demo.url)
    page.until(lambda: charted(page) == [demo_uuid(0)], "the charts do not show GPU 0")
    assert address(page) == "?gpu=0"
    assert page.boxes(".trend-gpu") == []
    page.chrome.find_element(By.CSS_SELECTOR, f'[data-choose-gpu="{demo_uuid(5)}"]').click()
    page.until(lambda: charted(page) == [demo_uuid(5)], "the charts did not follow")
    assert address(page) == "?gpu=5"
    choose_mode(page, "Compare")
    page.until(lambda: len(charted(page)) == 8, "the charts do not compare")
    assert "mode=compare" in address(page)
    assert len(page.boxes(".trend-gpu")) == 8
    assert page.boxes("#system-column, #gpu-column, .selector") == []
    stored = "['mode', 'selected-gpu'].map(id => JSON.parse(localStorage.getItem(id)))"
    page.until(lambda: page.run(stored) == ["compare", demo_uuid(5)], "it is not kept")
    page.chrome.back()
    page.until(lambda: charted(page) == [demo_uuid(5)], "back did not return to one GPU")
    assert (mode(page), page.run("window.choices.gpu()")) == ("single", "5")
    page.until(lambda: page.run(stored) == ["single", demo_uuid(5)], "the store was not told")
    page.chrome.back()
    page.until(lambda: charted(page) == [demo_uuid(0)], "back did not return to GPU 0")
    page.until(lambda: "GPU 0" in page.text("#gpu-select"), "the selector did not follow")


def test_a_copied_address_shows_the_same_and_a_browser_remembers(demo: App, page: Page):
    compared(page, f"{demo.url}?mode=compare&sort=temperature_celsius&gpu=3")
    copied = page.chrome.current_url
    assert cards(page)[0]["device"] == demo_uuid(5)
    # A browser that remembers something else is shown the same.
    page.run(
        "(localStorage.setItem('mode', '\"single\"'), localStorage.removeItem('selected-gpu'))"
    )
    compared(page, copied)
    assert page.chrome.current_url == copied
    assert page.run("[window.choices.gpu(), document.getElementById('sort').value]") == [
        "3",
        "temperature_celsius",
    ]
    # Where an address says nothing, it is what was chosen last.
    compared(page, demo.url)
    assert mode(page) == "compare"
    # An address that is older than the toggle shows the GPUs that it names, side by side.
    page.open(f"{demo.url}?gpus=2,3")
    page.until(lambda: charted(page) == [demo_uuid(2), demo_uuid(3)], "not those GPUs are drawn")
    assert mode(page) == "compare"


def test_slips_in_an_address_are_told_until_another_choice_is_made(demo: App, page: Page):
    page.open(f"{demo.url}?gpu=9&mode=both")
    page.until(lambda: page.text("#choice-notice"), "nothing was told")
    assert page.text("#choice-notice") == (
        "There is no GPU 9; there are: 0, 1, 2, 3, 4, 5, 6, 7. "
        "There is no mode 'both'; there are: single, compare."
    )
    assert page.text("#gpu-select").startswith("GPU 0: NVIDIA H100 80GB HBM3")
    choose_mode(page, "Compare")
    page.until(lambda: "mode" not in page.text("#choice-notice"), "the mode is still told")
    page.until(lambda: len(cards(page)) == 8, "no cards")
    page.chrome.find_element(By.CSS_SELECTOR, f'[data-show-gpu="{demo_uuid(4)}"]').click()
    page.until(lambda: page.text("#choice-notice") == "", "the GPU is still told")
    assert (mode(page), address(page)) == ("single", "?gpu=4")


def test_the_highest_and_the_lowest_are_marked_with_a_glyph_and_in_words(side_by_side: Page):
    page = side_by_side
    found, told = page.run(f"[{_CARDS}, {_TOLD}]")
    assert len(found) == 8
    glyphs = set()
    for card in found:
        for metric, device, glyph, title, _ in card["rows"]:
            assert glyph == told.get(metric, {}).get(device, ""), (metric, device)
            assert ("highest of all" in title, "lowest of all" in title) == (
                glyph == "▲",
                glyph == "▼",
            )
            glyphs.add(glyph)
    assert glyphs == {"▲", "▼", ""}
    by_device = {card["device"]: card for card in found}
    marks = {device: {row[0]: row[2] for row in card["rows"]} for device, card in by_device.items()}
    # What the simulated GPUs are made to do.
    assert marks[demo_uuid(5)]["gpu.temperature_celsius"] == "▲"
    assert marks[demo_uuid(7)]["gpu.power_watts"] == "▼"
    assert "idle" in by_device[demo_uuid(7)]["state"]
    assert page.text(".imbalance").startswith("GPU ") or "stands out" in page.text(".imbalance")


def test_every_reading_of_a_card_is_that_of_the_snapshot_and_moves_with_it(side_by_side: Page):
    page = side_by_side
    wrong = (
        "[...document.querySelectorAll('#compare-grid [data-metric]')].filter(e => {"
        " const r = window.live.snapshot().readings[e.dataset.metric][e.dataset.device];"
        " return e.dataset.value !== (r[2] === null ? '' : String(r[2])); })"
        ".map(e => e.dataset.metric)"
    )
    seen = set()
    for _ in range(3):
        time, found = page.run(f"[window.live.snapshot().time, {wrong}]")
        assert found == []
        seen.add(time)
        page.until(lambda: page.run("window.live.snapshot().time") not in seen, "no tick came")
    assert page.run("document.querySelectorAll('#compare-grid [data-metric]').length") == 80


def test_cards_are_sorted_and_the_order_is_in_the_address(side_by_side: Page):
    page = side_by_side
    for column in ("power_watts", "temperature_celsius", "index"):
        choose_sort(page, column)
        page.until(
            lambda column=column: (
                page.run("document.getElementById('compare-grid').dataset.sorted") == column
            ),
            "the cards were not sorted",
        )
        assert ("sort=" + column in address(page)) is (column != "index")
        devices = [card["device"] for card in cards(page)]
        if column == "index":
            assert devices == [demo_uuid(index) for index in range(8)]
        elif column == "temperature_celsius":
            assert (devices[0], devices[-1]) == (demo_uuid(5), demo_uuid(7))
        else:
            assert devices[-1] == demo_uuid(7)
    page.chrome.back()
    page.until(lambda: cards(page)[0]["device"] == demo_uuid(5), "back did not sort as before")


def test_more_metrics_are_in_every_card_for_who_asks(side_by_side: Page):
    page = side_by_side
    rows = "document.querySelectorAll('#compare-grid .compare-row').length"
    few, many = 8 * len(COMPARED_ROWS), 8 * (len(COMPARED_ROWS) + len(MORE_ROWS))
    assert page.run(rows) == few
    page.chrome.find_element(By.CSS_SELECTOR, ".more-metrics").click()
    page.until(lambda: page.run(rows) == many, "no more rows came")
    row = "document.querySelector('#compare-grid [data-metric=\"gpu.encoder_percent\"]')"
    encoder = f"{row}.dataset.value"
    page.until(lambda: page.run(encoder), "they have no readings")
    # Pushed as well, not only answered to the click.
    shown = page.run("window.live.snapshot().time")
    page.until(lambda: page.run("window.live.snapshot().time") > shown, "no tick came")
    page.until(lambda: page.run(encoder), "ticks do not have them")
    page.chrome.find_element(By.CSS_SELECTOR, ".more-metrics").click()
    page.until(lambda: page.run(rows) == few, "they did not go")
    choose_sort(page, "encoder_percent")
    page.until(lambda: page.run(rows) == many, "what they are sorted by is not shown")
    page.chrome.find_element(By.CSS_SELECTOR, ".more-metrics").click()
    page.until(lambda: page.run("document.getElementById('sort').value") == "index", "still sorted")
    assert page.run(rows) == few


def test_cards_stand_in_columns_within_the_window_and_eight_above_the_fold(side_by_side: Page):
    page = side_by_side
    for (width, height), columns in SIZES.items():
        page.resize(width, height)
        page.until(lambda width=width: page.run("innerWidth") == width, "not resized")
        assert page.run("document.documentElement.scrollWidth") <= width, width
        boxes = page.boxes("#compare-grid > *")
        assert len({box["left"] for box in boxes}) == columns, width
        if columns == 4:
            assert max(box["bottom"] for box in boxes) <= height
        cut = page.run(
            "[...document.querySelectorAll('.compare-value, .compare-label, .compare-off')]"
            ".filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)"
            ".map(e => e.textContent)"
        )
        assert cut == [], width


def test_a_lost_gpu_has_a_card_that_says_so_and_no_reading(
    tmp_path: Path, nvml_library: Path, page: Page
):
    laptop = nvml_stub.Scenario("laptop", tmp_path / "scenario.txt")
    second = {**laptop.values("gpu 0"), "uuid": "GPU-2", "pci_bus_id": "00000000:02:00.0"}
    laptop.add("gpu 1", **second)
    app = App(
        tmp_path / "data",
        *("--gpu-source", "nvml"),
        environment=laptop.environment(nvml_library),
    )
    try:
        compared(page, f"{app.url}?mode=compare")
        assert len(cards(page)) == 2
        laptop.set("gpu 1", "state", "!GPU_IS_LOST")
        page.until(lambda: cards(page)[1]["state"] == "lost", "its card does not say so")
        page.until(
            lambda: {row[4] for row in cards(page)[1]["rows"]} == {""}, "old readings are shown"
        )
        assert {row[2] for row in cards(page)[1]["rows"]} == {""}
        assert cards(page)[0]["rows"][0][4] != ""
        laptop.set("gpu 1", "state", "OK")
    finally:
        app.stop()
