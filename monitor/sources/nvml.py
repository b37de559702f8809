"""NVIDIA GPUs through NVML, the driver's library: rows each tick, and how each GPU is.

No NVML call is made on the caller's thread, and no GPU waits for one that hangs.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from monitor.sources.base import DeviceState, DeviceStatus, Row, Rows, SourceState
from monitor.sources.cadence import Cadence
from monitor.sources.lane import Countdown
from monitor.sources.nvml_gpu import Gpu
from monitor.sources.nvml_power import RuntimePower, bus_id_of
from monitor.sources.nvml_reopen import Reopening
from monitor.sources.nvml_rest import REST_SECONDS, Rest
from monitor.sources.nvml_session import ASLEEP, RESTING, Session
from monitor.sources.nvml_states import States
from monitor.sources.processes import Processes

log = logging.getLogger(__name__)

_LONGEST_DEADLINE = 0.3
_DEADLINE_SHARE = 0.6
# A thread at work that long may have met a call that hangs: another goes on with the other GPUs.
_STALL_SECONDS = 0.02
# A PCIe reading takes 40 ms; what takes longer than this may hang.
_CLOSE_SECONDS = 0.3
# PCIe and NVLink rates read beside a tick are shown with the next ones for this long.
_FRESH_SECONDS = 2.5
_PROCESS_SECONDS = 2.0
# Of the time between two readings of processes: a reading that is late once loses no row.
_PROCESSES_FRESH = 1.5


class NvmlSource:
    """Rows of the `gpu` table, for GPUs and MIG instances, and every 2 s of the `process` table.

    `deadline` is how long a tick waits for answers. A lost GPU is asked again after
    `retry_seconds`, then in growing steps; a driver that is not there each `driver_retry_seconds`.
    `clock` is monotonic and only times rates, `wall` gives seconds since 1970 and only tells which
    ticks have processes; all else goes by the time given to `sample`.
    """

    name = "nvml"

    def __init__(
        self,
        root: Path = Path("/"),
        interval: float = 1.0,
        *,
        deadline: float | None = None,
        retry_seconds: float = 5.0,
        driver_retry_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._deadline = deadline or min(_LONGEST_DEADLINE, _DEADLINE_SHARE * interval)
        self._fresh_seconds = max(_FRESH_SECONDS, _FRESH_SECONDS * interval)
        self._retry_seconds = retry_seconds
        self._driver_retry_seconds = driver_retry_seconds
        self._session = Session(clock, interval)
        self._root = root
        self._wall = wall
        self._cadence = Cadence(_PROCESS_SECONDS, interval)
        self._processes = Processes(root)
        self._power = RuntimePower(root)
        self._states = States()
        self._pid = os.getpid()
        self._open_at = float("-inf")
        self._reopening = Reopening(root, retry_seconds)
        self._rest = Rest(self._power)
        self._placed: Sequence[Gpu] = ()

    def sample(self, monotonic: float) -> Rows:
        """The row of each GPU that answered in time; now and then one for each process."""
        try:
            return self._sample(monotonic, self._wall())
        except Exception:
            log.exception("Reading the GPUs failed in a way no one foresaw.")
            return {"gpu": []}

    def devices(self) -> Sequence[DeviceState]:
        """Every GPU and MIG instance seen since the start."""
        return self._states.all()

    def state(self) -> SourceState:
        """Whether the driver answers; a GPU that does not is in `devices`."""
        return self._session.state(self.name)

    @property
    def idle(self) -> bool:
        """Whether no call to the driver is under way."""
        return self._session.drained

    def close(self) -> None:
        """End the session with the driver, unless a call hangs in it."""
        end = time.monotonic() + _CLOSE_SECONDS
        while not self.idle and time.monotonic() < end:
            time.sleep(0.005)
        self._session.close(time.monotonic(), _CLOSE_SECONDS)
        self._power.close()

    def _sample(self, now: float, wall: float) -> Rows:
        end = time.monotonic() + self._deadline
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._session.forget()
            self._processes = Processes(self._root)
            self._open_at = now
        if not self._session.gpus:
            self._connect(now)
            self._session.wait(end - time.monotonic())
        if not self._session.gpus:
            self._note_no_gpu()
            return {"gpu": []}
        rows = {"gpu": self._read(self._session.gpus, now, end)}
        self._states.note_gpus(self._session.gpus, self._session.events)
        if self._cadence.shows(wall):
            rows["process"] = self._process_rows(now)
        self._ask_again(now, wall)
        return rows

    def _note_no_gpu(self) -> None:
        if self._session.problem is ASLEEP:
            self._states.note_sleeping(self._power.addresses())
        elif self._session.problem is not None:
            status: DeviceStatus = "asleep" if self._session.quiet else "lost"
            self._states.note_driver(self._session.problem, status)

    def _connect(self, now: float) -> None:
        if self._session.opening or now < self._open_at:
            return
        self._open_at = now + self._driver_retry_seconds
        asleep = self._power.all_asleep()
        if self._session.problem is RESTING:
            self._rest.ended(slept=asleep)
        if asleep:
            self._session.problem = ASLEEP
        else:
            self._reopening.begun(now)
            self._session.open(now)

    def _read(self, gpus: Sequence[Gpu], now: float, end: float) -> list[Row]:
        awake = []
        self._place(gpus)
        for gpu in gpus:
            gpu.asleep = self._power.asleep(gpu.bus_id)
            if not gpu.asleep:
                awake.append(gpu)
        asked = [gpu for gpu in awake if gpu.asked_at is None and gpu.retry_at <= now]
        self._ask(asked, now, end)

        rows: list[Row] = []
        for gpu in gpus:
            gpu.silent_seconds = None
            if gpu.asleep or (gpu not in asked and gpu.asked_at is None):
                continue
            if gpu.answered != now:
                gpu.silent_seconds = now - (now if gpu.asked_at is None else gpu.asked_at)
            elif gpu.rows:
                gpu.row_with(gpu.rows[0], now, self._fresh_seconds)
                rows += gpu.rows
            elif gpu.lost or not gpu.uuid:
                gpu.retry_at = now + self._retry_seconds
        # A GPU often sends its XID in the very tick in which it stops to answer.
        told = {row["device"] for row in rows}
        silent = [gpu for gpu in gpus if gpu.uuid and gpu.uuid not in told]
        return rows + [row for gpu in silent if (row := gpu.xid_row()) is not None]

    def _place(self, gpus: Sequence[Gpu]) -> None:
        """Where a GPU is, before it is asked: the question would wake one that sleeps."""
        if gpus is self._placed:
            return
        self._placed = gpus
        addresses = self._power.addresses()
        if len(addresses) == len(gpus):  # else it is not known which is which
            for gpu in gpus:
                gpu.bus_id = gpu.bus_id or bus_id_of(addresses[gpu.index])

    def _ask(self, gpus: Sequence[Gpu], now: float, end: float) -> None:
        """Have the GPUs read, each by a thread that a GPU before it does not hold up for long."""
        crew, answered = self._session.quick, Countdown(len(gpus))
        jobs = {gpu.quick_job(now, answered.done): gpu for gpu in gpus}
        for job in jobs:
            crew.add(job)
        while (left := end - time.monotonic()) > 0:
            crew.reinforce(now)
            if answered.wait(min(left, _STALL_SECONDS)):
                return
        for job in crew.withdraw():
            jobs[job].asked_at = None

    def _process_rows(self, now: float) -> list[Row]:
        fresh = _PROCESSES_FRESH * self._cadence.seconds
        gpus = [gpu for gpu in self._session.gpus if not gpu.asleep and not gpu.lost]
        return [row for gpu in gpus for row in gpu.processes.rows(now, fresh)]

    def _ask_again(self, now: float, wall: float) -> None:
        """Start the readings beside the tick, or the new session that a lost GPU needs."""
        gpus, drained = self._session.gpus, self._session.drained
        if self._reopening.is_due(gpus, now, missing=self._states.missing):
            if drained and not self._power.all_asleep():
                self._open_at = now
                self._connect(now)
            if drained or self._reopening.waits_for_calls(now):
                return
        elif self._rest.is_due(gpus, now):
            if drained:
                self._open_at = now + REST_SECONDS
                self._session.rest(now)
            return
        awake = [gpu for gpu in gpus if not gpu.asleep]
        if self._cadence.reads(wall):
            self._read_processes(awake, now, wall)
        for gpu in awake:
            if job := gpu.slow_job(now):
                self._session.slow.add(job)
        self._session.slow.reinforce(now)
        if awake:
            self._session.events.poll(now)

    def _read_processes(self, gpus: Sequence[Gpu], now: float, wall: float) -> None:
        self._processes.forget(now)
        for gpu in gpus:
            if job := gpu.process_job(self._processes, now, wall):
                self._session.slow.add(job)
