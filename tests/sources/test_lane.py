"""Threads for calls that may hang."""

from __future__ import annotations

import threading

import pytest

from monitor.sources.lane import Countdown, Crew, Lane

SOON = 5.0


def test_a_lane_does_one_job_at_a_time() -> None:
    lane, hang, done = Lane("test"), threading.Event(), threading.Event()
    assert lane.start(lambda: bool(hang.wait(SOON)), 3.0, done.set)
    assert lane.busy_since == 3.0
    assert not lane.start(lambda: None, 4.0)
    hang.set()
    assert done.wait(SOON)
    assert not lane.busy
    assert lane.start(lambda: None, 5.0)


def test_a_job_that_raises_ends_neither_thread_nor_caller(caplog: pytest.LogCaptureFixture) -> None:
    lane, done, again = Lane("test"), threading.Event(), threading.Event()
    lane.start(lambda: [][0], 0.0, done.set)
    assert done.wait(SOON)
    assert "no one foresaw" in caplog.text
    assert lane.start(again.set, 1.0)
    assert again.wait(SOON)


def test_a_stopped_lane_ends_its_thread() -> None:
    lane, done = Lane("test-stopped"), threading.Event()
    lane.start(lambda: None, 0.0, done.set)
    assert done.wait(SOON)
    (thread,) = (each for each in threading.enumerate() if each.name == "test-stopped")
    lane.stop()
    thread.join(SOON)
    assert not thread.is_alive()


def test_one_thread_of_a_crew_does_all_jobs_that_go_well() -> None:
    crew, countdown = Crew("test"), Countdown(8)
    threads: set[str] = set()

    def job() -> None:
        threads.add(threading.current_thread().name)
        countdown.done()

    for _ in range(8):
        crew.add(job)
    crew.reinforce(0.0)
    assert countdown.wait(SOON)
    assert len(threads) == 1


def test_another_thread_goes_on_where_one_hangs() -> None:
    crew, countdown, hang = Crew("test"), Countdown(2), threading.Event()
    crew.add(lambda: bool(hang.wait(SOON)))
    crew.add(countdown.done)
    crew.add(countdown.done)
    crew.reinforce(0.0)
    assert not countdown.wait(0.01)
    crew.reinforce(0.0)
    assert countdown.wait(SOON)
    hang.set()


def test_jobs_that_no_thread_began_can_be_taken_back() -> None:
    crew, hang, begun = Crew("test"), threading.Event(), threading.Event()
    done: list[int] = []

    def hanging() -> None:
        begun.set()
        hang.wait(SOON)

    def late() -> None:
        done.append(1)

    crew.add(hanging)
    crew.add(late)
    crew.reinforce(0.0)
    assert begun.wait(SOON)
    assert crew.withdraw() == [late]
    hang.set()
    crew.stop()
    assert done == []


def test_a_countdown_of_nothing_is_over() -> None:
    assert Countdown(0).wait(0.0)
    assert not Countdown(1).wait(0.0)
