"""A web process's copy of what the recorder writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.queries.latest import Latest
from monitor.recording.follower import KEPT_MS, Follower, pause
from monitor.sources.base import DeviceState, Rows
from monitor.storage.journal import Journal

NOW = round(time.time()) * 1000
GPU = DeviceState("gpu", "GPU-1", facts={"index": 0})


def tick(power: float) -> Rows:
    return {
        "gpu": [{"device": "GPU-1", "index": 0, "power_watts": power}],
        "recorder": [{"device": "host", "missed_count": 0}],
    }


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "live.db", shared=True)
    yield opened
    opened.close()


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    made = Follower([tmp_path / "live.db", tmp_path / "overflow.db"])
    yield made
    for followed in made._followed:
        followed.close()


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, follower: Follower) -> None:
    assert not follower.poll()
    assert follower.latest.time is None
    journal = Journal(tmp_path / "live.db")
    journal.append(NOW, tick(1.5))
    assert follower.poll()
    assert follower.latest.time == NOW
    journal.close()


def test_each_tick_replaces_the_one_before(journal: Journal, follower: Follower) -> None:
    journal.put_devices([GPU])
    journal.put_note("recorder", {"pid": 7})
    for at, power in enumerate((1.5, 0.0, 312.123)):
        journal.append(NOW + 1000 * at, tick(power))
        assert follower.poll()
        assert follower.latest.time == NOW + 1000 * at
        assert follower.latest.table("gpu")["GPU-1"]["power_watts"] == power
    assert not follower.poll()
    assert follower.latest.gpus() == [GPU]
    assert follower.latest.recorder == {"pid": 7}
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW, NOW + 1000, NOW + 2000]


def test_what_changes_nothing_that_is_shown_wakes_nobody(
    journal: Journal, follower: Follower
) -> None:
    journal.put_note("recorder", {"pid": 7})
    journal.append(NOW, tick(1.0))
    assert follower.poll()
    latest = follower.latest
    journal.put_note("flushed", {"before": NOW})
    journal.put_note("recorder", {"pid": 7})
    assert not follower.poll()
    assert follower.latest is latest
    journal.put_note("recorder", {"pid": 8})
    assert follower.poll()
    assert follower.latest.recorder == {"pid": 8}
    assert follower.latest.time == NOW


def with_processes(*pids: int) -> Rows:
    return {**tick(1.0), "process": [{"device": "GPU-1", "pid": pid} for pid in pids]}


@pytest.mark.parametrize(("interval", "stays", "goes"), [(1.0, 5, 6), (0.5, 5, 5.5), (5.0, 10, 15)])
def test_processes_are_gone_soon_after_a_reading_found_none(
    journal: Journal, follower: Follower, interval: float, stays: float, goes: float
) -> None:
    journal.put_note("recorder", {"interval": interval})
    journal.append(NOW, with_processes(7, 8))
    follower.poll()
    assert list(follower.latest.table("process")) == ["GPU-1/7", "GPU-1/8"]
    journal.append(NOW + round(1000 * stays), with_processes())
    follower.poll()
    assert len(follower.latest.table("process")) == 2
    assert follower.latest.ticks["process"] == NOW
    journal.append(NOW + round(1000 * goes), with_processes())
    follower.poll()
    assert follower.latest.table("process") == {}
    assert follower.latest.table("gpu")
    journal.append(NOW + 20_000, with_processes(9))
    follower.poll()
    assert list(follower.latest.table("process")) == ["GPU-1/9"]


def test_processes_of_a_time_that_the_clock_was_set_back_from_are_gone(
    journal: Journal, follower: Follower
) -> None:
    journal.append(NOW, with_processes(7))
    follower.poll()
    journal.append(NOW - 60_000, with_processes())
    follower.poll()
    assert follower.latest.table("process") == {}


def test_processes_of_long_ago_are_not_current_at_the_start(
    journal: Journal, follower: Follower
) -> None:
    journal.append(NOW - 60_000, with_processes(7))
    journal.append(NOW, with_processes())
    follower.poll()
    assert follower.latest.table("process") == {}
    assert follower.latest.table("gpu")


def test_a_device_that_is_forgotten_goes(journal: Journal, follower: Follower) -> None:
    journal.put_devices([DeviceState("gpu", "GPU 0"), DeviceState("disk", "/")])
    journal.append(NOW, tick(1.0))
    follower.poll()
    assert [gpu.device for gpu in follower.latest.gpus()] == ["GPU 0"]
    journal.put_devices([GPU], [("gpu", "GPU 0")])
    follower.poll()
    assert follower.latest.gpus() == [GPU]
    assert list(follower.latest.devices["disk"]) == ["/"]
    journal.put_devices((), [("gpu", GPU.device)])
    follower.poll()
    assert follower.latest.gpus() == []


def test_while_ticks_go_to_memory_devices_are_as_they_are_there(
    tmp_path: Path, journal: Journal, follower: Follower
) -> None:
    journal.put_devices([DeviceState("gpu", "GPU 0")])
    journal.append(NOW, tick(1.0))
    follower.poll()
    memory = Journal(tmp_path / "overflow.db", shared=True)
    memory.append(NOW + 1000, tick(2.0))
    follower.poll()
    assert [gpu.device for gpu in follower.latest.gpus()] == ["GPU 0"]
    memory.put_devices([GPU])
    follower.poll()
    assert follower.latest.gpus() == [GPU]
    journal.take(memory)
    journal.put_devices((), [("gpu", "GPU 0")])
    memory.close()
    (tmp_path / "overflow.db").unlink()
    lost = DeviceState("gpu", "GPU-1", "lost", "Gone.")
    journal.put_devices([lost])
    follower.poll()
    journal.append(NOW + 2000, tick(3.0))
    follower.poll()
    assert follower.latest.gpus() == [lost]


def test_a_stand_in_in_a_folder_that_is_not_ours_is_not_read(
    tmp_path: Path, journal: Journal
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shm").symlink_to(tmp_path / "elsewhere")
    foreign = Journal(tmp_path / "elsewhere/overflow.db")
    foreign.append(NOW + 1000, tick(900.0))
    journal.append(NOW, tick(1.0))
    follower = Follower([tmp_path / "live.db", tmp_path / "shm/overflow.db"])
    follower.poll()
    assert follower.latest.time == NOW
    (tmp_path / "shm").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "shm")
    follower.poll()
    assert follower.latest.time == NOW + 1000
    foreign.close()
    for followed in follower._followed:
        followed.close()


def test_the_hour_before_is_loaded_at_the_start(journal: Journal, follower: Follower) -> None:
    journal.append(NOW - KEPT_MS - 60_000, tick(900.0))
    journal.append(NOW - 60_000, tick(700.0))
    journal.append(NOW, tick(100.0))
    follower.poll()
    assert follower.latest.table("gpu")["GPU-1"]["power_watts"] == 100.0
    assert len(follower.buffers["gpu"]) == 2
    assert follower.peaks.over(NOW)["gpu"]["power_watts"]["GPU-1"] == 700.0


def test_what_is_older_than_an_hour_is_forgotten(journal: Journal, follower: Follower) -> None:
    journal.append(NOW - KEPT_MS + 5_000, tick(1.0))
    follower.poll()
    for at in range(70):
        journal.append(NOW + 1000 * at, tick(2.0))
        follower.poll()
    times = follower.buffers["gpu"].columns().times
    assert times.min() >= NOW


def test_a_file_that_took_the_place_of_the_old_one_is_followed(
    tmp_path: Path, journal: Journal, follower: Follower
) -> None:
    journal.append(NOW, tick(1.0))
    follower.poll()
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"live.db{suffix}").rename(tmp_path / f"aside.db{suffix}")
    new = Journal(tmp_path / "live.db")
    new.append(NOW + 1000, tick(2.0))
    assert follower.poll()
    assert follower.latest.time == NOW + 1000
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW, NOW + 1000]
    new.close()


def test_a_tick_that_moves_from_memory_to_live_db_is_shown_once(
    tmp_path: Path, journal: Journal, follower: Follower
) -> None:
    journal.append(NOW, tick(1.0))
    memory = Journal(tmp_path / "overflow.db", shared=True)
    follower.poll()
    memory.append(NOW + 1000, tick(2.0))
    assert follower.poll()
    assert follower.latest.time == NOW + 1000
    journal.take(memory)
    memory.close()
    journal.append(NOW + 2000, tick(3.0))
    follower.poll()
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW, NOW + 1000, NOW + 2000]
    assert follower.latest.table("gpu")["GPU-1"]["power_watts"] == 3.0


@pytest.mark.parametrize("table", ["gpu", "zone", "rail"])
def test_what_no_device_answered_is_not_shown_again(
    table: str, journal: Journal, follower: Follower
) -> None:
    own = {"recorder": [{"device": "host"}], "disk": [{"device": "/", "used_bytes": 1}]}
    journal.append(NOW, {**own, table: [{"device": "one"}]})
    follower.poll()
    assert set(follower.latest.table(table)) == {"one"}
    journal.append(NOW + 1000, {"recorder": [{"device": "host"}]})
    follower.poll()
    assert follower.latest.table(table) == {}
    assert set(follower.latest.table("disk")) == {"/"}


def test_a_file_that_cannot_be_read_costs_one_line(
    tmp_path: Path, follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "live.db").write_bytes(b"no database, but long enough for one" * 100)
    for _ in range(3):
        assert not follower.poll()
    assert [record.getMessage().count("cannot be read") for record in caplog.records] == [1]


def test_after_a_read_that_failed_it_goes_on_where_it_was(
    tmp_path: Path, journal: Journal, follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    journal.append(NOW, tick(1.0))
    follower.poll()
    journal._db.execute("ALTER TABLE notes RENAME TO elsewhere")
    journal.append(NOW + 1000, tick(2.0))
    for _ in range(3):
        assert not follower.poll()
    journal._db.execute("ALTER TABLE elsewhere RENAME TO notes")
    assert follower.poll()
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW, NOW + 1000]
    assert [record.getMessage().count("cannot be read") for record in caplog.records] == [1]


def test_a_first_read_that_failed_is_made_anew(journal: Journal, follower: Follower) -> None:
    journal.append(NOW - 1000, tick(1.0))
    journal.append(NOW, tick(2.0))
    journal._db.execute("ALTER TABLE recorder RENAME TO elsewhere")
    assert not follower.poll()
    journal._db.execute("ALTER TABLE elsewhere RENAME TO recorder")
    assert follower.poll()
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW - 1000, NOW]


def test_what_was_saved_of_a_broken_file_is_shown_once(
    tmp_path: Path, journal: Journal, follower: Follower
) -> None:
    journal.append(NOW, tick(1.0))
    follower.poll()
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"live.db{suffix}").rename(tmp_path / f"aside.db{suffix}")
    new = Journal(tmp_path / "live.db")
    new.append(NOW, tick(1.0))
    new.append(NOW + 1000, tick(2.0))
    follower.poll()
    assert follower.buffers["gpu"].columns().times.tolist() == [NOW, NOW + 1000]
    new.close()


def test_next_wakes_at_a_tick_and_gives_up_on_time(journal: Journal, tmp_path: Path) -> None:
    async def follow() -> None:
        follower = Follower([tmp_path / "live.db"])
        follower.start(asyncio.get_running_loop())
        journal.append(NOW, tick(1.0))
        first = await follower.next(-1, 5)
        while first.time is None:
            first = await follower.next(first.sequence, 5)
        assert (await follower.next(first.sequence, 0.05)) is follower.latest
        waiting = asyncio.create_task(follower.next(follower.latest.sequence, 10))
        await asyncio.sleep(0)
        journal.append(NOW + 1000, tick(2.0))
        assert (await waiting).time == NOW + 1000
        ending = asyncio.create_task(follower.next(follower.latest.sequence, 10))
        await asyncio.sleep(0)
        await asyncio.to_thread(follower.stop)
        assert follower.stopped
        assert (await ending).time == NOW + 1000

    asyncio.run(follow())


@pytest.mark.parametrize(
    ("recorder", "after", "seconds"),
    [
        ({"interval": 1.0}, 0.1, 0.25),
        ({"interval": 1.0}, 0.9, 0.1),
        ({"interval": 1.0}, 1.0, 0.02),
        ({"interval": 1.0}, 2.9, 0.02),
        ({"interval": 1.0}, 3.5, 0.0625),
        ({"interval": 1.0}, -3600, 0.25),  # the clock was set back
        ({"interval": 0.1}, 0.05, 0.05),
        ({"interval": 60}, 30, 0.25),
        ({}, 0.1, 0.0625),
    ],
)
def test_it_looks_often_while_a_tick_is_due_and_seldom_before(
    recorder: dict[str, object], after: float, seconds: float
) -> None:
    latest = Latest(time=NOW, recorder=recorder)
    assert pause(latest, NOW / 1000 + after) == pytest.approx(seconds, abs=1e-6)


def test_before_the_first_tick_it_looks_often() -> None:
    assert pause(Latest(), NOW / 1000) < 0.1
