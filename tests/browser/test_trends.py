"""Historical trends: what a person sees of hours that were recorded, and what they can do."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.recorded import (
    GPUS,
    NEW_WATTS,
    OLD_WATTS,
    SPIKING,
    Recorded,
    watts,
)
from tests.browser.trends import CHARTS, Trends

SIZES = [(1440, 900), (1920, 1080), (820, 1180), (390, 844)]
RANGES = {"15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "90d": 7_776_000}
POPOVERS = ["from-to", "charts", "export"]
MINUTE = 60_000
# Whether plotly.js has the points that the page has.
_UP_TO_DATE = """((lines, chart, start) => lines.length === chart.values.length
    && lines.every(line => line.x0 === start)
    && lines.every((line, at) => line.y.length === chart.values[at][0].length))
    (document.querySelector(`[data-chart="${arguments[0]}"] .js-plotly-plot`).data
        .filter(trace => trace.mode === 'lines' && !trace.fill),
    window.trends.charts.get(arguments[0]), window.trends.data.start)"""


_IN_VIEW = """[...document.querySelectorAll('.trend-card')].filter(card =>
    (box => box.bottom > 0 && box.top < innerHeight)(card.getBoundingClientRect()))
    .map(card => card.dataset.chart)"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    return Recorded(folder, round(time.time() * 1000))


@pytest.fixture(scope="module")
def app(known: Recorded) -> Iterator[App]:
    app = App(known.folder, "--gpu-source", "demo")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def loaded(app: App, chrome: Chrome) -> Iterator[Trends]:
    """The page, loaded once."""
    page = Page(chrome)
    page.resize(1440, 900)
    page.hosts_asked()
    page.complaints()
    yield Trends(page, app.url).open()
    chrome.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    chrome.get("about:blank")


@pytest.fixture
def trends(loaded: Trends) -> Iterator[Trends]:
    """The section, as the test before left it. No other host may be asked, no error met."""
    loaded.page.resize(1440, 900)
    loaded.close_popover()
    yield loaded
    assert loaded.page.complaints() == []
    assert loaded.page.hosts_asked() <= {"127.0.0.1"}


def test_each_range_is_drawn_whole_with_the_spike_and_is_in_the_address(
    trends: Trends, known: Recorded
):
    trends.go()
    for name in ("15m", "6h", "24h", "7d", "90d", "1h"):
        trends.after(lambda name=name: trends.range(name))
        data = trends.data()
        assert data["to"] - data["from"] == 1000 * RANGES[name]
        assert trends.address() == ({} if name == "1h" else {"range": name})
        assert trends.drawn() == list(CHARTS), name
        at, value = trends.highest("power")
        assert value == NEW_WATTS, name
        assert at <= known.spike < at + data["step"], name
        assert "peak 999 W" in trends.page.text('[data-chart="power"] .trend-said')
        assert trends.notice() == ""


def test_what_was_not_recorded_is_a_gap_and_what_was_is_exact(trends: Trends, known: Recorded):
    trends.go("?range=6h")
    step = trends.data()["step"]
    for index, uuid in enumerate(GPUS):
        points = trends.points("power", uuid)
        inside = [at for at in points if known.gap[0] <= at and at + step <= known.gap[1]]
        assert inside == []
        flat = {
            at: kinds
            for at, kinds in points.items()
            if at + step <= known.end
            and not any(at <= spike < at + step for spike in (known.spike, known.old_spike))
        }
        assert len(flat) > 200
        assert {tuple(kinds) for kinds in flat.values()} == {(watts(index),) * 3}
    assert trends.page.run(
        "document.querySelector('[data-chart=power] .js-plotly-plot').data"
        ".filter(t => t.mode === 'lines' && !t.fill).every(t => t.connectgaps === false)"
    )


def test_a_span_from_before_the_recording_says_when_it_began(trends: Trends, known: Recorded):
    trends.go("?range=24h")
    assert "recording began" in trends.page.text(".trend-span")
    trends.go(f"?from={_iso(known.begin - 9_000_000)}&to={_iso(known.begin - 5_400_000)}")
    for chart in CHARTS:
        words = trends.page.text(f'[data-chart="{chart}"] .trend-empty')
        assert words.startswith("Recording began ")
        assert words.endswith("; nothing before")


