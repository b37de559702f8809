"""A session with the driver, from init to shutdown, on a thread of its own.

Opening can take seconds (a GPU that no one uses is initialised first) and can hang. No handle
outlives its session, and a session ends only when no call is under way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pynvml

from monitor.sources.base import SourceState
from monitor.sources.lane import Countdown, Crew, Lane
from monitor.sources.lost_time import LostTime
from monitor.sources.nvml_errors import FAILURES, Problem, code_of, of_driver
from monitor.sources.nvml_events import XidEvents
from monitor.sources.nvml_facts import driver_facts
from monitor.sources.nvml_gpm import Samples
from monitor.sources.nvml_gpu import Gpu, Shared
from monitor.sources.nvml_reader import Way

_NO_GPU = Problem(
    pynvml.NVML_ERROR_NOT_FOUND,
    "The NVIDIA driver is loaded but lists no GPU.",
    "Check that the GPU is seated and powered (lspci), and that a container was given it.",
)
_OPENING = Problem(
    pynvml.NVML_ERROR_NOT_READY,
    "The NVIDIA driver is being opened.",
    "This takes seconds where persistence mode is off (nvidia-smi -pm 1).",
)
ASLEEP = Problem(
    pynvml.NVML_ERROR_NOT_READY,
    "Every NVIDIA GPU is suspended to save power, and is not woken for a reading.",
    "Readings begin when a program uses one.",
)


RESTING = Problem(
    pynvml.NVML_ERROR_NOT_READY,
    "Idle, and left alone for a while so that it can be suspended.",
)
_QUIET = (ASLEEP, RESTING)


class Session:
    """The connection, again and again. `gpus` is empty while there is none."""

    def __init__(self, clock: Callable[[], float], interval: float) -> None:
        self.gpus: tuple[Gpu, ...] = ()
        self.problem: Problem | None = _OPENING
        self.events = XidEvents()
        self._lost_time = LostTime(interval)
        self.quick, self.slow = Crew("nvml-quick"), Crew("nvml-slow")
        self._absent: set[Way] = set()
        self._samples = Samples()
        self._clock = clock
        self._lane = Lane("nvml-session")
        self._opened = Countdown(0)
        self._initialised = False

    @property
    def opening(self) -> bool:
        """Whether it is being opened or closed."""
        return self._lane.busy

    @property
    def quiet(self) -> bool:
        """Whether GPUs are left alone on purpose."""
        return self.problem in _QUIET

    @property
    def drained(self) -> bool:
        """Whether no call can be under way."""
        return not (self.opening or self.events.lane.busy or any(gpu.busy for gpu in self.gpus))

    def state(self, name: str) -> SourceState:
        """As a source's state: well, too, while GPUs sleep or are let to."""
        if self.problem is None:
            return SourceState(name, ok=True)
        well = self.quiet
        return SourceState(name, ok=well, reason=self.problem.reason, advice=self.problem.advice)

    def open(self, now: float) -> None:
        """Begin a session, after the end of the one before. Call only when drained."""
        self.gpus = ()
        self._opened = Countdown(1)
        self._lane.start(self._open, now, self._opened.done)

    def rest(self, now: float) -> None:
        """End the session, so that its GPUs may fall asleep. Call only when drained."""
        self.gpus, self.problem = (), RESTING
        self._lane.start(self._shut_down, now)

    def wait(self, seconds: float) -> None:
        """Give opening that long."""
        self._opened.wait(seconds)

    def close(self, now: float, seconds: float) -> None:
        """End the session if no call is under way; else the process's end will."""
        if self.drained:
            self.gpus = ()
            closed = Countdown(1)
            self._lane.start(self._shut_down, now, closed.done)
            closed.wait(seconds)
        for threads in (self.quick, self.slow, self._lane, self.events.lane):
            threads.stop()

    def forget(self) -> None:
        """After a fork: the threads and the driver's session stayed with the parent."""
        self._initialised = False
        self.gpus, self.problem = (), _OPENING
        self.quick, self.slow = Crew("nvml-quick"), Crew("nvml-slow")
        self._lane, self.events.lane = Lane("nvml-session"), Lane("nvml-events")
        self._opened = Countdown(0)
        self._samples = Samples()

    def _open(self) -> None:
        self._shut_down()
        try:
            pynvml.nvmlInit()
            self._initialised = True
            count = pynvml.nvmlDeviceGetCount()
        except FAILURES as error:
            self._shut_down()
            self.problem = of_driver(code_of(error))
            return
        if not count:
            self._shut_down()  # holds no driver that is to be replaced
            self.problem = _NO_GPU
            return
        self.events.open()
        shared = Shared(
            self.events,
            self._lost_time,
            self._absent,
            self._samples,
            self._clock,
            driver_facts(),
        )
        self.gpus = tuple(Gpu(index, shared) for index in range(count))
        self.problem = None

    def _shut_down(self) -> None:
        if self._initialised:
            self.events.close()
            self._samples.free()
            with contextlib.suppress(*FAILURES):
                pynvml.nvmlShutdown()
            self._initialised = False
