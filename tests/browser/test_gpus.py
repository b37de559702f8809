"""Machines with no GPU, with one, and with one that falls off the bus while it is watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import nvml_stub
from tests.browser.app import App
from tests.browser.page import Page


def test_a_machine_without_a_gpu_is_told_why_and_what_to_do(tmp_path: Path, page: Page):
    app = App(tmp_path / "data", "--gpu-source", "none")
    try:
        page.open(app.url)
        page.until(lambda: page.text(".no-gpu h3") == "No NVIDIA GPU found", "no card says so")
        assert "--gpu-source none" in page.text(".no-gpu")
        assert "--gpu-source auto" in page.text(".no-gpu .advice")
        assert page.text(".selector") == ""
        assert page.text(".strip").startswith("CPU ")
        [system], [gpu] = page.boxes("#system-column"), page.boxes(".no-gpu")
        assert (gpu["top"], gpu["bottom"]) == (system["top"], system["bottom"])
        for width, height in ((1440, 900), (390, 844)):
            page.resize(width, height)
            assert page.run("document.documentElement.scrollWidth") <= width
        assert page.complaints() == []
    finally:
        app.stop()


@pytest.fixture
def laptop(tmp_path: Path) -> nvml_stub.Scenario:
    if nvml_stub.compiler() is None:
        pytest.skip(nvml_stub.NO_COMPILER)
    return nvml_stub.Scenario("laptop", tmp_path / "scenario.txt")


def test_one_gpu_is_told_in_words_and_when_lost_keeps_its_name(
    laptop: nvml_stub.Scenario, tmp_path: Path, nvml_library: Path, page: Page
):
    app = App(
        tmp_path / "data",
        *("--gpu-source", "nvml"),
        environment=laptop.environment(nvml_library),
    )
    try:
        page.open(f"{app.url}?mode=compare")
        why = "There is one GPU, so there is nothing to compare."
        page.until(lambda: page.text("#choice-notice") == why, "nothing was told")
        assert page.run("document.documentElement.dataset.mode") == "single"
        assert page.run("document.getElementById('mode-place').title") == why
        toggle = "[...document.querySelectorAll('#mode-toggle input')]"
        assert page.run(f"{toggle}.every(e => e.disabled) && {toggle}.length") == 2
        page.until(lambda: page.value("gpu.temperature_celsius") == 48, "no GPU was shown")
        words = page.text(".strip")
        for word in ("CPU", "RAM", "GPU 7 %", "VRAM 1.0/8.0 GiB", "Temp 48 °C"):
            assert word in words
        assert page.run("document.querySelectorAll('.word > .bi').length") == 5
        assert page.text(".selector") == ""
        laptop.set("gpu 0", "state", "!GPU_IS_LOST")
        page.until(lambda: page.text("#banner .kind") == "GPU", "nothing was said")
        temperature = '.panel[data-metric="gpu.temperature_celsius"]'
        page.until(lambda: page.text(f"{temperature} .digits") == "N/A", "an old reading is shown")
        assert page.value("gpu.temperature_celsius") is None
        assert page.text(f"{temperature} .badge-state") == "lost"
        assert "off the bus" in page.text(f"{temperature} .caption")
        assert "RTX 4060" in page.text(".panel.device")
        assert page.text(".gpu-status").startswith("lost: ")
        laptop.set("gpu 0", "state", "OK")
    finally:
        app.stop()
