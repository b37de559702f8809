"""The recorder's jobs, by APScheduler, on the wall clock's own seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.recording.clock import Clock

_STEP_SECONDS = 0.5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Job:
    """Work to do each `seconds`, `after` seconds past each multiple of them."""

    name: str
    run: Callable[[], object]
    seconds: float
    after: float = 0.0


class OnTheClock(BaseTrigger):  # type: ignore[misc]
    """Each multiple of `seconds` since 1970, plus `after`.

    What lies between the last run and now is left out here: APScheduler's own interval trigger
    lists every run in between before it coalesces them, which after a clock set from 1970 takes
    minutes.
    """

    __slots__ = ("after", "seconds")

    def __init__(self, seconds: float, after: float) -> None:
        self.seconds = seconds
        self.after = after

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first such moment later than `now`.

        Counted in whole microseconds: as floats, a moment can come out as not later than itself,
        and APScheduler then asks for the next one for ever.
        """
        step, after = round(self.seconds * 1e6), round(self.after * 1e6)
        passed = (now - _EPOCH) // _MICROSECOND
        return _EPOCH + (((passed - after) // step + 1) * step + after) * _MICROSECOND


class Schedule:
    """Runs jobs on their seconds; none runs twice at once, and none is made up for.

    APScheduler waits for a point on the wall clock, so a clock set back an hour would stop it for
    an hour. A watcher compares the wall clock with the monotonic one and sets the jobs anew.
    """

    def __init__(self, jobs: list[Job], clock: Clock) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="clock", daemon=True)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(1),
                "slow": ThreadPoolExecutor(1),
            },
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        for position, job in enumerate(jobs):
            self._scheduler.add_job(
                job.run,
                OnTheClock(job.seconds, job.after),
                id=job.name,
                # The first job is the tick; nothing may stand before it in a queue.
                executor="slow" if position else "default",
            )

    def start(self) -> None:
        """Begin; each job runs at its next second."""
        self._scheduler.start()
        self._watcher.start()

    def stop(self) -> None:
        """End, after the jobs that are running."""
        self._stop.set()
        self._scheduler.shutdown(wait=True)

    def _offset(self) -> float:
        return self._clock.wall() - self._clock.elapsed()

    def _watch(self) -> None:
        offset = self._offset()
        while not self._stop.wait(0.5):
            now = self._offset()
            if abs(now - offset) > _STEP_SECONDS:
                for job in self._scheduler.get_jobs():
                    moment = datetime.fromtimestamp(self._clock.wall(), UTC)
                    job.modify(next_run_time=job.trigger.get_next_fire_time(None, moment))
            offset = now
