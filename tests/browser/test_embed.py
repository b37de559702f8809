"""One panel in a frame of another tool's page: what is shown, and who may show it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from monitor.sources.demo import demo_uuid
from tests.browser.app import ROOT, App
from tests.browser.page import Page


class Wiki(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder and the origin of another server's pages."""
    folder = tmp_path_factory.mktemp("wiki")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Wiki, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory, wiki: tuple[Path, str]) -> Iterator[App]:
    """The program, which that origin may frame."""
    app = App(
        tmp_path_factory.mktemp("framed") / "data",
        *("--gpu-source", "demo", "--frame-ancestors", wiki[1]),
    )
    yield app
    app.stop()


def within(page: Page, wiki: tuple[Path, str], source: str) -> Page:
    """A page of the wiki with this in a frame, seen from inside the frame."""
    folder, origin = wiki
    (folder / "index.html").write_text(
        f'<title>Wiki</title><iframe src="{source}" width="480" height="200"></iframe>'
    )
    page.chrome.get(f"{origin}/")
    page.chrome.switch_to.frame(page.chrome.find_element(By.TAG_NAME, "iframe"))
    return page


def seen(page: Page) -> list[str]:
    """The metrics of all readings that can be seen."""
    found: list[str] = page.run(
        "[...document.querySelectorAll('[data-metric]')]"
        ".filter(e => e.checkVisibility()).map(e => e.dataset.metric)"
    )
    return found


def refused(page: Page) -> bool:
    """Whether the browser shows its own page, of which nothing can be told, in the frame."""
    return not page.run("Boolean(document.getElementById('_dash-config'))")


def test_an_allowed_page_shows_one_panel_live(framed: App, wiki, page: Page):
    within(page, wiki, f"{framed.url}embed?panel=power&gpu=5")
    device = demo_uuid(5)
    page.until(lambda: page.value("gpu.power_watts", device) is not None, "no reading was shown")
    assert seen(page) == ["gpu.power_watts"]
    shown = page.run("window.live.snapshot().time")
    page.until(lambda: page.run("window.live.snapshot().time") > shown, "it stood still")
    assert page.run("document.documentElement.scrollHeight <= innerHeight")
    assert page.run("Boolean(window.Plotly)") is False


def test_the_status_strip_and_a_chart_can_be_shown(framed: App, wiki, page: Page):
    within(page, wiki, f"{framed.url}embed?panel=strip&theme=light")
    page.until(lambda: len(seen(page)) > 8, "no strip was shown")
    assert page.run("document.documentElement.dataset.bsTheme") == "light"
    assert page.boxes(".brand") == []
    page.chrome.switch_to.default_content()
    within(page, wiki, f"{framed.url}embed?panel=history-cpu&range=15m")
    line = "document.querySelector('[data-chart=cpu] .scatterlayer .js-line')?.getAttribute('d')"
    page.until(lambda: page.run(f"Boolean({line})"), "no line was drawn")
    assert len(page.boxes(".trend-card")) == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("panel=nonsense", "There is no panel 'nonsense'; there are: strip, "),
        ("panel=history-nonsense", "There is no panel 'history-nonsense'; there are: strip, "),
        ("", "No panel is named; there are: strip, "),
    ],
)
def test_a_slip_is_told_with_what_there_is(framed: App, page: Page, query, said):
    page.chrome.get(f"{framed.url}embed?{query}")
    page.until(lambda: page.text(".embed-unknown").startswith(said), "nothing was said")
    assert "history-power" in page.text(".embed-unknown")
    assert seen(page) == []


def test_the_document_names_every_panel(framed: App, page: Page):
    page.chrome.get(f"{framed.url}embed?panel=nonsense")
    page.until(lambda: page.text(".embed-unknown"), "nothing was said")
    there = page.text(".embed-unknown").partition("there are: ")[2].rstrip(".").split(", ")
    table = (ROOT / "docs/embed.md").read_text().partition("| `panel` |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w-]+)`", table)
    charts = named[named.index("history-power") + 1 :]
    panels = named[: named.index("history-power")]
    assert sorted([*panels, *(f"history-{chart}" for chart in charts)]) == sorted(there)


def test_a_gpu_that_is_not_there_is_told(framed: App, page: Page):
    page.chrome.get(f"{framed.url}embed?panel=power&gpu=55")
    said = "There is no GPU 55; there are: 0, 1, 2, 3, 4, 5, 6, 7."
    page.until(lambda: page.text(".choice-notice") == said, "nothing was said")


def test_only_embed_is_framed_and_only_by_the_origins_named(
    framed: App, demo: App, wiki, page: Page
):
    for source in (framed.url, f"{demo.url}embed?panel=power"):
        within(page, wiki, source)
        page.until(
            lambda: any("frame-ancestors" in said for said in page.complaints()), "it is not said"
        )
        assert refused(page)
        page.chrome.switch_to.default_content()
