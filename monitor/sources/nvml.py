"""NVIDIA GPUs through NVML, the driver's library: rows each tick, and how each GPU is.

No NVML call is made on the caller's thread, and no GPU waits for one that hangs.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from monitor.sources.base import DeviceState, Row, Rows, SourceState
from monitor.sources.lane import Countdown
from monitor.sources.nvml_gpu import Gpu
from monitor.sources.nvml_power import RuntimePower
from monitor.sources.nvml_session import ASLEEP, Session
from monitor.sources.nvml_states import States

log = logging.getLogger(__name__)

_LONGEST_DEADLINE = 0.3
_DEADLINE_SHARE = 0.6
_LONGEST_RETRY_SECONDS = 60.0
# A thread at work that long may have met a call that hangs: another goes on with the other GPUs.
_STALL_SECONDS = 0.02
# A PCIe reading takes 40 ms; what takes longer than this may hang.
_CLOSE_SECONDS = 0.3
# PCIe and NVLink rates read beside a tick are shown with the next ones for this long.
_FRESH_SECONDS = 2.5


class NvmlSource:
    """Rows of the `gpu` table, for GPUs and MIG instances.

    `deadline` is how long a tick waits for answers. A lost GPU is asked again after
    `retry_seconds`, then in growing steps; a driver that is not there each `driver_retry_seconds`.
    `clock` is monotonic and only times rates; all else goes by the time given to `sample`.
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
    ) -> None:
        self._deadline = deadline or min(_LONGEST_DEADLINE, _DEADLINE_SHARE * interval)
        self._fresh_seconds = max(_FRESH_SECONDS, _FRESH_SECONDS * interval)
        self._retry_seconds = retry_seconds
        self._driver_retry_seconds = driver_retry_seconds
        self._session = Session(clock, interval)
        self._power = RuntimePower(root)
        self._states = States()
        self._pid = os.getpid()
        self._open_at = float("-inf")
        self._reopen_at: float | None = None
        self._reopen_after = retry_seconds

    def sample(self, monotonic: float) -> Rows:
        """The row of each GPU that answered in time."""
        try:
            return {"gpu": self._sample(monotonic)}
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

    def _sample(self, now: float) -> list[Row]:
        end = time.monotonic() + self._deadline
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._session.forget()
            self._open_at = now
        if not self._session.gpus:
            self._connect(now)
            self._session.wait(end - time.monotonic())
        if not self._session.gpus:
            if self._session.problem is not None:
                asleep = self._session.problem is ASLEEP
                self._states.note_driver(self._session.problem, "asleep" if asleep else "lost")
            return []
        rows = self._read(self._session.gpus, now, end)
        self._states.note_gpus(self._session.gpus, self._session.events)
        self._ask_again(now)
        return rows

    def _connect(self, now: float) -> None:
        if self._session.opening or now < self._open_at:
            return
        self._open_at = now + self._driver_retry_seconds
        if self._power.all_asleep():
            self._session.problem = ASLEEP
        else:
            self._session.open(now)

    def _read(self, gpus: Sequence[Gpu], now: float, end: float) -> list[Row]:
        awake = []
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

    def _ask_again(self, now: float) -> None:
        """Start the readings beside the tick, or the new session that a lost GPU needs."""
        gpus = self._session.gpus
        if self._new_session_due(gpus, now):
            if self._session.drained:
                self._reopen_after = min(2 * self._reopen_after, _LONGEST_RETRY_SECONDS)
                self._reopen_at = now + self._reopen_after
                self._open_at = now
                self._connect(now)
            return
        awake = [gpu for gpu in gpus if not gpu.asleep]
        for gpu in awake:
            if job := gpu.slow_job(now):
                self._session.slow.add(job)
        self._session.slow.reinforce(now)
        if awake:
            self._session.events.poll(now)

    def _new_session_due(self, gpus: Sequence[Gpu], now: float) -> bool:
        if any(gpu.session_over for gpu in gpus):
            return True
        if not self._states.missing and not any(gpu.lost for gpu in gpus):
            self._reopen_at, self._reopen_after = None, self._retry_seconds
            return False
        if self._reopen_at is None:
            self._reopen_at = now + self._reopen_after
        return now >= self._reopen_at