def test_a_drag_reads_the_finer_tier_for_all_charts_and_a_double_click_or_a_button_returns(
    trends: Trends, known: Recorded
):
    trends.go("?range=24h")
    coarse = trends.data()
    # To the minutes, then to the seconds.
    trends.after(
        lambda: trends.drag(
            "power", known.spike - 40 * MINUTE, min(known.spike + 30 * MINUTE, coarse["to"])
        )
    )
    middle = trends.data()
    trends.after(lambda: trends.drag("cpu", known.spike - 2 * MINUTE, known.spike + 2 * MINUTE))
    fine = trends.data()
    assert coarse["step"] > middle["step"] > fine["step"] == 1000
    assert (fine["tier"], fine["live"]) == ("1s", False)
    assert trends.address() == {"from": _iso(fine["from"]), "to": _iso(fine["to"])}
    assert fine["from"] <= known.spike <= fine["to"]
    assert trends.points("power", GPUS[SPIKING])[known.spike] == [NEW_WATTS]
    ranges = trends.page.run(
        "[...document.querySelectorAll('.trend-card .js-plotly-plot')]"
        ".map(graph => graph.layout.xaxis.range.join())"
    )
    assert len(ranges) == len(CHARTS)
    assert len(set(ranges)) == 1
    assert trends.drawn() == list(CHARTS)
    trends.after(lambda: trends.double_click("gpu"))
    assert trends.data()["from"] == middle["from"]
    trends.after(lambda: trends.click('[data-trend="back"]'))
    assert trends.address() == {"range": "24h"}
    assert trends.page.boxes('[data-trend="back"]') == []
    assert trends.data()["live"]


def test_a_copied_address_shows_the_same_numbers_in_another_window(trends: Trends, known: Recorded):
    trends.go("?range=6h")
    trends.after(
        lambda: trends.drag("power", known.old_spike - 9 * MINUTE, known.old_spike + 9 * MINUTE)
    )
    first = _everything(trends)
    assert trends.data()["tier"] == "10s"
    assert trends.highest("power")[1] == OLD_WATTS
    chrome = trends.page.chrome
    address, window = chrome.current_url, chrome.current_window_handle
    chrome.switch_to.new_window("window")
    try:
        trends.open(address.removeprefix(trends.url))
        assert _everything(trends) == first
    finally:
        chrome.close()
        chrome.switch_to.window(window)
    answer = trends.api(
        "gpu-metrics/history",
        metrics="power_watts",
        start=trends.address()["from"],
        end=trends.address()["to"],
        resolution="10s",
    )
    for uuid in GPUS:
        assert _same(trends.points("power", uuid), _told(answer, "power_watts", uuid))


