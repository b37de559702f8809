"""Fixtures: `page` in one Chromium, `demo` a running app with eight GPUs, `trends` a known past."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.recorded import Recorded
from tests.browser.trends import Trends

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
)


# The selenium that dash[testing] pins asks urllib3 in a way it has given up.
SELENIUM = pytest.mark.filterwarnings("ignore:HTTPResponse.getheader:DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(SELENIUM)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@contextmanager
def chromium(*flags: str) -> Iterator[Chrome]:
    """A headless Chromium, started with these flags too."""
    options = ChromeOptions()
    for flag in (*_FLAGS, *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = "/usr/bin/chromium"
    service = Service("/usr/bin/chromedriver")
    driver = Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(chrome: Chrome) -> Iterator[Page]:
    """A browser that remembers nothing."""
    page = Page(chrome)
    page.resize(1440, 900)
    page.hosts_asked()
    page.complaints()
    yield page
    chrome.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    chrome.get("about:blank")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("demo") / "data", "--gpu-source", "demo")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Hours that were recorded, whose every reading is known."""
    folder = tmp_path_factory.mktemp("recorded")
    return Recorded(folder, round(time.time() * 1000))


@pytest.fixture(scope="module")
def recorded_app(known: Recorded) -> Iterator[App]:
    app = App(known.folder, "--gpu-source", "demo")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def loaded(recorded_app: App, chrome: Chrome) -> Iterator[Trends]:
    """The page, loaded once."""
    page = Page(chrome)
    page.resize(1440, 900)
    page.hosts_asked()
    page.complaints()
    yield Trends(page, recorded_app.url).open()
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
