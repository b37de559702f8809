"""The grid of GPU processes: what a person sees, sorts and chooses in it."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from monitor.sources.demo import demo_uuid
from tests.browser.app import App
from tests.browser.page import Page

# What stands in a column, from the topmost row to the lowest.
_CELLS = (
    "[...document.querySelectorAll(`.process-grid .ag-row`)]"
    ".sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))"
    ".map(row => row.querySelector(`[col-id=${arguments[0]}]`)?.innerText)"
)
# Counts how often the grid takes rows from now on.
_COUNT = (
    "(window.refreshed = 0, dash_ag_grid.getApi('process-grid')"
    ".addEventListener('rowDataUpdated', () => { window.refreshed += 1; }))"
)


def opened(demo: App, page: Page) -> Page:
    """The page, scrolled to the grid, which is not drawn before."""
    page.open(demo.url)
    page.run("document.getElementById('processes').scrollIntoView()")
    page.until(lambda: sum(map(bool, cells(page, "pid"))) == 8, "the grid has no eight rows")
    return page


def cells(page: Page, column: str) -> list[str]:
    found: list[str] = page.run(_CELLS, column)
    return found


def test_the_processes_of_every_gpu_are_listed_by_memory(demo: App, page: Page):
    opened(demo, page)
    memory = [text.split() for text in cells(page, "memory")]
    assert {unit for _, unit in memory} == {"GiB"}
    amounts = [float(number) for number, _ in memory]
    assert amounts == sorted(amounts, reverse=True)
    assert sorted(cells(page, "gpu")) == [str(index) for index in range(8)]
    assert page.text("#process-count") == "8 active on 8 GPUs"
    assert any("--api-key ***" in text for text in cells(page, "command"))
    named = "Boolean(document.querySelector('[role$=grid][aria-label=\"GPU processes\"]'))"
    page.until(lambda: page.run(named), "the grid has no name")
    [place], [rows] = page.boxes("#process-place"), page.boxes(".process-grid .ag-body-viewport")
    assert rows["bottom"] <= place["bottom"]
    assert page.hosts_asked() == {"127.0.0.1"}
    assert page.complaints() == []


def test_a_sort_and_a_width_survive_the_next_refresh(demo: App, page: Page):
    opened(demo, page)
    by_pid = sorted(cells(page, "pid"), key=int)
    page.chrome.find_element(
        By.CSS_SELECTOR, '.process-grid .ag-header-cell[col-id="pid"] .ag-header-cell-label'
    ).click()
    page.until(lambda: cells(page, "pid") == by_pid, "not sorted")
    page.run("dash_ag_grid.getApi('process-grid').setColumnWidths([{key: 'pid', newWidth: 140}])")
    page.run(_COUNT)
    page.until(lambda: page.run("window.refreshed") >= 2, "the rows were not read anew")
    page.until(lambda: cells(page, "pid") == by_pid, "the sort is gone")
    [head] = page.boxes('.process-grid .ag-header-cell[col-id="pid"]')
    assert head["right"] - head["left"] == pytest.approx(140, abs=1)


def test_one_gpu_alone_and_on_a_narrow_screen(demo: App, page: Page):
    opened(demo, page)
    page.chrome.find_element(By.CSS_SELECTOR, f'[data-choose-gpu="{demo_uuid(7)}"]').click()
    page.chrome.find_element(By.XPATH, '//*[@id="process-scope"]//label[text()="This GPU"]').click()
    page.until(lambda: page.text("#process-count") == "1 active on GPU 7", "the count stayed")
    page.until(lambda: cells(page, "user") == ["mira"], "the rows stayed")
    assert cells(page, "gpu") == [None]
    page.resize(390, 844)
    page.until(lambda: page.run("innerWidth") == 390, "not resized")
    assert page.run("document.documentElement.scrollWidth") <= 390
    wide = (
        "(e => e.scrollWidth > e.clientWidth)"
        "(document.querySelector('.process-grid .ag-center-cols-viewport'))"
    )
    page.until(lambda: page.run(wide), "the grid does not scroll")
    assert page.complaints() == []
