"""Historical trends: what is drawn of recorded hours, how it is shown, and how it is taken away."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.recorded import GPUS, NEW_WATTS, SPIKING, Recorded, watts
from tests.browser.trends import CHARTS, MINUTE, Trends, agree, api_points, iso

SIZES = [(1440, 900), (1920, 1080), (820, 1180), (390, 844)]
POPOVERS = ["from-to", "charts", "export"]
_IN_VIEW = """[...document.querySelectorAll('.trend-card')].filter(card =>
    (box => box.bottom > 0 && box.top < innerHeight)(card.getBoundingClientRect()))
    .map(card => card.dataset.chart)"""


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
    span = f"?from={iso(known.spike - MINUTE)}&to={iso(known.spike + MINUTE)}"
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


def test_the_table_has_the_charts_numbers_and_needs_no_mouse(trends: Trends, known: Recorded):
    trends.go(f"?from={iso(known.spike - MINUTE)}&to={iso(known.spike + MINUTE)}")
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
    span = {"from": iso(known.spike - MINUTE), "to": iso(known.spike + MINUTE)}
    trends.go(f"?from={span['from']}&to={span['to']}")
    page = trends.page
    page.chrome.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    asked = {"start": span["from"], "end": span["to"], "resolution": "1s"}
    told = api_points(trends.api(path, metrics=column, **asked), column, device)
    assert len(told) == 120
    trends.open_popover("export")
    for kind in ("csv", "json", "parquet"):
        save = f'[data-export="{table}"][data-format="{kind}"]'
        page.chrome.find_element(By.CSS_SELECTOR, save).click()
        trends.until(lambda kind=kind: list(tmp_path.glob(f"*.{kind}")), f"no {kind} came")
        assert page.text(".trend-progress").startswith("Saved")
        [file] = tmp_path.glob(f"*.{kind}")
        exported = _exported(file, column, device)
        assert agree(exported, {at: value for at, [value] in told.items()}), kind


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
        trends.go(f"?from={iso(now - 9_000_000)}&to={iso(now - 7_200_000)}")
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


def _exported(file: Path, column: str, device: str) -> dict[int, float]:
    """By time in ms, a column of one device in a file that was downloaded."""
    if file.suffix == ".json":
        found = api_points(json.loads(file.read_text()), column, device)
        return {time: value for time, [value] in found.items()}
    rows = pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)
    rows = rows[rows["device"] == device]
    times = pd.to_datetime(rows["time"], utc=True).dt.as_unit("ms").astype("int64")
    return dict(zip(times.tolist(), rows[column].astype(float).tolist(), strict=True))


def _tick_off(trends: Trends, label: str) -> None:
    path = f"//*[@id='trend-charts']//label[normalize-space()='{label}']"
    trends.page.chrome.find_element(By.XPATH, path).click()


def _within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return (
        inner["left"] >= outer["left"] - 1
        and inner["right"] <= outer["right"] + 1
        and inner["top"] >= outer["top"] - 1
        and inner["bottom"] <= outer["bottom"] + 1
    )
