"""Hardware, throttling and health of the demo's GPUs, in a browser."""

from __future__ import annotations

import json
from urllib.request import urlopen

from monitor.sources.demo_run import STRAGGLER
from tests.browser.app import App
from tests.browser.page import Page

THERMAL = 0x20 | 0x40


def masks(app: App, gpu: int) -> list[int | None]:
    """The clock event reasons that were recorded in the last hour."""
    query = f"gpu={gpu}&metrics=clock_event_reasons&start=-1h"
    with urlopen(f"{app.url}api/v1/system/gpu-metrics/history?{query}") as answer:
        (line,) = json.load(answer)["series"]
    return line["clock_event_reasons"]


def count(page: Page, selector: str) -> int:
    return int(page.run("document.querySelectorAll(arguments[0]).length", selector))


def choose(page: Page, gpu: int) -> str:
    """The UUID of the GPU that is chosen now, once its tiles are there."""
    page.run(f"document.querySelectorAll('[data-choose-gpu]')[{gpu}].click()")
    page.until(lambda: page.text(".section-of").startswith(f"GPU {gpu} "), "other tiles are shown")
    return str(page.run(f"document.querySelectorAll('[data-choose-gpu]')[{gpu}].dataset.chooseGpu"))


def cut_off(page: Page, selector: str) -> int:
    """How many of these blocks have more text than room."""
    return int(
        page.run(
            "[...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1).length",
            selector,
        )
    )


def test_the_tiles_have_a_value_each_and_follow_the_selector(demo: App, page: Page):
    page.open(demo.url)
    for gpu in (2, 7):
        device = choose(page, gpu)
        empty = '.hardware [data-at][data-value=""]'
        page.until(lambda selector=empty: not count(page, selector), "a tile has no value")
        assert count(page, "[data-at]") == count(page, f'[data-at][data-device="{device}"]') > 10
        assert "N/A" not in page.text(".hardware")
    memory = '.hardware [data-metric="gpu.memory_clock_mhz"]'
    assert page.text(f"{memory} .amount") == "2,619 of 2,619 MHz"
    [bar], [fill] = page.boxes(f"{memory} .bar"), page.boxes(f"{memory} .fill")
    page.until(lambda: page.boxes(f"{memory} .fill")[0]["right"] == bar["right"], str((bar, fill)))
    assert page.text('.hardware [data-metric="gpu.performance_state"] .amount') == "P0"
    assert page.text(".reasons") == "Idle"  # GPU 7 holds memory and does nothing


def test_the_timeline_has_what_the_history_has(demo: App, page: Page):
    page.open(f"{demo.url}?mode=compare")
    page.until(lambda: count(page, "[data-lane]") == 8, "not every GPU has a lane")
    lane = f'[data-lane="{choose(page, STRAGGLER)}"]'
    page.until(lambda: count(page, "[data-lane]") == 1, "the lanes do not follow the selector")
    page.until(lambda: count(page, f"{lane} .recorded"), "its lane is empty")
    slowed = f'{lane} [data-kind="problem"]'
    # All day long, but for the first minutes of each four hours.
    if any(mask & THERMAL for mask in masks(demo, STRAGGLER) if mask is not None):
        page.until(lambda: count(page, slowed), "the timeline does not say that GPU 5 was slowed")
        assert "Thermal, driver" in str(
            page.run(f"document.querySelector('{slowed}').dataset.words")
        )
    page.until(lambda: count(page, ".timeline-axis span") > 1, "the time is not told")
    assert page.text('[data-counter="pcie_replay_count"] .words') == "3 replays"
    assert page.text('[data-counter="retired_pages_count"] .words') == "N/A"


def test_the_sections_fit_and_nothing_complains(demo: App, page: Page):
    page.open(demo.url)
    page.until(lambda: page.text('[data-counter="xid_count"] .words'), "no counter is told")
    for width in (1440, 1024, 390):
        page.resize(width, 900)
        assert page.run("document.documentElement.scrollWidth") <= width
        assert cut_off(page, ".hardware-row .amount, .health-card td, .timeline-lane .name") == 0
    assert page.complaints() == []
