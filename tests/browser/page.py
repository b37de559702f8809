"""The page as a person sees it: what to look for, and how long to wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 20.0


class Page:
    """A loaded page in a headless Chromium."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome

    def open(self, url: str) -> Page:
        """Load it and wait until it shows readings."""
        self.chrome.get(url)
        self.until(lambda: self.value("host.cpu_percent") is not None, "no reading was shown")
        return self

    def until(
        self, happens: Callable[[], object], otherwise: str, patience: float = PATIENCE
    ) -> None:
        """Wait for it; `otherwise` says what did not happen, beside what the page says."""
        wait = WebDriverWait(self.chrome, patience, poll_frequency=0.1)
        wait.until(lambda _: happens(), f"{otherwise}; {self.said()}")

    def run(self, script: str, *arguments: object) -> Any:
        return self.chrome.execute_script(f"return ({script})", *arguments)

    def text(self, selector: str) -> str:
        """What stands there; empty where nothing does or it is hidden."""
        return str(
            self.run(
                "(e => e && e.checkVisibility() ? e.innerText.replace(/\\s+/g, ' ').trim() : '')"
                "(document.querySelector(arguments[0]))",
                selector,
            )
        )

    def value(self, metric: str, device: str | None = None) -> float | None:
        """The raw value of a reading's card, None while there is none."""
        at = f'[data-metric="{metric}"]' + (f'[data-device="{device}"]' if device else "")
        raw = self.run(
            "document.querySelector(arguments[0])?.dataset.value", f".panel{at}, main {at}"
        )
        return float(raw) if raw else None

    def connection(self) -> str:
        return self.text("#connection .words")

    def said(self) -> str:
        return f"connection: {self.connection()!r}, banner: {self.text('#banner')!r}"

    def resize(self, width: int, height: int) -> None:
        self.chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def boxes(self, selector: str) -> list[dict[str, float]]:
        """left, top, right, bottom of each visible element."""
        found: list[dict[str, float]] = self.run(
            "[...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
            ".map(e => e.getBoundingClientRect().toJSON())",
            selector,
        )
        return found

    def hosts_asked(self) -> set[str]:
        """Every host that a request went to since the last look."""
        hosts = set()
        for entry in self.chrome.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = urlsplit(message["params"]["request"]["url"])
                if url.scheme in {"http", "https", "ws", "wss"}:
                    hosts.add(str(url.hostname))
        return hosts

    def complaints(self) -> list[str]:
        """SEVERE lines of the console since the last look."""
        return [e["message"] for e in self.chrome.get_log("browser") if e["level"] == "SEVERE"]