def test_new_points_come_every_five_seconds_and_nothing_else_changes(trends: Trends):
    trends.go("?range=15m")
    trends.after(lambda: trends.click(f'[data-trend-gpu="{GPUS[2]}"]'))
    trends.show('[data-chart="disk"]')
    page = trends.page
    page.run(
        "(window.before = {graphs: [...document.querySelectorAll('.js-plotly-plot')],"
        " plots: [...document.querySelectorAll('.js-plotly-plot .plot')], made: 0},"
        " window.Plotly.newPlot = () => { window.before.made += 1; })"
    )
    before, scrolled = trends.data(), page.run("scrollY")
    assert scrolled > 0
    seen = [before["to"]]

    def appended_twice() -> bool:
        to = trends.data()["to"]
        if to != seen[-1]:
            seen.append(to)
        return len(seen) == 3

    trends.until(appended_twice, "nothing was appended")
    assert 4_000 < seen[2] - seen[1] < 14_000  # a machine that is busy leaves one out
    after = trends.data()
    assert trends.view()["number"] == after["asked"] == before["asked"]
    assert after["to"] - after["from"] == before["to"] - before["from"]
    assert after["start"] > before["start"]
    assert page.run(
        "window.before.made === 0 && ['.js-plotly-plot', '.js-plotly-plot .plot'].every((of, at) =>"
        " [...document.querySelectorAll(of)].every((e, n) => e === (at ? window.before.plots"
        " : window.before.graphs)[n]))"
    )
    assert page.run("scrollY") == scrolled
    trends.until(lambda: page.run(_UP_TO_DATE, "disk"), "new points were not drawn")
    assert GPUS[2] not in [line["device"] for line in trends.lines("power")]
    assert page.run("document.querySelectorAll('.trend-gpu[aria-pressed=false]').length") == 1
    span = {"start": _iso(before["to"] // 1000 * 1000), "end": _iso(after["to"] // 1000 * 1000)}
    answer = trends.api("gpu-metrics/history", metrics="power_watts", resolution="1s", **span)
    for device in [uuid for uuid in GPUS if uuid != GPUS[2]]:
        told = _told(answer, "power_watts", device)
        assert len(told) >= 4
        assert _same(_at(told, trends.points("power", device)), told)
    answer = trends.api("metrics/history", metrics="cpu_percent", resolution="1s", **span)
    told = _told(answer, "cpu_percent", "host")
    assert _same(_at(told, trends.points("cpu", "host")), told)


def test_pause_and_a_zoom_stand_still_at_absolute_times_and_resume_is_live(
    trends: Trends, app: App, known: Recorded
):
    trends.go("?range=1h")
    trends.after(lambda: trends.click('[data-trend="pause"]'))
    paused = trends.data()
    assert trends.address() == {"from": _iso(paused["from"]), "to": _iso(paused["to"])}
    trends.after(lambda: trends.drag("power", known.spike - MINUTE, known.spike + MINUTE))
    zoomed, ticks = trends.data(), app.ticks()
    assert paused["from"] < zoomed["from"] < zoomed["to"] < paused["to"]
    trends.until(lambda: app.ticks() >= ticks + 6, "nothing was recorded")
    assert trends.data() == zoomed
    trends.after(lambda: trends.double_click("power"))
    assert trends.data()["to"] == paused["to"]
    trends.after(lambda: trends.click('[data-trend="pause"]'))
    assert trends.address() == {}
    live = trends.data()
    assert live["live"]
    assert live["to"] > paused["to"]
    trends.until(lambda: trends.data()["to"] > live["to"], "nothing was appended after that")


def test_a_span_that_moves_with_time_is_live_and_goes_on_after_a_pause(trends: Trends):
    trends.go("?from=-30m")
    pause, page = '[data-trend="pause"]', trends.page
    assert trends.data()["live"]
    assert page.run("document.querySelector(arguments[0]).title", pause) == "Pause"
    trends.after(lambda: trends.click(pause))
    paused = trends.data()
    assert trends.address() == {"from": _iso(paused["from"]), "to": _iso(paused["to"])}
    assert page.run("document.querySelector(arguments[0]).title", pause) == "Go on live"
    trends.after(lambda: trends.click(pause))
    assert trends.address() == {"from": "-30m"}
    trends.after(lambda: trends.range("1h"))
    assert trends.address() == {}
    trends.go("?from=garbage&range=6h")
    assert page.run("document.querySelector('#trend-range input:checked').value") == "6h"
    assert page.run("document.querySelector(arguments[0]).title", pause) == "Pause"
    assert "'garbage' is not a time" in trends.notice()


def test_gpus_and_charts_are_chosen_and_in_the_address(trends: Trends):
    trends.go()
    trends.after(lambda: trends.click(f'[data-trend-gpu="{GPUS[0]}"]'))
    assert trends.address() == {"gpus": "1,2,3,4,5,6,7"}
    assert [line["device"] for line in trends.lines("temperature")] == GPUS[1:]
    trends.after(lambda: trends.click(f'[data-trend-gpu="{GPUS[0]}"]'))
    assert trends.address() == {}
    trends.open_popover("charts")
    trends.after(lambda: _tick_off(trends, "RAM"))
    assert trends.visible() == [name for name in CHARTS if name != "ram"]
    assert trends.address() == {"charts": ",".join(trends.visible())}
    trends.after(lambda: _tick_off(trends, "RAM"))
    assert trends.visible() == list(CHARTS)
    trends.go("?gpus=3&charts=power,cpu&range=6h")
    assert trends.visible() == ["cpu", "power"]
    assert [line["device"] for line in trends.lines("power")] == [GPUS[3]]
    assert trends.address() == {"gpus": "3", "charts": "power,cpu", "range": "6h"}
    assert trends.notice() == ""


def test_the_cursor_is_in_all_charts_and_names_every_value(trends: Trends, known: Recorded):
    span = f"?from={_iso(known.spike - MINUTE)}&to={_iso(known.spike + MINUTE)}"
    trends.go(span)
    trends.point_at("power", known.spike)
    page = trends.page
    trends.until(lambda: page.text('[data-chart="power"] .trend-tip'), "no values were shown")
    tip = page.text('[data-chart="power"] .trend-tip')
    for index in range(8):
        value = NEW_WATTS if index == SPIKING else watts(index)
        assert f"GPU {index} {value:.0f} W" in tip
    assert len(page.boxes(".trend-cursor")) == len(CHARTS)
    lefts = {
        round(cursor["left"] - plot["left"])
        for cursor, plot in zip(page.boxes(".trend-cursor"), page.boxes(".trend-plot"), strict=True)
    }
    assert len(lefts) == 1
    assert page.text('[data-chart="cpu"] .trend-said') == "20.0 %"
    trends.point_elsewhere()
    trends.until(lambda: not page.boxes(".trend-cursor"), "the cursor stayed")
    assert page.boxes(".trend-tip") == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?range=3h", "15m, 1h, 6h, 24h, 7d, 90d"),
        ("?from=yesterday", "2026-11-24T10:00:00Z, or one before now such as -6h"),
        ("?from=2026-11-01T10:00Z&to=2026-11-01T09:00Z", "is not before to"),
        ("?from=2090-01-01", "not in the past"),
        ("?gpus=99", "there are: 0, 1, 2, 3, 4, 5, 6, 7"),
        ("?charts=nonsense", f"there are: {', '.join(CHARTS)}"),
        ("?range=%FF%FE&from=%00&charts=%3Cb%3E", "15m, 1h, 6h"),
    ],
)
def test_a_slip_in_the_address_is_told_and_the_charts_are_drawn(
    trends: Trends, query: str, words: str
):
    trends.go(query)
    assert words in trends.notice()
    assert trends.drawn() == list(CHARTS)
    assert trends.data()["live"]


