"""Signing in, and what the browser is told to refuse: the page works and breaks none of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.trends import Trends

TOKEN = "operator+token/="
# Kept over pages of one tab, so that none is missed on the way.
_WATCH = """document.addEventListener("securitypolicyviolation", (event) => {
  const told = JSON.parse(sessionStorage.getItem("violations") ?? "[]");
  told.push([location.href, event.effectiveDirective, event.blockedURI, event.sourceFile]);
  sessionStorage.setItem("violations", JSON.stringify(told));
});"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("access") / "data"
    app = App(folder, "--gpu-source", "demo", "--token", TOKEN)
    yield app
    app.stop()
    assert TOKEN not in (folder / "log.txt").read_text()


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page whose every violation of a policy is noted."""
    watch = page.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
    yield page
    page.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
    page.chrome.delete_all_cookies()


def violations(page: Page) -> list[object]:
    found: list[object] = page.run("JSON.parse(sessionStorage.getItem('violations') ?? '[]')")
    return found


def bare(app: App) -> str:
    return app.url.partition("?")[0]


def test_the_printed_address_signs_in_and_the_whole_page_keeps_to_its_policy(
    app: App, watched: Page, tmp_path: Path
) -> None:
    page = watched
    page.open(app.url)
    page.until(lambda: page.connection().startswith("Live"), "the socket was not taken")
    assert page.run("location.search").startswith("?gpu=")
    assert TOKEN not in page.run("document.documentElement.outerHTML + document.cookie")
    page.run("document.getElementById('processes').scrollIntoView()")
    page.until(lambda: page.boxes("#processes .ag-row"), "no process was listed")
    trends = Trends(page, bare(app)).open("?range=15m&theme=light")
    assert page.run("document.documentElement.dataset.mode") == "compare"
    end = trends.data()["to"]
    trends.after(lambda: trends.drag("cpu", end - 300_000, end))
    page.chrome.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    trends.open_popover("export")
    page.chrome.find_element(By.CSS_SELECTOR, '[data-export="host"][data-format="csv"]').click()
    trends.until(lambda: list(tmp_path.glob("*.csv")), "no file came")
    trends.close_popover()
    assert violations(page) == []
    assert page.complaints() == []
    # That it would have been noted:
    page.run(
        "(document.body.append(Object.assign(document.createElement('script'), {text: '1'})), 0)"
    )
    page.until(lambda: violations(page), "a script of nobody's was run")
    page.run("sessionStorage.clear()")
    page.complaints()


def test_a_form_signs_in_and_says_what_is_wrong(app: App, watched: Page) -> None:
    page = watched
    page.chrome.get(f"{bare(app)}?mode=compare")
    assert page.text("h1") == "Sign in"
    assert not page.run("'dash_clientside' in window")
    field = page.chrome.find_element(By.NAME, "token")
    assert page.run("document.activeElement.name") == "token"
    field.send_keys("not-this-one\n")
    page.until(lambda: page.text("[role=alert]") == "This token is wrong.", "nothing was said")
    page.chrome.find_element(By.NAME, "token").send_keys(f"{TOKEN}\n")
    page.until(lambda: page.value("host.cpu_percent") is not None, "no reading was shown")
    assert page.run("new URLSearchParams(location.search).get('mode')") == "compare"
    assert violations(page) == []
    page.complaints()


def test_the_api_is_described_from_this_machine_alone(app: App, watched: Page) -> None:
    page = watched
    page.chrome.get(app.url)
    page.hosts_asked()
    page.chrome.get(f"{bare(app)}api/docs")
    page.until(lambda: len(page.boxes(".opblock")) >= 12, "no path was described")
    assert page.hosts_asked() == {"127.0.0.1"}
    assert violations(page) == []
    assert page.complaints() == []


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Elsewhere</title>")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A page of another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_no_other_origin_reads_or_frames_the_page(app: App, watched: Page, elsewhere: str) -> None:
    page = watched
    page.chrome.get(app.url)
    page.chrome.get(elsewhere)
    page.complaints()
    assert page.chrome.title == "Elsewhere"
    told = page.chrome.execute_async_script(
        """const [base, done] = arguments;
        const frame = Object.assign(document.createElement("iframe"), { src: base });
        const socket = new WebSocket(base.replace("http", "ws") + "ws/system-metrics");
        socket.onopen = () => done("opened");
        socket.onclose = () => fetch(base + "api/v1/system/all", { credentials: "include" })
          .then(() => done("read"), () => {
            frame.onload = () => done("refused");
            document.body.append(frame);
          });""",
        bare(app),
    )
    assert told == "refused"
    page.until(
        lambda: any("frame-ancestors" in line for line in page.complaints()), "it is not said"
    )


def test_a_page_whose_cookie_is_void_asks_to_sign_in_again(page: Page, tmp_path: Path) -> None:
    first = App(tmp_path / "data", "--gpu-source", "none", "--token", TOKEN)
    try:
        page.open(first.url)
    finally:
        first.stop()
    port = ("--port", str(first.port))
    second = App(tmp_path / "data", "--gpu-source", "none", "--token", "another-one", *port)
    try:
        page.until(lambda: page.text("h1") == "Sign in", "the page still tries", 60.0)
    finally:
        second.stop()
        page.complaints()
        page.chrome.delete_all_cookies()
