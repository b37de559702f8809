"""A person ends a GPU process from the page, after a question that names it."""

from __future__ import annotations

import sys
from pathlib import Path

from selenium.webdriver.common.by import By

from tests import nvml_stub
from tests.browser.app import App
from tests.browser.page import Page
from tests.children import Child, child

__all__ = ["child"]

_ROW = ".process-grid .ag-row"
_DIALOG = "#process-dialog"


def listed(folder: Path, library: Path, child: Child, *options: str) -> App:
    """The program, on a machine whose GPU this process holds memory of."""
    nvml = nvml_stub.Scenario("one_h100", folder / "scenario.txt")
    nvml.set("gpu 0", "compute", f"{child.pid}:{1 << 30}")
    nvml.set("gpu 0", "process_use", "")
    return App(
        folder / "data",
        *("--gpu-source", "nvml", *options),
        environment=nvml.environment(library),
    )


def opened(app: App, page: Page, child: Child) -> Page:
    page.open(app.url)
    page.run("document.getElementById('processes').scrollIntoView()")
    page.until(lambda: str(child.pid) in page.text(_ROW), "the process is not listed")
    return page


def test_a_process_is_named_and_then_ended(tmp_path, nvml_library, page: Page, child):
    app = listed(tmp_path, nvml_library, child, "--allow-signals")
    try:
        opened(app, page, child)
        page.until(lambda: page.boxes(".process-act"), "there is no button")
        page.chrome.find_element(By.CSS_SELECTOR, ".process-act").click()
        page.until(lambda: str(child.pid) in page.text(f"{_DIALOG} h3"), "it is not named")
        assert sys.executable in page.text(f"{_DIALOG} [data-fact=command]")
        # Nothing happens to who looks and leaves.
        page.chrome.find_element(By.CSS_SELECTOR, f"{_DIALOG} [data-close]").click()
        page.until(lambda: not page.boxes(_DIALOG), "the question stayed")
        page.chrome.find_element(By.CSS_SELECTOR, ".process-act").click()
        page.chrome.find_element(By.CSS_SELECTOR, f"{_DIALOG} [data-action=terminate]").click()
        assert child.poll() is None
        confirm = page.chrome.find_element(By.CSS_SELECTOR, f"{_DIALOG} [data-confirm]")
        assert (
            confirm.text == f"Terminate {page.text(f'{_DIALOG} h3').split(' · ')[0]} ({child.pid})"
        )
        confirm.click()
        said = f"SIGTERM was sent to process {child.pid}."
        page.until(
            lambda: page.text(f"{_DIALOG} .process-dialog-answer") == said, "nothing was said"
        )
        assert child.wait(20) == -15
        assert f"Sent: SIGTERM to process {child.pid}" in (app.data / "log.txt").read_text()
        assert page.complaints() == []
    finally:
        app.stop()


def test_there_is_no_button_where_it_is_not_allowed(tmp_path, nvml_library, page: Page, child):
    app = listed(tmp_path, nvml_library, child)
    try:
        opened(app, page, child)
        asked = (
            "performance.getEntriesByType('resource').some(e => e.name.endsWith('/permissions'))"
        )
        page.until(lambda: page.run(asked), "nothing was asked")
        assert page.boxes(".process-act") == []
    finally:
        app.stop()
