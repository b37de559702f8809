"""A worker is killed, gunicorn is reloaded and stopped, while a page is open and one records."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.browser.page import Page
from tests.deploy.conftest import Site, goes_on
from tests.deploy.workers import PATIENCE, Workers
from tests.faults.recorders import recording, ticks_in_live_db, wait_for

TICK = 1000


@pytest.fixture(scope="module")
def start_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What this machine needs from the start of a recorder to its first tick."""
    data = tmp_path_factory.mktemp("alone")
    began = time.monotonic()
    with recording(data, "--gpu-source", "demo"):
        wait_for(lambda: ticks_in_live_db(data), PATIENCE)
    return time.monotonic() - began


def test_a_killed_worker_takes_its_recorder_along_and_another_goes_on(
    site: Site, live: Page, start_seconds: float
):
    before = site.workers.ticks()
    [(recorder, owner)] = site.workers.recorders().items()
    os.kill(owner, SIGKILL)
    successor = _successor(site.workers, recorder)
    site.workers.until_ticks(3)
    assert successor[0] != recorder
    assert successor[1] != owner
    _is_whole_but_for_one_takeover(site.workers, before, start_seconds)
    live.until(lambda: live.connection() == "Live · 1 s", "it did not go on", PATIENCE)
    goes_on(live)
    assert live.text("#banner .kind") in {"", "Recorder"}


def test_a_reload_answers_every_request_and_misses_no_tick_but_of_one_takeover(
    site: Site, live: Page, start_seconds: float
):
    before = site.workers.ticks()
    old, [recorder] = site.workers.pids(), site.workers.recorders()
    with _asking_all_the_time(site) as statuses:
        site.workers.reload()
        successor = _successor(site.workers, recorder)
        site.workers.until_ticks(3)
    assert successor[1] not in old
    assert len(statuses) > 5
    assert set(statuses) == {200}
    _is_whole_but_for_one_takeover(site.workers, before, start_seconds)
    live.until(lambda: live.connection() == "Live · 1 s", "it did not go on", PATIENCE)
    goes_on(live)
    assert site.workers.said("Forcing close") == 0


def test_a_stop_waits_for_no_open_page_and_leaves_no_recorder(site: Site, live: Page):
    goes_on(live, 1)
    [recorder] = site.workers.recorders()
    assert site.workers.stop() == 0
    assert site.workers.said("Forcing close") == 0
    assert site.workers.said("was killed") == 0
    assert not Path(f"/proc/{recorder}").exists()


def _successor(workers: Workers, recorder: int) -> tuple[int, int]:
    """The next recorder and its owner, once it is the only one."""

    def found() -> tuple[int, int] | None:
        there = workers.recorders()
        return next(iter(there.items())) if len(there) == 1 and recorder not in there else None

    answer = wait_for(found, PATIENCE)
    assert isinstance(answer, tuple)
    return answer


def _is_whole_but_for_one_takeover(
    workers: Workers, before: list[int], start_seconds: float
) -> None:
    """Since `before` no tick came twice, and those that are missing are of one short span."""
    ticks = workers.ticks()[len(before) - 1 :]
    steps = [(later - earlier) // TICK for earlier, later in pairwise(ticks)]
    assert min(steps) == 1
    # A tick that a busy machine skips stands alone; what a takeover costs is one span.
    gaps = [step - 1 for step in steps if step > 2]
    assert len(gaps) <= 1
    # The lock is found free within 0.2 s; the last flush and a machine that starts more than one
    # interpreter at a time are in the rest.
    assert sum(gaps) <= 2 + 4 * start_seconds


@contextmanager
def _asking_all_the_time(site: Site) -> Iterator[list[int]]:
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            statuses.append(site.proxy.get("api/v1/system/gpu-list").status)
            ended.wait(0.1)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        ended.set()
        asking.join()
