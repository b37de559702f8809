"""Machines with no GPU, with one, and with one that falls off the bus while it is watched."""

from __future__ import annotations

from collections.abc import Iterator
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
        assert page.text("#processes") == ""
        assert page.text(".strip").startswith("CPU ")
        [system], [gpu] = page.boxes("#system-column"), page.boxes(".no-gpu")
        assert (gpu["top"], gpu["bottom"]) == (system["top"], system["bottom"])
        page.until(lambda: page.run("Boolean(window.trends?.data)"), "no history was shown")
        # The choice of none was made, and the history asked for, once.
        assert page.run("window.trends.view().number") < 5
        for width, height in ((1440, 900), (390, 844)):
            page.resize(width, height)
            assert page.run("document.documentElement.scrollWidth") <= width
        assert page.complaints() == []
    finally:
        app.stop()


class Laptop:
    """A machine with one GPU, which the kernel may suspend, and the page of it."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.nvml = nvml_stub.Scenario("laptop", folder / "scenario.txt")
        root = folder / "root"
        self._power = root / "sys/bus/pci/devices/0000:01:00.0/power"
        self._power.mkdir(parents=True)
        (root / "proc").symlink_to("/proc")
        self.put("active")
        self.app = App(
            folder / "data",
            *("--gpu-source", "nvml", "--root", str(root)),
            environment=self.nvml.environment(library),
        )

    def put(self, status: str) -> None:
        (self._power / "runtime_status").write_text(f"{status}\n")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, nvml_library: Path) -> Iterator[Laptop]:
    made = Laptop(tmp_path_factory.mktemp("laptop"), nvml_library)
    yield made
    made.nvml.set("gpu 0", "state", "OK")
    made.app.stop()


TEMPERATURE = '.panel[data-metric="gpu.temperature_celsius"]'


def test_one_gpu_is_told_in_words_and_there_is_nothing_to_compare(laptop: Laptop, page: Page):
    page.open(f"{laptop.app.url}?mode=compare")
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


def test_a_suspended_gpu_is_shown_asleep_and_is_no_trouble(laptop: Laptop, page: Page):
    page.open(laptop.app.url)
    page.until(lambda: page.value("gpu.temperature_celsius") == 48, "no GPU was shown")
    laptop.put("suspended")
    page.until(lambda: page.text(f"{TEMPERATURE} .badge-state") == "asleep", "no card says so")
    assert page.text(f"{TEMPERATURE} .digits") == "N/A"
    assert "not woken" in page.text(f"{TEMPERATURE} .caption")
    assert page.text(".gpu-status").startswith("asleep: Suspended to save power")
    assert "RTX 4060" in page.text(".panel.device")
    assert page.text("#banner") == ""
    colours = [
        page.run("getComputedStyle(document.querySelector(arguments[0])).color", selector)
        for selector in (f"{TEMPERATURE} .badge-state", ".gpu-status")
    ]
    assert len(set(colours)) == 1
    laptop.put("active")
    page.until(lambda: page.value("gpu.temperature_celsius") == 48, "it did not come back")
    assert page.text(f"{TEMPERATURE} .badge-state") == ""


def test_a_lost_gpu_keeps_its_name(laptop: Laptop, page: Page):
    page.open(laptop.app.url)
    page.until(lambda: page.value("gpu.temperature_celsius") == 48, "no GPU was shown")
    laptop.nvml.set("gpu 0", "state", "!GPU_IS_LOST")
    page.until(lambda: page.text("#banner .kind") == "GPU", "nothing was said")
    page.until(lambda: page.text(f"{TEMPERATURE} .digits") == "N/A", "an old reading is shown")
    assert page.value("gpu.temperature_celsius") is None
    assert page.text(f"{TEMPERATURE} .badge-state") == "lost"
    assert page.text(f"{TEMPERATURE} .caption").endswith("off the bus or stopped answering.")
    whole = "(e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1)"
    assert page.run(f"{whole}(document.querySelector(arguments[0]))", f"{TEMPERATURE} .caption")
    assert "RTX 4060" in page.text(".panel.device")
    assert page.text(".gpu-status").startswith("lost: ")


def test_the_instances_of_a_single_gpu_are_seen_in_the_header_and_beneath_it_in_compare(
    tmp_path: Path, nvml_library: Path, page: Page
):
    nvml = nvml_stub.Scenario("mig_a100", tmp_path / "scenario.txt")
    environment = nvml.environment(nvml_library)
    app = App(tmp_path / "data", "--gpu-source", "nvml", environment=environment)
    try:
        page.open(f"{app.url}?mode=compare")
        rows = "[...document.querySelectorAll('#compare-grid .compare-row')].slice(-2)"
        page.until(
            lambda: page.run(f"{rows}.map(row => Number(row.dataset.value) > 0)") == [True, False],
            "no row has an instance's memory",
        )
        page.until(
            lambda: (
                page.run(f"{rows}.map(e => e.querySelector('.compare-label').innerText)")
                == ["MIG 0", "MIG 2"]
            ),
            "the rows are not named",
        )
        assert page.text(".imbalance") == ""
        assert page.text("#choice-notice") == ""
        cells = [f".strip > .gpu-cell:nth-of-type({at})" for at in (1, 2, 3)]
        assert [page.text(f"{cell} .cell-index") for cell in cells] == ["0", "0:0", "0:2"]
        assert [page.text(f"{cell} .cell-value") for cell in cells] == ["41", "7.5 G", "0.0 G"]
    finally:
        app.stop()


def test_sixteen_gpus_are_seen_in_the_header_and_the_chosen_one_is_scrolled_to(
    tmp_path: Path, nvml_library: Path, page: Page
):
    nvml = nvml_stub.Scenario("sixteen_gpus", tmp_path / "scenario.txt")
    environment = nvml.environment(nvml_library)
    app = App(tmp_path / "data", "--gpu-source", "nvml", environment=environment)
    try:
        page.open(f"{app.url}?gpu=12")
        for width, height in ((1440, 900), (1200, 900), (820, 1180)):
            page.resize(width, height)
            page.until(lambda width=width: page.run("innerWidth") == width, "not resized")
            cells, [strip] = page.boxes(".strip > .cell"), page.boxes(".strip")
            assert len(cells) == 2 + 16
            for cell in cells:
                assert strip["left"] <= cell["left"] <= cell["right"] <= strip["right"], width
                assert strip["top"] <= cell["top"] <= cell["bottom"] <= strip["bottom"], width
            assert page.run(_CUT) == [], width
            assert page.run("document.getElementById('strip').dataset.more") == ""
        page.resize(390, 844)
        page.until(lambda: page.run("innerWidth") == 390, "not resized")
        page.until(lambda: _in_strip(page, "[aria-pressed='true']"), "GPU 12 is not in view")
        assert "before" in page.run("document.getElementById('strip').dataset.more")
        page.run("document.getElementById('strip').scrollLeft = 0")
        page.until(
            lambda: page.run("document.getElementById('strip').dataset.more") == "after",
            "no edge says that there is more",
        )
        # All of what is said of memory is there for who asks, of the chosen GPU first.
        notes = "#process-notes"
        page.until(lambda: page.text(notes).startswith("GPU 12: "), "nothing is said of memory")
        assert "13 more" in page.text(notes)
        assert "GPU 0: " not in page.text(f"{notes} > p:last-child")
        page.run(f"document.querySelector('{notes} summary').click()")
        page.run("document.querySelector('.strip > .gpu-cell:last-child').click()")
        page.until(lambda: page.text(notes).startswith("GPU 15: "), "another GPU stands first")
        assert page.text(f"{notes} > p:last-child").startswith("GPU ")
        page.until(lambda: _in_strip(page, "[aria-pressed='true']"), "GPU 15 is not in view")
        faults = '[data-answer="Faults"]'
        page.until(lambda: page.text('[data-answer="Hottest"]'), "nothing is answered")
        assert page.text(faults) == ""
        nvml.set("gpu 3", "state", "!GPU_IS_LOST")
        page.until(lambda: page.text(faults) == "Faults GPU 3 · lost", "no fault is told")
    finally:
        app.stop()


# What of a cell's text has no room in it.
_CUT = """[...document.querySelectorAll('.strip > .cell')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"""


def _in_strip(page: Page, selector: str) -> bool:
    [strip], cells = page.boxes(".strip"), page.boxes(f".strip > {selector}")
    return bool(cells) and all(
        strip["left"] <= cell["left"] and cell["right"] <= strip["right"] for cell in cells
    )
