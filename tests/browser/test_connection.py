"""What the page does when the wire to its server is cut, goes silent, or is mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from tests.browser.app import App
from tests.browser.page import Page
from tests.browser.wire import Wire

# The page's clock, `window.hurry` times as fast from now on: long pauses pass quickly.
_HURRY = (
    "(() => { const real = performance.now.bind(performance); let last = real(), shown = last;"
    " window.hurry = 10;"
    " performance.now = () => { const at = real(); shown += (at - last) * window.hurry;"
    " last = at; return shown; }; })()"
)


@pytest.fixture
def wire(demo: App) -> Iterator[Wire]:
    wire = Wire(demo.port)
    yield wire
    wire.close()


@pytest.fixture
def live(wire: Wire, page: Page) -> Page:
    """A page that is fed over the socket."""
    page.open(f"http://127.0.0.1:{wire.port}/")
    page.until(lambda: page.connection() == "Live · 1 s", "never live")
    return page


@pytest.mark.parametrize("trouble", ["sockets cut", "sockets silent"])
def test_polling_takes_over_from_the_socket_and_gives_back(wire: Wire, live: Page, trouble):
    wire.become(trouble)
    live.until(lambda: live.connection() == "Polling · 1 s", "polling never took over")
    _goes_on(live)
    live.until(lambda: live.connection() == "Polling · 1 s", "it does not poll each second")
    live.until(lambda: live.text("#banner") == "", "it is called a trouble")
    wire.become("whole")
    live.until(lambda: live.connection() == "Live · 1 s", "the socket was never used again", 40)
    _goes_on(live)


def test_a_page_that_has_come_is_sent_the_two_minutes_once_more(live: Page):
    live.run(
        "(show => { window.backlogs = new Set(); window.dash_clientside.live.show ="
        " (fresh, backlog, ...rest) => { if (backlog) window.backlogs.add(backlog.end);"
        " return show(fresh, backlog, ...rest); }; })(window.dash_clientside.live.show)"
    )
    # What it missed while it was busy with its start is told when it no longer is.
    live.until(lambda: live.run("window.backlogs.size") == 2, "it was not sent again", 40)


def test_a_person_says_how_often_to_ask(wire: Wire, live: Page):
    live.chrome.find_element(By.ID, "settings-button").click()
    live.until(lambda: live.text("#poll-seconds"), "no settings were shown")
    assert live.text("#poll-seconds") == "0.5 s 1 s 2 s 5 s"
    live.chrome.find_element(By.XPATH, "//*[@id='poll-seconds']//label[.='2 s']").click()
    wire.become("sockets cut")
    live.until(lambda: live.connection() == "Polling · 2 s", "the setting was not taken up")
    _goes_on(live)


def test_five_failures_in_a_row_stop_the_page_until_it_is_told_to_resume(wire: Wire, live: Page):
    live.run(_HURRY)
    wire.become("all cut")
    live.until(lambda: live.text("#banner .kind") == "Connection", "nothing was said")
    assert live.connection() == "Offline"
    live.until(lambda: live.text("#resume") == "Resume", "it never stopped", 40)
    assert "five times in a row" in live.text("#banner")
    # Nothing comes by itself: a socket would resume before the click.
    wire.become("sockets cut")
    live.run("window.hurry = 1")
    live.chrome.find_element(By.ID, "resume").click()
    live.until(lambda: live.text("#resume") == "", "the button stayed")
    _goes_on(live)


def test_a_hidden_tab_is_sent_nothing(demo: App, wire: Wire, live: Page):
    _hide(live, True)
    seen = [wire.socket_bytes, demo.ticks()]

    def quiet_for_three_ticks() -> bool:
        ticks = demo.ticks()
        if wire.socket_bytes - seen[0] > 500:
            seen[:] = [wire.socket_bytes, ticks]
        return ticks - seen[1] >= 3

    live.until(quiet_for_three_ticks, "it was still sent readings", 10)
    _hide(live, False)
    _goes_on(live)
    live.until(lambda: live.connection() == "Live · 1 s", "not live again")


def test_the_page_works_below_a_prefix_behind_a_proxy(tmp_path_factory, page: Page):
    app = App(
        tmp_path_factory.mktemp("prefix") / "data",
        *("--gpu-source", "demo", "--url-prefix", "/monitor/"),
    )
    proxy = Wire(app.port, prefix="/monitor/")
    try:
        page.open(f"http://127.0.0.1:{proxy.port}/monitor/")
        page.until(lambda: page.connection() == "Live · 1 s", "never live")
        assert page.complaints() == []
        proxy.become("sockets cut")
        page.until(lambda: page.connection() == "Polling · 1 s", "polling never took over")
        _goes_on(page)
    finally:
        proxy.close()
        app.stop()


def _goes_on(page: Page) -> None:
    """Two newer ticks are shown."""
    shown = page.run("window.live.snapshot().time")
    page.until(lambda: page.run("window.live.snapshot().time") >= shown + 2000, "it stood still")


def _hide(page: Page, hidden: bool) -> None:
    page.run(
        "Object.defineProperty(document, 'hidden', {get: () => arguments[0], configurable: true})"
        " && document.dispatchEvent(new Event('visibilitychange'))".replace(
            "arguments[0]", "true" if hidden else "false"
        )
    )
