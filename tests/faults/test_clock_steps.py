"""The wall clock steps, the machine sleeps: no tick twice, gaps stay, nothing young is pruned."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.recording.clock import PatientClock
from monitor.recording.sampler import Sampler
from monitor.settings import load
from monitor.storage.store import Store
from tests.fakes import FakeClock, FakeSource
from tests.faults.recorders import parquet_files, rows_in_parquet

TEN = 1_795_514_400.0  # 2026-11-24T10:00:00Z
HOUR = 3600.0
DAY = 86_400.0


class Machine:
    """A recorder without its schedule: the test says when it ticks."""

    def __init__(self, data: Path, clock: FakeClock) -> None:
        settings = load(["--data", str(data)])
        self.clock = clock
        self.patient = PatientClock(clock)
        self.store = Store(settings, clock)
        self.sampler = Sampler([FakeSource()], self.store, 1.0, clock)
        self.store.recover()

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.sampler.tick()
            self.clock.run(1)

    def stop(self) -> None:
        self.store.flush()
        self.store.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(TEN)


def seconds_recorded(data: Path) -> list[int]:
    rows = [tick for tick, _ in rows_in_parquet(data, "gpu")]
    assert len(rows) == len(set(rows)), "a tick is there twice"
    return sorted(round(tick / 1000 - TEN) for tick in rows)


def test_back_an_hour_writes_no_tick_twice_and_fills_what_was_a_gap(
    tmp_path: Path, clock: FakeClock
) -> None:
    machine = Machine(tmp_path, clock)
    machine.run(100)
    machine.store.flush()
    clock.run(HOUR - 100)  # nothing was recorded for most of the hour
    machine.run(50)
    machine.store.flush()
    clock.step(-HOUR)  # 10:00:50: the hour is closed, and its file has these ticks
    machine.run(100)
    machine.stop()
    assert seconds_recorded(tmp_path) == [*range(150), *range(3600, 3650)]
    assert machine.sampler.missed == round(HOUR - 100)


def test_what_came_after_a_step_back_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    machine = Machine(tmp_path, clock)
    clock.run(HOUR)
    machine.run(10)
    machine.store.flush()
    clock.step(-HOUR)
    machine.run(10)
    machine.store.close()  # killed: no flush
    again = Machine(tmp_path, clock)
    again.run(5)
    again.stop()
    assert seconds_recorded(tmp_path) == [*range(10, 25), *range(3600, 3610)]


def test_a_restart_after_a_step_back_writes_no_tick_twice(tmp_path: Path, clock: FakeClock) -> None:
    machine = Machine(tmp_path, clock)
    machine.run(60)
    machine.stop()
    clock.step(-40)
    again = Machine(tmp_path, clock)
    again.run(60)
    again.stop()
    assert seconds_recorded(tmp_path) == list(range(80))


def test_forward_a_day_leaves_a_gap_and_prunes_nothing(tmp_path: Path, clock: FakeClock) -> None:
    machine = Machine(tmp_path, clock)
    machine.run(30)
    machine.store.flush()
    clock.step(DAY)
    machine.run(30)
    machine.store.flush()
    machine.store.prune(machine.patient.now())
    assert seconds_recorded(tmp_path) == [*range(30), *range(86_430, 86_460)]
    assert machine.sampler.missed == 0
    clock.step(-DAY)  # it was a mistake
    machine.run(30)
    machine.stop()
    assert seconds_recorded(tmp_path) == [*range(30), *range(60, 90), *range(86_430, 86_460)]


def test_a_day_that_really_passed_is_pruned(tmp_path: Path, clock: FakeClock) -> None:
    machine = Machine(tmp_path, clock)
    machine.run(30)
    machine.store.flush()
    clock.run(DAY)
    machine.run(30)
    machine.store.flush()
    machine.store.prune(machine.patient.now())
    machine.stop()
    assert seconds_recorded(tmp_path) == list(range(86_430, 86_460))
    assert len(parquet_files(tmp_path, "gpu", "1h")) == 1


def test_a_sleep_is_a_gap_and_no_missed_tick(tmp_path: Path, clock: FakeClock) -> None:
    machine = Machine(tmp_path, clock)
    machine.run(30)
    clock.suspend(600)
    machine.run(30)
    machine.stop()
    assert seconds_recorded(tmp_path) == [*range(30), *range(630, 660)]
    assert machine.sampler.missed == 0
