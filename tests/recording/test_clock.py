"""What pruning goes by: never ahead of the wall clock, nor of the time that has gone by."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.recording.clock import PatientClock, SystemClock
from tests.fakes import FakeClock

TEN = 1_795_514_400.0  # 2026-11-24T10:00:00Z


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(TEN)


def test_it_goes_with_the_wall_clock(clock: FakeClock) -> None:
    patient = PatientClock(clock)
    clock.run(3600)
    assert patient.now() == TEN + 3600


def test_a_step_forward_does_not_hurry_it(clock: FakeClock) -> None:
    patient = PatientClock(clock)
    clock.step(86_400)
    assert patient.now() == TEN
    clock.run(60)
    assert patient.now() == TEN + 60


def test_a_step_back_holds_it_back(clock: FakeClock) -> None:
    patient = PatientClock(clock)
    clock.step(-3600)
    assert patient.now() == TEN - 3600
    clock.step(3600)
    assert patient.now() == TEN


def test_a_sleep_counts(clock: FakeClock) -> None:
    patient = PatientClock(clock)
    clock.suspend(600)
    assert patient.now() == TEN + 600


moves = st.tuples(st.sampled_from(["run", "step", "suspend"]), st.integers(0, 100_000))


@given(st.lists(moves))
def test_it_is_never_ahead_of_either(moved: list[tuple[str, int]]) -> None:
    clock = FakeClock(TEN)
    patient = PatientClock(clock)
    gone_by = 0
    for at, (move, seconds) in enumerate(moved):
        getattr(clock, move)(-seconds if move == "step" and at % 2 else seconds)
        gone_by += 0 if move == "step" else seconds
        assert patient.now() == min(clock.wall(), TEN + gone_by)


def test_the_machines_own_clocks() -> None:
    clock = SystemClock()
    assert abs(clock.wall() - time.time()) < 1
    before = clock.monotonic(), clock.elapsed()
    assert before <= (clock.monotonic(), clock.elapsed())
    assert clock.elapsed() >= clock.monotonic() - 1  # the one goes on while the machine sleeps
