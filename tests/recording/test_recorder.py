"""A recorder from start to last flush, in this process and as one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from monitor.metrics import TABLES
from monitor.recording.devices import PATIENCE_SECONDS
from monitor.recording.lock import AlreadyRecording, acquire, is_held, owned
from monitor.recording.recorder import Recorder, record
from monitor.settings import Settings
from monitor.sources.base import DeviceState, Rows
from monitor.storage.journal import Journal
from tests.fakes import FakeClock, FakeSource
from tests.faults.recorders import rows_in_parquet, ticks_in_live_db, wait_for

PROCESS = """
import sys
from monitor.recording.recorder import record
from monitor.settings import Settings
from tests.fakes import FakeSource
record(
    Settings(data=sys.argv[1], interval=0.1),
    lambda settings: ([FakeSource()], "Fake."),
    until_stdin_closes="--until-stdin-closes" in sys.argv,
)
print("returned")
"""

FIRST_TICK = """
import sys
from monitor.recording.recorder import Recorder
from monitor.settings import Settings
from tests.fakes import FakeClock, FakeSource
loaded = set(sys.modules)
clock = FakeClock(float(sys.argv[2]))
recorder = Recorder(Settings(data=sys.argv[1]), [FakeSource()], "Fake.", clock)
recorder.sample()
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - loaded}))
recorder.flush()
"""


class ClosedSource(FakeSource):
    """Says when it has been closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path), interval=0.1)


def noted(data: Path) -> dict[str, object]:
    journal = Journal(data / "live.db", readonly=True)
    try:
        return journal.note("recorder")
    finally:
        journal.close()


def devices_in(data: Path) -> list[DeviceState]:
    journal = Journal(data / "live.db", readonly=True)
    try:
        return journal.devices()
    finally:
        journal.close()


def test_it_records_from_start_to_stop(tmp_path: Path, settings: Settings) -> None:
    source = ClosedSource()
    # It stands still: the schedule has its own clock, and only the first tick is new.
    clock = FakeClock(float(int(time.time())))
    recorder = Recorder(settings, [source], "A fake GPU.", clock)
    recorder.start()
    wait_for(lambda: ticks_in_live_db(tmp_path))
    note = noted(tmp_path)
    assert note["pid"] == os.getpid()
    assert note["started"] == round(clock.wall() * 1000)
    assert note["interval"] == 0.1
    assert note["tiers"] == settings.tiers
    assert note["explanation"] == "A fake GPU."
    [state] = note["sources"]
    assert (state["name"], state["ok"]) == ("fake", True)
    assert note["storage"]["ok"]
    assert note["previous"] == {}
    assert not note["ended"]
    recorder.stop()
    assert source.closed
    assert noted(tmp_path)["ended"]
    assert rows_in_parquet(tmp_path, "gpu") == [(round(clock.wall() * 1000), "GPU-1")]


def test_what_it_notes_follows_the_clock_set_back(tmp_path: Path, settings: Settings) -> None:
    clock = FakeClock(float(int(time.time())))
    recorder = Recorder(settings, [FakeSource()], "", clock)
    recorder.start()
    for ticks in (1, 2):
        wait_for(lambda ticks=ticks: len(ticks_in_live_db(tmp_path)) == ticks)
        assert noted(tmp_path)["clock"] == ""  # it stands still: the same second is due again
        clock.run(1)
    clock.step(-2)
    wait_for(lambda: "set back" in str(noted(tmp_path).get("clock")))
    clock.run(2)
    wait_for(lambda: noted(tmp_path)["clock"] == "")
    recorder.stop()


@pytest.mark.parametrize("ended", [True, False])
def test_the_next_recorder_tells_how_the_one_before_ended(
    tmp_path: Path, settings: Settings, ended: bool
) -> None:
    clock = FakeClock(float(int(time.time())))
    before = Recorder(settings, [FakeSource()], "", clock)
    before.note()
    if ended:
        before.note(ended=True)
    before._store.close()
    clock.run(5)
    recorder = Recorder(settings, [FakeSource()], "", clock)
    recorder.note()
    assert noted(tmp_path)["previous"] == {
        "pid": os.getpid(),
        "started": round((clock.wall() - 5) * 1000),
        "ended": ended,
    }
    recorder._store.close()


class NamedSource(FakeSource):
    """A source that gives nothing, under a name."""

    def __init__(self, name: str, listed: Sequence[DeviceState] = ()) -> None:
        super().__init__()
        self.name = name
        self._listed = listed

    def sample(self, monotonic: float) -> Rows:
        return {}

    def devices(self) -> Sequence[DeviceState]:
        return self._listed


