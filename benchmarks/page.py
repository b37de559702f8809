"""The page in headless Chromium: how fast a click on a range is painted, what an hour costs.

Eight simulated GPUs over a year of history. Run `python -m benchmarks.page`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from selenium import webdriver

from benchmarks.figures import Figure, table
from benchmarks.history_data import DAY_MS, TIERS_TEXT, write_history
from benchmarks.processes import GPUS, free_port, running, wait_for
from monitor.sources.demo import demo_uuid
from monitor.storage.locations import host_name

_CLICKS = 12
# An hour of appends, one each five seconds.
_APPENDS = 720
_UPDATE = "_dash-update-component"

# Clicks a range, and answers with the ms until the last chart has been painted.
_CLICK = """
const [range, done] = arguments;
const before = window.trends.view().number;
const began = performance.now();
[...document.querySelectorAll("#trend-range label")].find((l) => l.textContent === range).click();
const look = setInterval(() => {
  if (Number(document.getElementById("trends").dataset.drawn) <= before) return;
  clearInterval(look);
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
}, 2);
"""
# Lets the charts ask for newer points as fast as they are answered; counts, and notes long tasks.
_HURRY = """
window.appended = 0;
window.longest = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  window.longest = Math.max(window.longest, entry.duration);
})).observe({ type: "longtask" });
const draw = window.dash_clientside.trends.draw;
window.dash_clientside.trends.draw = (...inputs) => {
  const drawn = draw(...inputs);
  window.appended += 1;
  return drawn;
};
window.dash_clientside.set_props("trends-tick", { interval: 100 });
"""


def page() -> list[Figure]:
    """Every figure of the page."""
    with _app() as address, chromium() as chrome:
        chrome.get(f"{address}?mode=compare")
        wait_for(lambda: chrome.execute_script("return Boolean(window.trends?.data)"))
        clicks = _clicks(chrome)
        compressed = _sizes(chrome)
        heap, longest, appends = _an_hour(chrome)
    return [
        Figure("click on 24 h until the last chart is painted", 500, median(clicks), "ms"),
        Figure("the data of that click, compressed", 400, max(compressed) / 1000, "kB"),
        Figure("an append to all charts", 6, max(appends, default=0) / 1000, "kB"),
        Figure("JS heap after an hour of appends, beside before", 1.1, heap, "times"),
        Figure("longest task in that hour", 100, longest, "ms"),
    ]


@contextlib.contextmanager
def _app() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        end = int(time.time() * 1000) // DAY_MS * DAY_MS
        names = [demo_uuid(index) for index in range(GPUS)]
        write_history(Path(folder), end, host=host_name(), names=names)
        port = free_port()
        options = ["--data", folder, "--port", str(port), "--gpu-source", "demo"]
        with running(["app.py", *options, "--tiers", TIERS_TEXT], dict(os.environ)):
            wait_for(lambda: _answers(port))
            yield f"http://127.0.0.1:{port}/"


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/system/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A headless browser that logs what it sends and gets."""
    options = webdriver.ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1440,900"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    chrome = webdriver.Chrome(options=options)
    chrome.set_script_timeout(60)
    try:
        yield chrome
    finally:
        chrome.quit()


def _clicks(chrome: webdriver.Chrome) -> list[float]:
    """Milliseconds of each click on 24 h; between them the page shows six hours."""
    found = []
    for _ in range(_CLICKS):
        chrome.execute_async_script(_CLICK, "6h")
        chrome.get_log("performance")
        found.append(chrome.execute_async_script(_CLICK, "24h"))
    return found


def _sizes(chrome: webdriver.Chrome) -> list[int]:
    """Bytes on the wire of each answer to the page since the last look."""
    events = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    asked = {
        event["params"]["requestId"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
        and _UPDATE in event["params"]["request"]["url"]
    }
    return [
        int(event["params"]["encodedDataLength"])
        for event in events
        if event["method"] == "Network.loadingFinished" and event["params"]["requestId"] in asked
    ]


def _an_hour(chrome: webdriver.Chrome) -> tuple[float, float, list[int]]:
    """Heap after an hour of appends beside that before, the longest task in ms, bytes of each."""
    chrome.execute_script(_HURRY)
    _wait(chrome, 60)
    before = _heap(chrome)
    chrome.execute_script("window.longest = 0")
    chrome.get_log("performance")
    _wait(chrome, 60 + _APPENDS)
    sizes = _sizes(chrome)
    return _heap(chrome) / before, chrome.execute_script("return window.longest"), sizes


def _wait(chrome: webdriver.Chrome, appends: int) -> None:
    wait_for(lambda: chrome.execute_script("return window.appended") >= appends, 400)


def _heap(chrome: webdriver.Chrome) -> float:
    chrome.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    used: Any = chrome.execute_cdp_cmd("Runtime.getHeapUsage", {})
    return float(used["usedSize"])


if __name__ == "__main__":
    measured = page()
    print(table(measured))
    sys.exit(0 if all(figure.reached for figure in measured) else 1)