def test_the_table_has_the_charts_numbers_and_needs_no_mouse(trends: Trends, known: Recorded):
    trends.go(f"?from={_iso(known.spike - MINUTE)}&to={_iso(known.spike + MINUTE)}")
    page = trends.page
    button = page.chrome.find_element(By.CSS_SELECTOR, '[data-trend-table="power"]')
    page.run("arguments[0].focus({preventScroll: true})", button)
    button.send_keys(Keys.ENTER)
    table = '[data-chart="power"] .trend-table'
    trends.until(lambda: page.text(f"{table} caption"), "no table was shown")
    assert page.run("document.activeElement.dataset.trendTable") == "power"
    assert "GPU power, W" in page.text(f"{table} caption")
    rows = page.run(
        "[...document.querySelectorAll(arguments[0])]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        f"{table} tr",
    )
    assert rows[0] == ["Time", *(f"GPU {index}" for index in range(8))]
    usual = [f"{watts(index):.0f}" for index in range(8)]
    spike = [f"{NEW_WATTS:.0f}" if index == SPIKING else usual[index] for index in range(8)]
    assert len(rows) == 1 + trends.data()["count"]
    clock = page.run("new Date(arguments[0]).toTimeString().slice(0, 8)", known.spike)
    assert [row[1:] for row in rows[1:] if row[0] == clock] == [spike]
    assert [row[1:] for row in rows[1:] if row[0] != clock] == [usual] * (len(rows) - 2)
    button.send_keys(Keys.TAB)
    assert page.run("document.activeElement.className") == "trend-table"
    button.send_keys(Keys.ENTER)
    trends.until(lambda: not page.text(f"{table} caption"), "the table stayed")
    assert "power" in trends.drawn()


def test_all_controls_are_reached_by_tab(trends: Trends):
    trends.go()
    page = trends.page
    page.run("document.querySelector('#trend-range input:checked').focus({preventScroll: true})")
    reached = []
    parts = [
        *("CPU", "I/O", "memory", "read", "write", "SM", "memory"),
        *("received", "sent", "rx", "tx"),
    ]
    for _ in range(5 + len(GPUS) + len(CHARTS) + len(parts)):
        reached.append(
            page.run(
                "(e => e.getAttribute('aria-label') || e.innerText || e.type)"
                "(document.activeElement)"
            )
        )
        page.chrome.switch_to.active_element.send_keys(Keys.TAB)
    assert reached[:5] == [
        "radio",
        "From … to",
        "Pause the charts",
        "Choose charts",
        "Export what is in view",
    ]
    assert reached[5:13] == [f"GPU {index}" for index in range(8)]
    assert [name for name in reached[13:] if not name.endswith(" as a table")] == parts
    page.run("document.querySelector('#trend-range input:checked').focus({preventScroll: true})")
    trends.after(lambda: page.chrome.switch_to.active_element.send_keys(Keys.ARROW_RIGHT))
    assert trends.address() == {"range": "6h"}


