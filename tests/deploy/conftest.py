"""Fixtures: `site`, three workers behind nginx and a page of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.browser.conftest import SELENIUM, chromium
from tests.browser.page import Page
from tests.deploy.proxy import PREFIX, Proxy
from tests.deploy.workers import PATIENCE, Workers

# Notes what has come when the first reading is shown.
_NOTE_BYTES = """new MutationObserver((_, observer) => {
  if (!document.querySelector('.panel[data-metric="host.cpu_percent"]')?.dataset.value) return;
  window.bytesBeforeReadings = performance.getEntries()
      .reduce((sum, entry) => sum + (entry.transferSize || 0), 0);
  observer.disconnect();
}).observe(document, { subtree: true, attributes: true });"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(SELENIUM)


@dataclass(frozen=True)
class Site:
    """What an administrator has running."""

    workers: Workers
    proxy: Proxy


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the site records; empty, where a module has none of its own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    workers = Workers(folder, data, url_prefix=PREFIX).until_listening()
    proxy = Proxy(folder, workers.socket)
    yield Site(workers, proxy)
    proxy.stop()
    workers.stop()


@pytest.fixture(scope="module")
def chrome(site: Site) -> Iterator[Chrome]:
    """A Chromium that trusts the certificate."""
    with chromium(f"--ignore-certificate-errors-spki-list={site.proxy.fingerprint()}") as driver:
        yield driver


@pytest.fixture(scope="module")
def live(site: Site, chrome: Chrome) -> Page:
    """The page, loaded once, fed over its socket."""
    chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _NOTE_BYTES})
    page = Page(chrome)
    page.resize(1440, 900)
    open_live(page, site.proxy.url)
    return page


def open_live(page: Page, url: str) -> None:
    """Load it and wait until readings come over the socket."""
    page.chrome.get(url)
    page.until(lambda: page.connection() == "Live · 1 s", "never live", PATIENCE)
    page.until(lambda: page.value("host.cpu_percent") is not None, "no reading", PATIENCE)


def goes_on(page: Page, ticks: int = 2) -> None:
    """Wait until so many newer ticks have come over the socket."""
    shown = page.run("window.live.snapshot().time")
    page.until(
        lambda: (
            page.run("window.live.snapshot().time") >= shown + 1000 * ticks
            and page.run("window.live.snapshot().via ?? 'socket'") == "socket"
        ),
        "no newer reading over the socket",
        PATIENCE,
    )
