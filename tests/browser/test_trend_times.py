"""Historical trends: the span in view, in addresses, by hand, as time goes on, in any time zone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from selenium.webdriver.common.by import By

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.recorded import GPUS, NEW_WATTS, OLD_WATTS, SPIKING, Recorded
from tests.browser.trends import CHARTS, MINUTE, Trends, agree, api_points, iso

RANGES = {"15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "90d": 7_776_000}
# Whether plotly.js has the points that the page has.
_UP_TO_DATE = """((lines, chart, start) => lines.length === chart.values.length
    && lines.every(line => line.x0 === start)
    && lines.every((line, at) => line.y.length === chart.values[at][0].length))
    (document.querySelector(`[data-chart="${arguments[0]}"] .js-plotly-plot`).data
        .filter(trace => trace.mode === 'lines' && !trace.fill),
    window.trends.charts.get(arguments[0]), window.trends.data.start)"""


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


def test_a_span_from_before_the_recording_says_when_it_began(trends: Trends, known: Recorded):
    trends.go("?range=24h")
    assert "recording began" in trends.page.text(".trend-span")
    trends.go(f"?from={iso(known.begin - 9_000_000)}&to={iso(known.begin - 5_400_000)}")
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
    assert trends.address() == {"from": iso(fine["from"]), "to": iso(fine["to"])}
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
        assert agree(trends.points("power", uuid), api_points(answer, "power_watts", uuid))


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
    span = {"start": iso(before["to"] // 1000 * 1000), "end": iso(after["to"] // 1000 * 1000)}
    answer = trends.api("gpu-metrics/history", metrics="power_watts", resolution="1s", **span)
    for device in [uuid for uuid in GPUS if uuid != GPUS[2]]:
        told = api_points(answer, "power_watts", device)
        assert len(told) >= 4
        assert agree(_at(told, trends.points("power", device)), told)
    answer = trends.api("metrics/history", metrics="cpu_percent", resolution="1s", **span)
    told = api_points(answer, "cpu_percent", "host")
    assert agree(_at(told, trends.points("cpu", "host")), told)


def test_pause_and_a_zoom_stand_still_at_absolute_times_and_resume_is_live(
    trends: Trends, recorded_app: App, known: Recorded
):
    trends.go("?range=1h")
    trends.after(lambda: trends.click('[data-trend="pause"]'))
    paused = trends.data()
    assert trends.address() == {"from": iso(paused["from"]), "to": iso(paused["to"])}
    trends.after(lambda: trends.drag("power", known.spike - MINUTE, known.spike + MINUTE))
    zoomed, ticks = trends.data(), recorded_app.ticks()
    assert paused["from"] < zoomed["from"] < zoomed["to"] < paused["to"]
    trends.until(lambda: recorded_app.ticks() >= ticks + 6, "nothing was recorded")
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
    assert trends.address() == {"from": iso(paused["from"]), "to": iso(paused["to"])}
    assert page.run("document.querySelector(arguments[0]).title", pause) == "Go on live"
    trends.after(lambda: trends.click(pause))
    assert trends.address() == {"from": "-30m"}
    trends.after(lambda: trends.range("1h"))
    assert trends.address() == {}
    trends.go("?from=garbage&range=6h")
    assert page.run("document.querySelector('#trend-range input:checked').value") == "6h"
    assert page.run("document.querySelector(arguments[0]).title", pause) == "Pause"
    assert "'garbage' is not a time" in trends.notice()


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


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_axis_and_zoom_are_in_the_time_of_the_place(trends: Trends, known: Recorded, zone: str):
    span = f"?from={iso(known.spike - 40 * MINUTE)}&to={iso(known.spike + 30 * MINUTE)}"
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
        trends.go(f"?from={start}&to={iso(end.timestamp() * 1000)}")
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
    assert trends.address() == {"from": iso(start), "to": iso(end)}
    assert trends.highest("power")[1] == NEW_WATTS


def _everything(trends: Trends) -> dict[str, Any]:
    told = {key: value for key, value in trends.data().items() if key != "asked"}
    return {**told, **{chart: trends.lines(chart) for chart in CHARTS}}


def _at(times: Iterable[int], points: dict[int, Any]) -> dict[int, Any]:
    return {time: points[time] for time in times if time in points}


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
