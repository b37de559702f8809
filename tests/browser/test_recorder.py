"""What the page says when the recorder stops or dies, and that it goes on afterwards."""

from __future__ import annotations

import re
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.browser.app import App
from tests.browser.page import Page


def test_a_recorder_that_hangs_is_named_with_the_age_of_the_newest_reading(demo: App, page: Page):
    page.open(demo.url)
    page.until(lambda: page.connection() == "Live · 1 s", "never live")
    demo.signal_recorder(SIGSTOP)
    try:
        page.until(lambda: page.text("#banner .kind") == "Recorder", "nothing was said")
        # An answer that takes long is another trouble for as long.
        page.until(lambda: re.fullmatch(r"No reading for \d+ s", page.connection()), "not named")
        page.until(lambda: page.run("document.body.dataset.stale") == "true", "not stale")
        assert page.text("#banner .words").startswith("No reading for ")
    finally:
        demo.signal_recorder(SIGCONT)
    page.until(lambda: page.connection() == "Live · 1 s", "it did not go on")
    page.until(lambda: page.text("#banner") == "", "the banner stayed")
    page.until(lambda: page.run("document.body.dataset.stale") == "false", "still stale")


def test_a_recorder_that_is_killed_is_replaced_and_the_page_says_so(demo: App, page: Page):
    page.open(demo.url)
    killed = demo.recorder_pid()
    demo.signal_recorder(SIGKILL)
    page.until(lambda: f"pid {killed}" in page.text("#banner"), "nothing was said")
    assert page.text("#banner .kind") == "Recorder"
    assert demo.recorder_pid() != killed
    page.until(lambda: page.connection() == "Live · 1 s", "it did not go on")
    shown = page.run("window.live.snapshot().time")
    page.until(lambda: page.run("window.live.snapshot().time") > shown, "it stood still")
