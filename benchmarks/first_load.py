"""The page through nginx, compressed: from the address until live values are shown, in Chromium.

Cold is a browser that has nothing, warm one that has loaded the page before; each five times, the
median. Live values are shown when a card of the host and one of a GPU have theirs. Run
`python -m benchmarks.first_load`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from statistics import median
from typing import Any

from selenium import webdriver

from benchmarks.figures import Figure, machine_speed, table
from benchmarks.nginx_front import command, nginx
from benchmarks.page import chromium
from benchmarks.processes import serving, wait_for

_TIMES = 5
# Notes the moment in the page's own clock, which begins with its address.
_WATCH = """
(() => {
  const shown = (metric) =>
    document.querySelector(`main [data-metric="${metric}"]`)?.dataset.value;
  const look = () => {
    if (shown("host.cpu_percent") && shown("gpu.utilization_percent")) {
      window.liveAfter = performance.now();
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})();
"""


def first_load() -> list[Figure]:
    """Every figure; not measured without Chromium and nginx."""
    if shutil.which("chromedriver") is None or command() is None:
        print("Chromium's driver or nginx is missing.", file=sys.stderr)
        cold = warm = None
        weight = again = None
    else:
        with serving() as served, nginx(served.port) as port, chromium() as chrome:
            chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
            address = f"http://127.0.0.1:{port}/"
            _load(chrome, address)  # the program's own first time
            colds = [_load(chrome, address, cold=True) for _ in range(_TIMES)]
            warms = [_load(chrome, address) for _ in range(_TIMES)]
        cold, weight = (median(column) for column in zip(*colds, strict=True))
        warm, again = (median(column) for column in zip(*warms, strict=True))
    return [
        Figure("first load through nginx, cold: live values", 1500, cold, "ms"),
        Figure("first load through nginx, cold: on the wire", 2.5, weight, "MB"),
        Figure("the same, warm: live values", 600, warm, "ms"),
        Figure("the same, warm: on the wire", 2.5, again, "MB"),
    ]


def _load(chrome: webdriver.Chrome, address: str, *, cold: bool = False) -> tuple[float, float]:
    """Milliseconds until values are live, and MB that came until then."""
    chrome.get("about:blank")
    if cold:
        chrome.execute_cdp_cmd("Network.clearBrowserCache", {})
        chrome.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": address.rstrip("/"), "storageTypes": "all"}
        )
    chrome.get_log("performance")
    chrome.get(address)
    taken = wait_for(lambda: chrome.execute_script("return window.liveAfter"), 60)
    return float(taken), _megabytes(chrome)


def _megabytes(chrome: webdriver.Chrome) -> float:
    events: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")
    ]
    return (
        sum(
            event["params"]["encodedDataLength"]
            for event in events
            if event["method"] == "Network.loadingFinished"
        )
        / 1e6
    )


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    figures = first_load()
    print(machine_speed(), file=sys.stderr)
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
