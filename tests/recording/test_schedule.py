"""Jobs run on the wall clock's own seconds, whatever that clock does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers import SchedulerNotRunningError
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.recording.clock import Clock, SystemClock
from monitor.recording.schedule import Job, OnTheClock, Schedule
from tests.fakes import FakeClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

moments = st.integers(0, 4 * 10**15).map(lambda passed: EPOCH + passed * MICROSECOND)
intervals = st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 60.0, 300.0])
shares = st.sampled_from([0.0, 0.45])


@given(moments, intervals, shares)
# As floats, 0.3 s is not later than 0.3 s but taken to be.
@example(EPOCH + 300_000 * MICROSECOND, 0.1, 0.0)
def test_the_next_moment_is_the_first_on_the_grid_later_than_now(
    now: datetime, seconds: float, share: float
) -> None:
    after = share * seconds
    moment = OnTheClock(seconds, after).get_next_fire_time(None, now)
    step = round(seconds * 1e6)
    assert timedelta(0) < moment - now <= step * MICROSECOND
    assert ((moment - EPOCH) // MICROSECOND - round(after * 1e6)) % step == 0


@given(st.integers(0, 10**10), intervals, shares)
def test_a_moment_on_the_grid_is_not_its_own_next(steps: int, seconds: float, share: float) -> None:
    step, after = round(seconds * 1e6), share * seconds
    now = EPOCH + (steps % (4 * 10**15 // step) * step + round(after * 1e6)) * MICROSECOND
    assert OnTheClock(seconds, after).get_next_fire_time(now, now) == now + step * MICROSECOND


@given(moments, intervals)
def test_the_run_before_does_not_matter(previous: datetime, seconds: float) -> None:
    now = datetime(2026, 11, 24, 10, tzinfo=UTC)
    trigger = OnTheClock(seconds, 0)
    assert trigger.get_next_fire_time(previous, now) == trigger.get_next_fire_time(None, now)


Start = Callable[[list[Job], Clock], Schedule]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Schedule] = []

    def begin(jobs: list[Job], clock: Clock) -> Schedule:
        started.append(Schedule(jobs, clock))
        started[-1].start()
        return started[-1]

    yield begin
    for schedule in started:
        with contextlib.suppress(SchedulerNotRunningError):  # the test has stopped it
            schedule.stop()


def test_each_job_runs_on_its_seconds(start: Start) -> None:
    ran: dict[str, list[float]] = {"tick": [], "flush": []}
    enough = threading.Event()

    def run(name: str) -> None:
        ran[name].append(time.time())
        if all(len(times) >= 4 for times in ran.values()):
            enough.set()

    jobs = [
        Job("tick", lambda: run("tick"), 0.1),
        Job("flush", lambda: run("flush"), 0.2, 0.05),
    ]
    start(jobs, SystemClock())
    assert enough.wait(10)
    for job in jobs:
        late = [(at - job.after) % job.seconds for at in ran[job.name]]
        # A busy machine may delay one, not most; and none is early.
        assert sorted(late)[len(late) // 2] < 0.04, late


def test_a_job_that_takes_long_holds_up_no_tick_and_never_runs_twice_at_once(
    start: Start,
) -> None:
    at_work, let_go, ticked = threading.Event(), threading.Event(), threading.Event()
    running: list[int] = []
    ticks: list[float] = []

    def work() -> None:
        running.append(1)
        at_work.set()
        let_go.wait(10)

    def tick() -> None:
        ticks.append(time.time())
        if at_work.is_set() and len(ticks) >= 6:
            ticked.set()

    start([Job("tick", tick, 0.1), Job("work", work, 0.1)], SystemClock())
    try:
        assert at_work.wait(5)
        ticks.clear()
        assert ticked.wait(5)
        assert len(running) == 1
    finally:
        let_go.set()


def test_stop_waits_for_the_job_that_runs(start: Start) -> None:
    at_work, let_go, finished = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        at_work.set()
        let_go.wait(10)
        finished.set()

    schedule = start([Job("work", work, 0.1)], SystemClock())
    assert at_work.wait(5)
    threading.Timer(0.1, let_go.set).start()
    schedule.stop()
    assert finished.is_set()


def test_a_clock_set_back_sets_the_jobs_anew_within_a_second(start: Start) -> None:
    ran = threading.Event()
    clock = WatchedClock(time.time())
    # Due in 2033. Set back by 32 years it is due in 2001, which has passed: it runs at once.
    start([Job("tick", ran.set, 1e9)], clock)
    assert clock.looked.wait(2)
    clock.step(-1e9)
    assert ran.wait(1.1)


def test_a_sleep_leaves_the_jobs_alone(start: Start) -> None:
    ran = threading.Event()
    clock = WatchedClock(time.time() - 1e9)
    start([Job("tick", ran.set, 1e9)], clock)
    assert clock.looked.wait(2)
    clock.suspend(7200)
    clock.looked.clear()
    assert clock.looked.wait(2)
    assert not ran.wait(0.1)


class WatchedClock(FakeClock):
    """Says when somebody has looked at it."""

    def __init__(self, wall: float) -> None:
        super().__init__(wall)
        self.looked = threading.Event()

    def elapsed(self) -> float:
        self.looked.set()
        return super().elapsed()