@pytest.mark.parametrize(
    ("table", "path", "column", "device"),
    [
        ("gpu", "gpu-metrics/history", "power_watts", GPUS[SPIKING]),
        ("host", "metrics/history", "load_1m", "host"),
    ],
)
def test_an_export_has_the_apis_numbers(
    trends: Trends,
    known: Recorded,
    tmp_path: Path,
    table: str,
    path: str,
    column: str,
    device: str,
):
    span = {"from": _iso(known.spike - MINUTE), "to": _iso(known.spike + MINUTE)}
    trends.go(f"?from={span['from']}&to={span['to']}")
    page = trends.page
    page.chrome.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    asked = {"start": span["from"], "end": span["to"], "resolution": "1s"}
    told = _told(trends.api(path, metrics=column, **asked), column, device)
    assert len(told) == 120
    trends.open_popover("export")
    for kind in ("csv", "json", "parquet"):
        save = f'[data-export="{table}"][data-format="{kind}"]'
        page.chrome.find_element(By.CSS_SELECTOR, save).click()
        trends.until(lambda kind=kind: list(tmp_path.glob(f"*.{kind}")), f"no {kind} came")
        assert page.text(".trend-progress").startswith("Saved")
        [file] = tmp_path.glob(f"*.{kind}")
        exported = _exported(file, column, device)
        assert _same(exported, {at: value for at, [value] in told.items()}), kind


def test_what_is_not_in_view_is_not_exported(trends: Trends):
    trends.go("?charts=cpu")
    trends.open_popover("export")
    save = '[data-export="gpu"][data-format="csv"]'
    trends.page.chrome.find_element(By.CSS_SELECTOR, save).click()
    trends.until(
        lambda: (
            trends.page.text(".trend-progress") == "Not exported: no chart of the GPUs is in view."
        ),
        "it was exported",
    )


def test_the_browsers_back_button_returns_to_the_view_before(trends: Trends, known: Recorded):
    trends.go()
    trends.after(lambda: trends.range("6h"))
    trends.after(
        lambda: trends.drag("gpu", known.old_spike - 9 * MINUTE, known.old_spike + 9 * MINUTE)
    )
    zoomed = trends.address()
    trends.after(lambda: trends.page.chrome.back())
    assert trends.address() == {"range": "6h"}
    assert trends.data()["live"]
    trends.after(lambda: trends.page.chrome.back())
    assert trends.address() == {}
    assert trends.page.run("document.querySelector('#trend-range input:checked').value") == "1h"
    trends.after(lambda: trends.page.chrome.forward())
    trends.after(lambda: trends.page.chrome.forward())
    assert trends.address() == zoomed


def test_the_theme_is_in_the_address(trends: Trends):
    trends.go("?theme=light")
    page = trends.page
    theme = "document.documentElement.dataset.bsTheme"
    page.until(lambda: page.run(theme) == "light", "still dark")
    assert trends.theme() == "light"
    page.chrome.find_element(By.ID, "theme-button").click()
    page.until(lambda: page.run(theme) == "dark", "still light")
    trends.until(lambda: trends.theme() == "dark", "the address still says light")
    page.chrome.find_element(By.ID, "theme-button").click()
    trends.until(lambda: trends.theme() == "light", "the address does not say so")
    assert trends.drawn() == list(CHARTS)


