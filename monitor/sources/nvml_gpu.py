"""One GPU in one session with the driver: its handle, its readings, what it answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pynvml

from monitor.sources.base import Row
from monitor.sources.lost_time import LostTime
from monitor.sources.nvml_errors import FAILURES, Problem, code_of, of_device
from monitor.sources.nvml_events import XidEvents
from monitor.sources.nvml_facts import FACTS, INSTANCE_FACTS, text
from monitor.sources.nvml_gpm import Gpm, Samples
from monitor.sources.nvml_processes import GpuProcesses
from monitor.sources.nvml_reader import Handle, Reader, Way, reading
from monitor.sources.nvml_readings import HEALTH, INSTANCE, QUICK, traffic
from monitor.sources.processes import Processes

_TRAFFIC_SECONDS = 1.0
_HEALTH_SECONDS = 30.0
_FACTS_SECONDS = 60.0
_INSTANCES_SECONDS = 10.0
_COUNTERS_FRESH_SECONDS = 2 * _HEALTH_SECONDS
_AT_ONCE, _NEVER = float("-inf"), float("inf")
# Ticks come a little early or late; a reading due each second should not wait for the next one.
_SLACK = 0.1
# One answer of an unknown error may pass; this many in a row do not.
_FAILURES_UNTIL_LOST = 3


def _pci_bus_id(handle: Handle) -> tuple[str]:
    return (text(pynvml.nvmlDeviceGetPciInfo(handle).busId),)


_ADDRESS = (reading("pci_bus_id", _pci_bus_id),)


def name_by_place(index: int) -> str:
    """What a GPU is called whose UUID is not known."""
    return f"GPU {index}"


@dataclass
class Shared:
    """What the GPUs of a process have in common."""

    events: XidEvents
    lost_time: LostTime
    absent: set[Way]
    samples: Samples
    clock: Callable[[], float]
    driver_facts: Row


class Instance:
    """A MIG instance."""

    def __init__(self, handle: Handle, number: int, parent: Gpu, shared: Shared) -> None:
        self.handle = handle
        self.uuid = text(pynvml.nvmlDeviceGetUUID(handle))
        self.reader = Reader(INSTANCE, shared.absent)
        self.facts: Row = {
            "uuid": self.uuid,
            "index": parent.index,
            "parent": parent.uuid,
            "mig_index": number,
            **shared.driver_facts,
        }
        Reader(INSTANCE_FACTS, shared.absent).read(handle, self.facts)


class Gpu:
    """A place in the driver's list.

    `quick_job`, `slow_job` and `process_job` are its readings, each for another thread, so that
    what takes long or hangs costs its own columns. `rows` and `problem` are what the last quick
    job came to, at the tick `answered`.
    """

    def __init__(self, index: int, shared: Shared) -> None:
        self.index = index
        self.uuid = ""
        self.bus_id = ""
        self.facts: Row = {}
        self.instances: tuple[Instance, ...] = ()
        self.processes = GpuProcesses(shared.driver_facts.get("driver_version"))
        self._gpm = Gpm(shared.samples, shared.clock)
        self.answered: float | None = None
        self.rows: list[Row] = []
        self.problem: Problem | None = None
        # Set by the source, for the tick.
        self.asleep = False
        self.silent_seconds: float | None = None
        self.retry_at = _AT_ONCE
        self.asked_at: float | None = None  # the tick whose reading is under way
        self._slow_since: float | None = None
        self._failures = 0
        self._handle: Handle = None
        self._shared = shared
        self._quick = Reader(QUICK, shared.absent)
        self._traffic = Reader(traffic(shared.clock), shared.absent)
        self._health = Reader(HEALTH, shared.absent)
        self._told = Reader(FACTS, shared.absent)
        self._traffic_row: tuple[float, Row] = (0.0, {})
        self._health_row: tuple[float, Row] = (0.0, {})
        self._due = dict.fromkeys(("traffic", "health", "facts", "instances"), _AT_ONCE)

    @property
    def name_by_place(self) -> str:
        """What it is called while its UUID is not known."""
        return name_by_place(self.index)

    @property
    def busy(self) -> bool:
        """Whether a call may be under way."""
        slow = self._slow_since is not None or self.processes.calling
        return self.asked_at is not None or slow

    @property
    def lost(self) -> bool:
        """Whether it can come back only in another session with the driver."""
        if self.problem is None or self.problem.status != "failed":
            return self.problem is not None and self.problem.status == "lost"
        return not self.uuid or self._failures >= _FAILURES_UNTIL_LOST

    @property
    def session_over(self) -> bool:
        """Whether someone else in the process closed the connection to the driver."""
        return self.problem is not None and self.problem.code == pynvml.NVML_ERROR_UNINITIALIZED

    def quick_job(self, now: float, done: Callable[[], None]) -> Callable[[], None]:
        """The reading of a tick; `done` is called after it, whatever comes of it."""
        self.asked_at = now

        def job() -> None:
            try:
                self._read(now)
            finally:
                self.asked_at = None
                done()

        return job

    def slow_job(self, now: float) -> Callable[[], None] | None:
        """What is due beside the ticks; None while nothing is, or the last of it goes on."""
        if self._handle is None or self._slow_since is not None:
            return None
        if all(due > now for due in self._due.values()):
            return None
        self._slow_since = now

        def job() -> None:
            try:
                self._read_slow(now)
            finally:
                self._slow_since = None

        return job

    def process_job(
        self, processes: Processes, now: float, wall: float
    ) -> Callable[[], None] | None:
        """The reading of its processes and its instances'; None while the last one goes on."""
        if self._handle is None:
            return None
        instances = [(instance.uuid, instance.handle) for instance in self.instances]
        devices = [*instances, (self.uuid, self._handle)]
        return self.processes.job(devices, processes, now, wall)

    def row_with(self, row: Row, now: float, fresh_seconds: float) -> Row:
        """`row` of this GPU, with the slow readings that are no older than they may be."""
        read_at, found = self._traffic_row
        if now - read_at <= fresh_seconds:
            row.update(found)
        read_at, found = self._health_row
        if now - read_at <= _COUNTERS_FRESH_SECONDS:
            row.update(found)
        row.update(self._shared.lost_time.counted(self.uuid, row.get("clock_event_reasons"), now))
        row["xid"] = self._shared.events.take(self.uuid)
        row["xid_count"] = self._shared.events.count(self.uuid)
        return row

    def xid_row(self) -> Row | None:
        """What came as events from a GPU that does not answer; None where nothing did."""
        xid = self._shared.events.take(self.uuid)
        if xid is None:
            return None
        count = self._shared.events.count(self.uuid)
        return {"device": self.uuid, "index": self.index, "xid_count": count, "xid": xid}

    def _read(self, now: float) -> None:
        rows: list[Row] = []
        if self._shared.lost_time.is_gap(self.answered, now):
            self._gpm.forget()
        problem = self._open() if self._handle is None else None
        if problem is None:
            row: Row = {"device": self.uuid, "index": self.index}
            problem = self._quick.read(self._handle, row)
            if problem is None:
                row.update(self._gpm.cells())
                rows = [row, *self._instance_rows()]
        self._failures = self._failures + 1 if problem else 0
        self.rows, self.problem = rows, problem
        if self.lost:
            self._handle = None
        self.answered = now  # last: what it says is complete

    def _open(self) -> Problem | None:
        try:
            # By UUID where it is known: places in the list may change, UUIDs do not.
            handle = (
                pynvml.nvmlDeviceGetHandleByUUID(self.uuid)
                if self.uuid
                else pynvml.nvmlDeviceGetHandleByIndex(self.index)
            )
            uuid = text(pynvml.nvmlDeviceGetUUID(handle))
        except FAILURES as error:
            return of_device(code_of(error))
        address: Row = {}
        Reader(_ADDRESS, self._shared.absent).read(handle, address)
        self.bus_id = str(address.get("pci_bus_id", ""))
        if not self.uuid:
            self._shared.events.listen(handle, uuid)
        self.uuid = uuid
        self._publish_facts(address)
        self._handle = handle
        self._gpm.begin(handle)
        self._find_instances()
        return None

    def _instance_rows(self) -> list[Row]:
        rows = []
        for instance in self.instances:
            row: Row = {"device": instance.uuid, "index": self.index}
            if instance.reader.read(instance.handle, row) is None:
                if isinstance(number := instance.facts.get("gpu_instance_id"), int):
                    row.update(self._gpm.cells(number))
                rows.append(row)
            else:
                self._due["instances"] = _AT_ONCE  # it may have been taken apart
        return rows

    def _read_slow(self, now: float) -> None:
        if self._is_due("traffic", now, _TRAFFIC_SECONDS):
            row: Row = {}
            self._traffic.read(self._handle, row)
            self._traffic_row = (now, row)
        if self._is_due("health", now, _HEALTH_SECONDS):
            row = {}
            self._health.read(self._handle, row)
            self._health_row = (now, row)
        if self._is_due("facts", now, _FACTS_SECONDS):
            row = {}
            self._told.read(self._handle, row)
            self._publish_facts(row)
        if self._is_due("instances", now, _INSTANCES_SECONDS):
            self._find_instances()

    def _is_due(self, what: str, now: float, every: float) -> bool:
        if self._due[what] > now:
            return False
        self._due[what] = now + every - _SLACK
        return True

    def _publish_facts(self, found: Row) -> None:
        told = {name: value for name, value in found.items() if value is not None}
        always: Row = {"uuid": self.uuid, "index": self.index}
        self.facts = self.facts | self._shared.driver_facts | told | always

    def _find_instances(self) -> None:
        found: list[Instance] = []
        try:
            if not pynvml.nvmlDeviceGetMigMode(self._handle)[0]:
                self._due["instances"] = _NEVER
            else:
                for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(self._handle)):
                    try:
                        handle = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(self._handle, number)
                        found.append(Instance(handle, number, self, self._shared))
                    except FAILURES:  # NOT_FOUND: no instance has that number
                        continue
        except FAILURES:
            self._due["instances"] = _NEVER
        self.instances = tuple(found)
