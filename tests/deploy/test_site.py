"""A team's view: gunicorn's workers behind nginx under a prefix, driven with Chromium."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websockets
from websockets.exceptions import InvalidStatus

from tests.browser.page import Page
from tests.browser.recorded import GPUS, NEW_WATTS, SPIKING, Recorded
from tests.browser.trends import Trends
from tests.deploy.conftest import Site, goes_on, open_live
from tests.deploy.proxy import PREFIX, Proxy
from tests.deploy.workers import PATIENCE
from tests.faults.recorders import wait_for

PASSWORD = "a-word"
MINUTE = 60_000
# Scripts and styles of this page: name, bytes that came, bytes that they are.
_FETCHED = """performance.getEntriesByType('resource')
    .filter(entry => /\\.(js|css)(\\?|$)/.test(entry.name))
    .map(entry => [entry.name, entry.transferSize, entry.decodedBodySize])"""
_BYTES = "performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize || 0), 0)"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Seven hours of history, which the site goes on with."""
    return Recorded(tmp_path_factory.mktemp("known"), round(time.time() * 1000))


@pytest.fixture
def guarded(site: Site, tmp_path: Path) -> Iterator[Proxy]:
    """Another nginx in front of the same workers, with the lines about passwords."""
    made = subprocess.run(
        ["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True
    )
    proxy = Proxy(tmp_path, site.workers.socket, f"ann:{made.stdout}", site.proxy.certificate)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def data(known: Recorded) -> Path:
    return known.folder


def test_the_first_load_is_compressed_and_shows_readings_before_it_is_all_there(live: Page):
    fetched = live.run(_FETCHED)
    assert len(fetched) > 20
    assert [name for name, came, size in fetched if size > 5000 and not 0 < came < size / 2] == []
    assert live.run(_BYTES) < 2_900_000
    assert live.run("window.bytesBeforeReadings") < 1_000_000


def test_the_page_is_fed_over_its_socket_and_asks_for_nothing_outside_the_prefix(
    site: Site, live: Page
):
    goes_on(live, 3)
    assert live.connection() == "Live · 1 s"
    assert live.complaints() == []
    assert live.hosts_asked() == {"127.0.0.1"}
    asked = _asked(site)
    assert {path for path in asked if not path.startswith(PREFIX)} == set()


def test_what_has_a_fingerprint_is_never_asked_for_again(site: Site, live: Page):
    found = live.run("[...document.scripts].map(script => script.src).filter(Boolean)")
    marked = [url for url in found if re.search(r"\.v[\d_]+m\d+\.|\?m=", url)]
    assert len(marked) > 20
    for url in marked[:3] + marked[-3:]:
        answer = site.proxy.get(url, {"Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    changing = site.proxy.get("bootstrap/bootstrap.min.css", {"Accept-Encoding": "gzip"})
    assert changing.headers["Cache-Control"] == "public, max-age=3600"
    assert changing.headers["Content-Encoding"] == "gzip"
    assert changing.headers["ETag"]


def test_a_zoom_reads_the_history_and_an_export_saves_it(
    site: Site, live: Page, known: Recorded, tmp_path: Path
):
    live.chrome.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    trends = Trends(live, site.proxy.url).ready().go("?range=6h")
    spike = known.spike
    trends.after(lambda: trends.drag("power", spike - 5 * MINUTE, spike + 3 * MINUTE))
    assert trends.data()["step"] == 1000
    assert trends.highest("power")[1] == NEW_WATTS
    trends.open_popover("export")
    trends.click('[data-export="gpu"][data-format="csv"]')
    trends.until(lambda: list(tmp_path.glob("*.csv")), "nothing was saved")
    with next(tmp_path.glob("*.csv")).open() as file:
        rows = list(csv.DictReader(file))
    at_spike = [row for row in rows if row.get("power_watts") in {"999", "999.0"}]
    assert [row["device"] for row in at_spike] == [GPUS[SPIKING]]
    assert live.complaints() == []


def test_a_second_load_fetches_no_script_and_no_style_again(site: Site, live: Page):
    open_live(live, site.proxy.url)
    assert [name for name, came, _ in live.run(_FETCHED) if came] == []


def test_programs_have_api_and_socket_below_the_prefix(site: Site):
    answer = site.proxy.get("api/v1/system/gpu-metrics", {"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = json.loads(site.proxy.get("api/v1/system/gpu-metrics").body)
    assert [gpu["device"] for gpu in plain["gpus"]] == GPUS

    async def follow() -> list[str]:
        address = site.proxy.url.replace("https", "wss") + "ws/system-metrics?gpu=0"
        async with websockets.connect(address, ssl=site.proxy.context()) as socket:
            return [
                json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["time"] for _ in "123"
            ]

    times = asyncio.run(follow())
    assert times == sorted(set(times))


def test_the_address_without_a_slash_and_without_tls_leads_to_the_page(site: Site):
    bare = site.proxy.get(site.proxy.url.rstrip("/"))
    assert (bare.status, bare.headers["Location"]) == (301, PREFIX)
    plain = site.proxy.get(f"{site.proxy.plain_url}{PREFIX}?theme=dark")
    assert plain.status == 301
    assert plain.headers["Location"] == f"https://127.0.0.1{PREFIX}?theme=dark"


def test_a_body_that_is_too_long_is_refused(site: Site):
    answer = site.proxy.get("_dash-update-component", body=b"x" * 300_000)
    assert answer.status == 413


def test_no_log_has_what_a_query_holds(site: Site):
    referer = {"Referer": f"{site.proxy.url}?token=in-the-referer"}
    site.proxy.get("api/v1/system/network?token=in-the-query", referer)
    assert "in-the" not in site.proxy.logged("/api/v1/system/network")
    wait_for(lambda: "/api/v1/system/network" in site.workers.log.read_text(), PATIENCE)
    assert "in-the" not in site.workers.log.read_text()


def test_with_passwords_an_outsider_gets_nothing_and_a_person_the_live_page(
    site: Site, guarded: Proxy, live: Page
):
    for path in ("", "metrics", "assets/live.js", "api/v1/system/health"):
        assert guarded.get(path).status == 401
    wrong, right = _basic("ann", "wrong"), _basic("ann", PASSWORD)
    assert guarded.get("api/v1/system/health", wrong).status == 401
    answer = guarded.get("api/v1/system/health", right)
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    async def knock(headers: dict[str, str]) -> str:
        address = guarded.url.replace("https", "wss") + "ws/system-metrics"
        context = guarded.context()
        async with websockets.connect(address, ssl=context, additional_headers=headers) as socket:
            return str(await asyncio.wait_for(socket.recv(), PATIENCE))

    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(knock({}))
    assert refused.value.response.status_code == 401
    assert asyncio.run(knock(right))
    # The browser asks its person once, and then sends it by itself, with the socket too.
    live.chrome.get(guarded.url.replace("https://", f"https://ann:{PASSWORD}@") + "assets/live.js")
    open_live(live, guarded.url)
    goes_on(live)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def _asked(site: Site) -> set[str]:
    """The path of every request so far, as nginx has logged it."""
    lines = site.proxy.logged(f'"GET {PREFIX}_dash-layout').splitlines()
    return {urlsplit(line.split('"')[1].split(" ")[1]).path for line in lines}