def test_an_address_has_its_theme_for_one_look_and_a_choice_stays(trends: Trends):
    trends.page.run("localStorage.setItem('theme', JSON.stringify('dark'))")
    painted = "document.documentElement.dataset.bsTheme"
    trends.open("?theme=light&range=6h")
    assert trends.page.run(painted) == "light"
    assert trends.page.run("JSON.parse(localStorage.getItem('theme'))") == "dark"
    trends.open("?range=6h")
    assert (trends.page.run(painted), trends.theme()) == ("dark", "dark")
    trends.page.run("localStorage.setItem('theme', JSON.stringify('light'))")
    trends.open("?theme=purple")
    assert trends.page.run(painted) == "light"
    assert "There is no theme 'purple'; there are dark, light." in trends.notice()
    trends.page.run("localStorage.removeItem('theme')")
    trends.open()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_axis_and_zoom_are_in_the_time_of_the_place(trends: Trends, known: Recorded, zone: str):
    span = f"?from={_iso(known.spike - 40 * MINUTE)}&to={_iso(known.spike + 30 * MINUTE)}"
    with _zone(trends, zone):
        trends.go(span)
        data = trends.data()
        begin = datetime.fromtimestamp(data["from"] / 1000, ZoneInfo(zone))
        told = trends.page.text(".trend-span").partition(" –")[0]
        assert told.removeprefix(f"{begin:%Y-%m-%d} ") == f"{begin:%H:%M}"
        ticks = _ticks(trends, "power")
        assert len(ticks) >= 4
        for time_of, text, day in ticks:
            at = datetime.fromtimestamp(round(time_of / MINUTE) * 60, ZoneInfo(zone))
            assert text == f"{at:%H:%M}"
            assert day in ("", f"{at:%Y-%m-%d}")
        assert ticks[0][2]
        trends.after(
            lambda: trends.drag("power", known.spike - 2 * MINUTE, known.spike + 2 * MINUTE)
        )
        fine = trends.data()
        assert abs(fine["from"] - (known.spike - 2 * MINUTE)) < MINUTE / 2
        assert abs(fine["to"] - (known.spike + 2 * MINUTE)) < MINUTE / 2
        assert trends.highest("power") == (known.spike, NEW_WATTS)


@pytest.mark.parametrize(
    ("zone", "start"),
    [("Europe/Berlin", "2026-10-24T01:00:00Z"), ("America/New_York", "2026-03-07T08:00:00Z")],
)
def test_a_day_of_25_or_23_hours_has_its_own_times(trends: Trends, zone: str, start: str):
    begin = datetime.fromisoformat(start)
    end = begin + timedelta(hours=48)
    with _zone(trends, zone):
        trends.go(f"?from={start}&to={_iso(end.timestamp() * 1000)}")
        ticks = _ticks(trends, "power")
        assert len(ticks) >= 4
        for time_of, text, _ in ticks:
            at = datetime.fromtimestamp(round(time_of / 3_600_000) * 3600, ZoneInfo(zone))
            assert text == f"{at:%H:%M}"
        assert len({day for *_, day in ticks} - {""}) >= 2


def test_the_cursor_tells_what_is_below_it_as_time_goes_on(trends: Trends):
    trends.go("?range=15m")
    page, data = trends.page, trends.data()
    tip, other = '[data-chart="power"] .trend-tip', '[data-chart="cpu"] .trend-said'
    trends.point_at("power", (data["from"] + data["to"]) / 2)
    trends.until(lambda: page.text(tip), "no values were shown")
    said = page.text(f"{tip} .time")
    trends.until(lambda: page.text(f"{tip} .time") != said, "the cursor tells of what is gone")
    assert trends.data()["to"] > data["to"]
    assert "mean" not in page.text(other)
    trends.after(lambda: trends.range("6h"))
    trends.until(lambda: "mean" in page.text(other) or page.text(tip), "neither was told")
    trends.point_elsewhere()
    trends.until(lambda: "mean" in page.text(other), "the cursor stayed")


def test_what_is_seen_is_drawn_before_the_rest(trends: Trends):
    trends.go("?range=6h")
    trends.show('[data-chart="pcie"]')
    page = trends.page
    page.until(lambda: len(page.run(_IN_VIEW)) < len(CHARTS), "all charts are in view")
    page.run(
        "(window.order = [], window.react = window.Plotly.react, window.Plotly.react ="
        " (graph, ...rest) => { window.order.push(graph.closest('.trend-card').dataset.chart);"
        " return window.react(graph, ...rest); }, 0)"
    )
    seen = page.run(_IN_VIEW)
    assert "pcie" in seen
    trends.go("?range=24h")
    order = page.run("(window.Plotly.react = window.react, window.order)")
    assert set(order[: len(seen)]) == set(seen)
    assert set(order) == set(CHARTS)