def run(settings: Settings, source: NamedSource, data: Path) -> None:
    """A recorder from start to end."""
    recorder = Recorder(settings, [source], "")
    recorder.start()
    count = len(ticks_in_live_db(data))
    wait_for(lambda: len(ticks_in_live_db(data)) > count)
    recorder.stop()


def test_gpus_of_another_source_go_and_those_of_the_same_stay(
    tmp_path: Path, settings: Settings
) -> None:
    eight = [DeviceState("gpu", f"GPU-{n}", facts={"uuid": f"GPU-{n}"}) for n in range(8)]
    run(settings, NamedSource("demo", eight), tmp_path)
    assert devices_in(tmp_path) == eight
    run(settings, NamedSource("demo"), tmp_path)
    assert devices_in(tmp_path) == eight
    run(settings, NamedSource("none"), tmp_path)
    assert devices_in(tmp_path) == []


def test_a_gpu_that_does_not_come_back_is_lost_in_the_end(
    tmp_path: Path, settings: Settings
) -> None:
    known = DeviceState("gpu", "GPU-1", facts={"uuid": "GPU-1"})
    run(settings, NamedSource("nvml", [known]), tmp_path)
    clock = FakeClock(float(int(time.time()) + 60))
    recorder = Recorder(settings, [NamedSource("nvml")], "", clock)
    recorder.start()
    recorder.sample()
    assert devices_in(tmp_path) == [known]
    clock.run(PATIENCE_SECONDS)
    wait_for(lambda: devices_in(tmp_path) != [known])
    assert [(d.status, d.facts) for d in devices_in(tmp_path)] == [("lost", known.facts)]
    recorder.stop()


def test_who_comes_second_chooses_no_sources(tmp_path: Path, settings: Settings) -> None:
    lock = acquire(tmp_path / "recorder.lock")

    def choose(_: Settings) -> tuple[list[FakeSource], str]:
        raise AssertionError("the hardware belongs to the other one")

    with pytest.raises(AlreadyRecording):
        record(settings, choose)
    lock.release()


def test_the_first_tick_of_a_successor_waits_for_no_library(tmp_path: Path) -> None:
    for second in ("1795514400", "1795514401"):
        ran = subprocess.run(
            [sys.executable, "-c", FIRST_TICK, str(tmp_path), second],
            check=True,
            capture_output=True,
            text=True,
        )
        assert {"pandas", "pyarrow", "apscheduler"} & set(ran.stdout.split()) == set()
    assert len(rows_in_parquet(tmp_path, "recorder")) == 2


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Starts `record` as a process, and waits until it ticks."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        wait_for(lambda: len(ticks_in_live_db(tmp_path)) > 1)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def assert_ended_well(process: subprocess.Popen[bytes], data: Path) -> None:
    assert process.wait(10) == 0
    assert process.stdout.read() == b"returned\n"
    assert noted(data)["ended"]
    assert not is_held(data / "recorder.lock")
    ticks = ticks_in_live_db(data)
    assert ticks == sorted(set(ticks))
    for name in ("gpu", "recorder"):
        assert [tick for tick, _ in rows_in_parquet(data, name)] == ticks, TABLES[name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [(), ("--until-stdin-closes",)])
def test_it_returns_on_a_signal(
    tmp_path: Path, start: object, number: signal.Signals, options: tuple[str, ...]
) -> None:
    process = start(*options)
    process.send_signal(number)
    assert_ended_well(process, tmp_path)


def test_it_returns_when_its_input_ends(tmp_path: Path, start: object) -> None:
    process = start("--until-stdin-closes")
    process.stdin.close()
    assert_ended_well(process, tmp_path)


def test_a_successor_waits_for_the_lock_and_ends_with_its_parent(tmp_path: Path) -> None:
    lock = acquire(tmp_path / "recorder.lock")
    command = [sys.executable, "-c", PROCESS, str(tmp_path), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as waiting:
        for _ in range(3):
            orphan = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
            )
            assert b"AlreadyRecording" in orphan.stderr
        assert ticks_in_live_db(tmp_path) == []
        lock.release()
        wait_for(lambda: waiting.poll() is not None or ticks_in_live_db(tmp_path))
        assert is_held(owned(tmp_path / "recorder.lock"))
        waiting.stdin.close()
        assert waiting.wait(10) == 0


def test_without_that_option_it_outlives_its_input(tmp_path: Path, start: object) -> None:
    process = start()
    process.stdin.close()
    count = len(ticks_in_live_db(tmp_path))
    wait_for(lambda: len(ticks_in_live_db(tmp_path)) > count + 2)
    assert process.poll() is None
