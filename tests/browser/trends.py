"""The section "Historical trends" as a person uses it: clicks, drags, the address, what is drawn.

`open` loads the page, `go` changes the address of the one that is there. Both compare all GPUs
unless the query names a GPU or a mode; `address` is without those two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By

from tests.browser.page import Page

MINUTE = 60_000
CHARTS = (
    *("cpu", "gpu", "ram", "gpu-memory", "load", "temperature", "pressure", "power"),
    *("disk", "clock", "network", "pcie"),
)
_OTHERS = {"gpu", "mode", "theme"}
_READY = """(section => section && section.dataset.state === 'ready'
    && section.dataset.drawn === String(window.trends.view().number))
    (document.getElementById('trends'))"""
_DATA = "(({charts, ...rest}) => rest)(window.trends.data)"
_LINES = (
    "(chart => chart.lines.map((line, at) => ({...line, values: chart.values[at]"
    ".map(kind => [...kind])})))(window.trends.charts.get(arguments[0]))"
)
# What plotly.js was given, all lines and bands: [time, value] of the highest point.
_HIGHEST = """(graph => graph.data.flatMap(trace => [...trace.y]
    .map((y, at) => [trace.x ? trace.x[at] : trace.x0 + at * trace.dx, y]))
    .filter(([, y]) => y !== null && y === y)
    .reduce((one, other) => other[1] > one[1] ? other : one, [null, -Infinity]))
    (document.querySelector(`[data-chart="${arguments[0]}"] .js-plotly-plot`))"""


class Trends:
    """The section on a page of the app at `url`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, query: str = "") -> Trends:
        """The page at this address, once its charts are drawn."""
        self.page.open(self.url + _comparing(query))
        return self.ready()

    def ready(self) -> Trends:
        """The page that is there, once its charts are drawn."""
        self.until(lambda: self.page.run(_READY), "no chart was drawn")
        return self

    def go(self, query: str = "?theme=dark") -> Trends:
        """The same page at another address, as after "back" or "forward"."""
        self.after(
            lambda: self.page.run(
                "(history.pushState(null, '', arguments[0]),"
                " window.dispatchEvent(new PopStateEvent('popstate')), 0)",
                self.url + _comparing(query),
            )
        )
        return self

    def until(self, happens: Callable[[], object], otherwise: str) -> None:
        self.page.until(happens, f"{otherwise}; notice: {self.notice()!r}")

    def after(self, act: Callable[[], object]) -> None:
        """Do it, and return when the charts of the view that it leads to are drawn."""
        before = self.view()["number"]
        act()
        self.until(lambda: self.view()["number"] > before, "nothing was asked for")
        self.until(lambda: self.page.run(_READY), "the charts were not drawn anew")

    def view(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.run("window.trends.view()")
        return found

    def data(self) -> dict[str, Any]:
        """What the charts were drawn from, without the points."""
        found: dict[str, Any] = self.page.run(_DATA)
        return found

    def lines(self, chart: str) -> list[dict[str, Any]]:
        """Of each line: label, device, column, and `values`: means, lowest, highest as drawn."""
        found: list[dict[str, Any]] = self.page.run(_LINES, chart)
        return found

    def points(self, chart: str, device: str) -> dict[int, list[float | None]]:
        """By time, mean (and lowest and highest) of one line, where there is any."""
        # In one look: points are added meanwhile.
        data, lines = self.page.run(f"[{_DATA}, {_LINES}]", chart)
        [line] = [line for line in lines if line["device"] == device]
        times = [data["start"] + at * data["step"] for at in range(data["count"])]
        rows = zip(times, zip(*line["values"], strict=True), strict=True)
        return {time: list(kinds) for time, kinds in rows if kinds[0] is not None}

    def highest(self, chart: str) -> tuple[int, float]:
        """Time (of this place) and value of the highest point in what plotly.js draws."""
        time, value = self.page.run(_HIGHEST, chart)
        return time, value

    def drawn(self) -> list[str]:
        """Names of the charts that have a line."""
        found: list[str] = self.page.run(
            "[...document.querySelectorAll('.trend-card')].filter(card => card.checkVisibility()"
            " && card.querySelector('.scatterlayer .js-line')?.getAttribute('d'))"
            ".map(card => card.dataset.chart)"
        )
        return found

    def visible(self) -> list[str]:
        found: list[str] = self.page.run(
            "[...document.querySelectorAll('.trend-card')].filter(card => card.checkVisibility())"
            ".map(card => card.dataset.chart)"
        )
        return found

    def address(self) -> dict[str, str]:
        """Span, GPUs and charts, as the address has them."""
        asked = dict(parse_qsl(urlsplit(self.page.chrome.current_url).query))
        return {name: value for name, value in asked.items() if name not in _OTHERS}

    def theme(self) -> str | None:
        """The theme that the address has."""
        return dict(parse_qsl(urlsplit(self.page.chrome.current_url).query)).get("theme")

    def notice(self) -> str:
        return self.page.text(".trend-notice")

    def api(self, path: str, **asked: object) -> Any:
        """The API's answer."""
        with urlopen(f"{self.url}api/v1/system/{path}?{urlencode(asked, doseq=True)}") as answer:
            return json.load(answer)

    # ---- a person's hands

    def click(self, selector: str) -> None:
        self.show(selector)
        self.page.chrome.find_element(By.CSS_SELECTOR, selector).click()

    def open_popover(self, name: str) -> None:
        self.click(f"#trend-{name}-button")
        self.until(lambda: self.page.boxes(".popover.show"), f"{name} was not opened")

    def close_popover(self) -> None:
        """Nothing, where none is open."""
        if self.page.boxes(".popover"):
            self.page.chrome.find_element(By.CSS_SELECTOR, ".trend-head h2").click()
            self.until(lambda: not self.page.boxes(".popover"), "a popover was not closed")

    def range(self, name: str) -> None:
        self.show("#trend-controls")
        label = f"//*[@id='trend-range']//label[normalize-space()='{name}']"
        self.page.chrome.find_element(By.XPATH, label).click()

    def show(self, selector: str) -> None:
        self.page.run(
            "document.querySelector(arguments[0])"
            ".scrollIntoView({behavior: 'instant', block: 'center'})",
            selector,
        )

    def area(self, chart: str) -> Mapping[str, float]:
        """Where a chart is drawn, once it is in view."""
        self.show(f'[data-chart="{chart}"]')
        [box] = self.page.boxes(f'[data-chart="{chart}"] .nsewdrag')
        return box

    def drag(self, chart: str, start: float, end: float) -> None:
        """From one time to another, in ms since 1970."""
        left, right = self._place(chart, start), self._place(chart, end)
        self._mouse("mouseMoved", left)
        self._mouse("mousePressed", left, clickCount=1)
        for step in range(1, 6):
            between = (left[0] + (right[0] - left[0]) * step / 5, left[1])
            self._mouse("mouseMoved", between, buttons=1)
        self._mouse("mouseReleased", right, clickCount=1)

    def double_click(self, chart: str) -> None:
        data = self.data()
        left, top = self._place(chart, (data["from"] + data["to"]) / 2)
        # One command for both clicks: plotly.js takes two that are 0.3 s apart for single ones.
        hands = ActionBuilder(self.page.chrome, duration=0)
        hands.pointer_action.move_to_location(int(left), int(top)).double_click()
        hands.perform()

    def point_at(self, chart: str, time: float) -> None:
        self._mouse("mouseMoved", self._place(chart, time))

    def point_elsewhere(self) -> None:
        self._mouse("mouseMoved", (2, 2))

    def _place(self, chart: str, time: float) -> tuple[float, float]:
        box, data = self.area(chart), self.data()
        share = (time - data["from"]) / (data["to"] - data["from"])
        return box["left"] + share * box["width"], (box["top"] + box["bottom"]) / 2

    def _mouse(self, kind: str, place: Sequence[float], **more: object) -> None:
        button = "none" if kind == "mouseMoved" and not more else "left"
        self.page.chrome.execute_cdp_cmd(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": place[0], "y": place[1], "button": button, **more},
        )


def api_points(answer: dict[str, Any], column: str, device: str) -> dict[int, list[float]]:
    """By time in ms, what the API says of a column: the value, or mean, lowest and highest."""
    [line] = [line for line in answer["series"] if line["device"] == device]
    names = [name for name in (column, f"{column}_min", f"{column}_max") if name in line]
    rows = zip(line["time"], zip(*(line[name] for name in names), strict=True), strict=True)
    return {time: list(values) for time, values in rows}


def agree(drawn: dict[int, Any], told: dict[int, Any]) -> bool:
    """Whether both have the same times, and the same values but for a float32's precision."""
    return list(drawn) == list(told) and all(
        drawn[time] == pytest.approx(told[time], rel=1e-5, abs=1e-5) for time in told
    )


def iso(ms: float) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00").removesuffix(".000") + "Z"


def _comparing(query: str) -> str:
    if "gpu=" in query or "mode=" in query:
        return query
    return f"{query}{'&' if query else '?'}mode=compare"