def test_a_kind_of_line_is_hidden_and_stays_so(trends: Trends):
    trends.go("?range=15m&charts=network")
    page, data = trends.page, trends.data()
    drawn = "document.querySelector('[data-chart=network] .scatterlayer')" + (
        ".querySelectorAll('.js-line').length"
    )
    before = page.run(drawn)
    trends.click('[data-chart="network"] [data-trend-part="0"]')
    trends.until(lambda: page.run(drawn) < before, "the line is still there")
    assert page.text('[data-chart="network"] .trend-said').startswith("sent mean ")
    fewer = page.run(drawn)
    trends.until(lambda: trends.data()["to"] > data["to"], "nothing was appended")
    assert page.run(drawn) == fewer
    trends.click('[data-chart="network"] [data-trend-part="0"]')
    trends.until(lambda: page.run(drawn) == before, "the line did not come back")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_cards_stand_in_aligned_rows_within_the_window(trends: Trends, theme: str):
    trends.go(f"?theme={theme}")
    page = trends.page
    for width, height in SIZES:
        page.resize(width, height)
        page.until(
            lambda width=width: page.run("document.documentElement.scrollWidth") == width,
            f"wider than {width}",
        )
        cards = page.boxes(".trend-card")
        assert len(cards) == len(CHARTS)
        columns = 1 if width < 760 else 2
        assert len({card["left"] for card in cards}) == columns
        for row in range(0, len(cards), columns):
            pair = cards[row : row + columns]
            assert len({(card["top"], card["bottom"]) for card in pair}) == 1, (width, row)
        for card, plot in zip(cards, page.boxes(".trend-plot"), strict=True):
            assert _within(plot, card), width
        # plotly.js hears of it from an observer.
        page.until(
            lambda: all(
                abs(svg["width"] - plot["width"]) < 1
                for svg, plot in zip(
                    page.boxes(".trend-plot .main-svg:first-child"),
                    page.boxes(".trend-plot"),
                    strict=True,
                )
            ),
            f"charts do not fill their cards at {width}",
        )


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_popovers_stay_within_the_window(trends: Trends, width: int, height: int):
    trends.go()
    trends.page.resize(width, height)
    page = trends.page
    for name in POPOVERS:
        trends.open_popover(name)
        page.until(
            lambda: _within(
                page.boxes(".popover")[0],
                {"left": 0, "top": 0, "right": width, "bottom": height},
            ),
            f"{name} leaves the window: {page.boxes('.popover')}",
        )
        trends.close_popover()


def test_a_span_is_chosen_by_hand(trends: Trends, known: Recorded):
    trends.go()
    page = trends.page
    trends.open_popover("from-to")
    start, end = known.spike - 2 * MINUTE, known.spike + 2 * MINUTE
    days, clocks = zip(*(_day_and_clock(page, at) for at in (start, end)), strict=True)
    page.run(
        "window.dash_clientside.set_props('trend-dates',"
        " {start_date: arguments[0], end_date: arguments[1]})",
        *days,
    )
    for name, clock in zip(("from", "to"), clocks, strict=True):
        page.run(
            "(e => { Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')"
            ".set.call(e, arguments[1]); e.dispatchEvent(new Event('input', {bubbles: true}));"
            " e.dispatchEvent(new Event('change', {bubbles: true})); })"
            "(document.getElementById(`trend-${arguments[0]}-time`))",
            name,
            clock,
        )
    trends.after(lambda: page.chrome.find_element(By.ID, "trend-apply").click())
    assert trends.address() == {"from": _iso(start), "to": _iso(end)}
    assert trends.highest("power")[1] == NEW_WATTS


def test_a_fresh_folder_of_a_machine_without_a_gpu(tmp_path: Path, page: Page):
    app = App(tmp_path / "data", "--gpu-source", "none")
    try:
        trends = Trends(page, app.url).open()
        machine = trends.visible()
        assert machine == ["cpu", "ram", "load", "pressure", "disk", "network"]
        assert "recording began" in page.text(".trend-span")
        assert page.text(".trend-gpus") == ""
        assert trends.notice() == ""
        trends.go("?range=15m")
        # New points are drawn where they are seen.
        trends.show('[data-chart="ram"]')
        trends.until(lambda: {"cpu", "ram", "load"} <= set(trends.drawn()), "nothing is drawn")
        now = trends.data()["to"]
        trends.go(f"?from={_iso(now - 9_000_000)}&to={_iso(now - 7_200_000)}")
        for chart in machine:
            words = page.text(f'[data-chart="{chart}"] .trend-empty')
            assert words.startswith("Recording began ")
            assert words.endswith("; nothing before")
        trends.open_popover("export")
        assert len(page.boxes('[data-export="host"]')) == 3
        assert page.boxes('[data-export="gpu"]') == []
        assert page.complaints() == []
    finally:
        app.stop()


