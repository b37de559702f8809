"""A worker is killed, gunicorn is reloaded and stopped, while a page is open and one records."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGKILL

from psutil import Process

from tests.browser.page import Page
from tests.deploy.conftest import Site, goes_on
from tests.deploy.workers import PATIENCE, Workers
from tests.faults.recorders import wait_for

TICK = 1000


def test_a_killed_worker_takes_its_recorder_along_and_another_goes_on(site: Site, live: Page):
    since = site.workers.ticks()[-1]
    [(recorder, owner)] = site.workers.recorders().items()
    os.kill(owner, SIGKILL)
    successor = _successor(site.workers, recorder)
    site.workers.until_ticks(3)
    assert successor[0] != recorder
    assert successor[1] != owner
    _is_whole_but_for_one_takeover(site.workers.data, since, successor[0])
    live.until(lambda: live.connection() == "Live · 1 s", "it did not go on", PATIENCE)
    goes_on(live)
    assert live.text("#banner .kind") in {"", "Recorder"}


def test_a_reload_answers_every_request_and_misses_no_tick_but_of_one_takeover(
    site: Site, live: Page
):
    since = site.workers.ticks()[-1]
    old, [recorder] = site.workers.pids(), site.workers.recorders()
    with _asking_all_the_time(site) as statuses:
        site.workers.reload()
        successor = _successor(site.workers, recorder)
        site.workers.until_ticks(3)
    assert successor[1] not in old
    assert len(statuses) > 5
    assert set(statuses) == {200}
    _is_whole_but_for_one_takeover(site.workers.data, since, successor[0])
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


def test_a_stop_while_the_workers_start_is_heard(tmp_path: Path):
    workers = Workers(tmp_path, tmp_path / "data", count=1)
    wait_for(lambda: workers.said("Booting worker"), PATIENCE)
    assert workers.stop() == 0
    assert workers.said("Worker exiting") == 1
    assert not workers.socket.exists()


def _successor(workers: Workers, recorder: int) -> tuple[int, int]:
    """The next recorder and its owner, once it is the only one."""

    def found() -> tuple[int, int] | None:
        there = workers.recorders()
        return next(iter(there.items())) if len(there) == 1 and recorder not in there else None

    answer = wait_for(found, PATIENCE)
    assert isinstance(answer, tuple)
    return answer


def _is_whole_but_for_one_takeover(data: Path, since: int, successor: int) -> None:
    """No tick came twice, each recorder counted what it missed, and the change was quick."""
    # To the second: Linux tells no better when it was booted, which this is counted from.
    began = Process(successor).create_time() * TICK
    rows = _ticks_and_missed(data, since)
    # Where one begins to count anew; or, where the one before had missed none, the longest gap.
    change = max(
        range(1, len(rows)),
        key=lambda at: (rows[at][1] < rows[at - 1][1], rows[at][0] - rows[at - 1][0]),
    )
    old, new = rows[:change], rows[change:]
    for run in (old, new):
        (first, missed_then), (last, missed) = run[0], run[-1]
        assert len({time for time, _ in run}) == len(run)
        assert (last - first) // TICK == len(run) - 1 + missed - missed_then
    without = (new[0][0] - old[-1][0]) / TICK
    own = (new[0][0] - began) / TICK
    # What it took to start on this machine just now is the measure for the rest.
    assert without <= 2 + 3 * own


def _ticks_and_missed(data: Path, since: int) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(f"file:{data / 'live.db'}?mode=ro", uri=True)) as database:
        asked = "SELECT time, missed_count FROM recorder WHERE time >= ? ORDER BY rowid"
        return database.execute(asked, (since,)).fetchall()


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
