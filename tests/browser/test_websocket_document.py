"""The clients of docs/websocket.md, as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.browser.app import ROOT, App
from tests.browser.page import Page
from tests.faults.recorders import wait_for


def blocks(language: str) -> list[str]:
    document = (ROOT / "docs/websocket.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)


def _load(app: App) -> float | None:
    with urlopen(f"{app.url}api/v1/system/metrics") as answer:
        host: dict[str, float | None] = json.load(answer)["host"] or {}
    return host.get("cpu_percent")


def test_the_python_client_shows_two_gpus_and_then_the_host(demo: App, tmp_path: Path) -> None:
    (source,) = blocks("python")
    (tmp_path / "client.py").write_text(source)
    # What is counted over time, such as the host's load, is missing in the first tick.
    wait_for(lambda: _load(demo) is not None)
    address = demo.url.replace("http", "ws") + "ws/system-metrics"
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "client.py"), address],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    first, second, *_, last = ran.stdout.splitlines()
    assert re.fullmatch(r"\S+Z 0 [\d.]+ W", first)
    assert re.fullmatch(r"\S+Z 2 [\d.]+ W", second)
    assert re.fullmatch(r"\S+Z [\d.]+ %", last)


def test_the_javascript_client_shows_ticks_and_changes_what_it_is_sent(
    demo: App, page: Page
) -> None:
    client, use = blocks("javascript")
    page.open(demo.url)
    # `console.log` of the document is where the test listens.
    page.chrome.execute_script(
        "window.heard = []; const console = {log: (time, what) => heard.push([time, what]), "
        "warn: (what) => heard.push(['warned', what])};" + client + use
    )
    page.until(
        lambda: page.run("heard.some(([, what]) => what.cpu_percent !== undefined)"),
        "the host was not shown",
    )
    heard = page.run("heard")
    # A socket that opens late has the other subscription from its first tick on.
    assert {what[0]["index"] for _, what in heard if isinstance(what, list)} <= {0}
    assert not [what for time, what in heard if time == "warned"]