def test_the_past_is_drawn_where_no_reading_comes(tmp_path: Path, page: Page):
    known = Recorded(tmp_path, round(time.time() * 1000))
    (known.folder / "live.db").unlink()
    app = App(known.folder, "--no-record")
    try:
        trends = Trends(page, app.url)
        page.chrome.get(app.url + "?range=24h&mode=compare")
        trends.until(lambda: {"cpu", "ram"} <= set(trends.drawn()), "the past is not drawn")
        assert page.value("host.cpu_percent") is None
    finally:
        app.stop()


def _everything(trends: Trends) -> dict[str, Any]:
    told = {key: value for key, value in trends.data().items() if key != "asked"}
    return {**told, **{chart: trends.lines(chart) for chart in CHARTS}}


def _told(answer: dict[str, Any], column: str, device: str) -> dict[int, list[float]]:
    """By time in ms, what the API says of a column: the value, or mean, lowest and highest."""
    [line] = [line for line in answer["series"] if line["device"] == device]
    names = [name for name in (column, f"{column}_min", f"{column}_max") if name in line]
    rows = zip(line["time"], zip(*(line[name] for name in names), strict=True), strict=True)
    return {time: list(values) for time, values in rows}


def _at(times: Iterable[int], points: dict[int, Any]) -> dict[int, Any]:
    return {time: points[time] for time in times if time in points}


def _exported(file: Path, column: str, device: str) -> dict[int, float]:
    """By time in ms, a column of one device in a file that was downloaded."""
    if file.suffix == ".json":
        found = _told(json.loads(file.read_text()), column, device)
        return {time: value for time, [value] in found.items()}
    rows = pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)
    rows = rows[rows["device"] == device]
    times = pd.to_datetime(rows["time"], utc=True).dt.as_unit("ms").astype("int64")
    return dict(zip(times.tolist(), rows[column].astype(float).tolist(), strict=True))


def _same(drawn: dict[int, Any], told: dict[int, Any]) -> bool:
    """Whether both have the same times, and the same values but for a float32's precision."""
    return list(drawn) == list(told) and all(
        drawn[time] == pytest.approx(told[time], rel=1e-5, abs=1e-5) for time in told
    )


@contextlib.contextmanager
def _zone(trends: Trends, zone: str) -> Iterator[None]:
    """The browser is in this time zone."""
    command = "Emulation.setTimezoneOverride"
    trends.page.chrome.execute_cdp_cmd(command, {"timezoneId": zone})
    try:
        yield
    finally:
        trends.page.chrome.execute_cdp_cmd(command, {"timezoneId": ""})


def _ticks(trends: Trends, chart: str) -> list[tuple[float, str, str]]:
    """What stands below a chart: the time that it stands at, in ms, its text, and its day."""
    area, data = trends.area(chart), trends.data()
    found = trends.page.run(
        "[...document.querySelectorAll(`[data-chart=${arguments[0]}] .xtick text`)].map(text =>"
        " [(box => (box.left + box.right) / 2)(text.getBoundingClientRect()),"
        " ...text.dataset.unformatted.split('<br>')])",
        chart,
    )
    share = (data["to"] - data["from"]) / area["width"]
    return [
        (data["from"] + (middle - area["left"]) * share, text, "".join(day))
        for middle, text, *day in found
    ]


def _day_and_clock(page: Page, ms: int) -> tuple[str, str]:
    """In the time of this place, as a person types it."""
    at = datetime.fromtimestamp(ms / 1000, UTC) - timedelta(
        minutes=page.run("new Date(arguments[0]).getTimezoneOffset()", ms)
    )
    return at.date().isoformat(), at.time().isoformat("seconds")


def _tick_off(trends: Trends, label: str) -> None:
    path = f"//*[@id='trend-charts']//label[normalize-space()='{label}']"
    trends.page.chrome.find_element(By.XPATH, path).click()


def _iso(ms: float) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00").removesuffix(".000") + "Z"


def _within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return (
        inner["left"] >= outer["left"] - 1
        and inner["right"] <= outer["right"] + 1
        and inner["top"] >= outer["top"] - 1
        and inner["bottom"] <= outer["bottom"] + 1
    )
