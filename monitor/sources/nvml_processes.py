"""The processes on a GPU and on its MIG instances, read beside the ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pynvml

from monitor.sources.base import Row
from monitor.sources.nvml_errors import FAILURES, STABLE, code_of, words_of
from monitor.sources.nvml_reader import Handle
from monitor.sources.processes import Processes

T = TypeVar("T")

Listed = Any
Sample = Any
List = Callable[[Handle], Sequence[Listed]]
Use = tuple[int, int, int]

_SHORT = pynvml.NVML_ERROR_INSUFFICIENT_SIZE
# Samples of use that are older than this say nothing about now.
_USE_SECONDS = 2.0
# Each list in the newest way first. Clients of CUDA's Multi-Process Service have one of their own.
_LISTS: tuple[tuple[str, tuple[List, ...]], ...] = (
    (
        "compute",
        (
            pynvml.nvmlDeviceGetComputeRunningProcesses,
            pynvml.nvmlDeviceGetComputeRunningProcesses_v2,
        ),
    ),
    (
        "graphics",
        (
            pynvml.nvmlDeviceGetGraphicsRunningProcesses,
            pynvml.nvmlDeviceGetGraphicsRunningProcesses_v2,
        ),
    ),
    (
        "compute",
        (
            pynvml.nvmlDeviceGetMPSComputeRunningProcesses,
            pynvml.nvmlDeviceGetMPSComputeRunningProcesses_v2,
        ),
    ),
)


class GpuProcesses:
    """Rows of the `process` table for a GPU in one session with the driver.

    A call that hangs costs these rows alone: `calling` tells whether one may be under way.
    """

    def __init__(self, driver_version: object) -> None:
        self.calling = False
        self.facts: Row = {}
        self._busy = False
        self._newest = 1 if _has_another_layout(str(driver_version)) else 0
        self._devices: dict[str, _Device] = {}
        self._read: tuple[float, list[Row]] = (0.0, [])

    def job(
        self,
        devices: Sequence[tuple[str, Handle]],
        processes: Processes,
        now: float,
        wall: float,
    ) -> Callable[[], None] | None:
        """The reading that is due, of devices by UUID, the GPU itself last; None while one goes on.

        `now` is the tick's time, `wall` the same in seconds since 1970.
        """
        if self._busy:
            return None
        self._busy = self.calling = True

        def job() -> None:
            try:
                rows = self._ask(devices, wall)
                self.calling = False
                for row in rows:
                    row |= processes.describe(int(row["pid"] or 0), now)
                self._read = (now, rows)
            finally:
                self._busy = self.calling = False

        return job

    def rows(self, now: float, fresh_seconds: float) -> list[Row]:
        """What was read last, if it is no older than it may be."""
        read_at, rows = self._read
        return rows if now - read_at <= fresh_seconds else []

    def _ask(self, devices: Sequence[tuple[str, Handle]], wall: float) -> list[Row]:
        since = max(0, int((wall - _USE_SECONDS) * 1e6))
        rows: list[Row] = []
        for uuid, handle in devices:
            device = self._devices.setdefault(uuid, _Device(self._newest))
            # A GPU lists the processes of its instances too, and tells less of them.
            known = {row["pid"] for row in rows}
            rows += [
                {"device": uuid, **row}
                for row in device.read(handle, since)
                if row["pid"] not in known
            ]
            self.facts = {"process_list": device.answer}
        return rows


class _Device:
    """A GPU or an instance. What it does not support is not asked for again."""

    def __init__(self, newest: int) -> None:
        self.answer = ""
        self._lists = [(kind, list(ways[newest:])) for kind, ways in _LISTS]
        self._tells_use = True

    def read(self, handle: Handle, since: int) -> list[Row]:
        """A row for each process, without its device. `since` is in µs since 1970."""
        found: dict[int, Row] = {}
        self.answer = ""
        for kind, ways in self._lists:
            for process in self._listed(ways, handle):
                if process.pid:
                    _note(found.setdefault(process.pid, {"pid": process.pid}), kind, process)
        used = self._use(handle, since) if found else None
        for pid, row in found.items():
            sm, encoder, decoder = (None,) * 3 if used is None else used.get(pid, (0, 0, 0))
            row |= {"sm_percent": sm, "encoder_percent": encoder, "decoder_percent": decoder}
        return list(found.values())

    def _listed(self, ways: list[List], handle: Handle) -> Sequence[Listed]:
        while ways:
            try:
                listed = _again_if_short(lambda: ways[0](handle))
            except FAILURES as error:
                code = code_of(error)
                self.answer = self.answer or words_of(code)
                if code not in STABLE:
                    return []
                ways.pop(0)
            else:
                self.answer = "reported"
                return listed
        self.answer = self.answer or words_of(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return []

    def _use(self, handle: Handle, since: int) -> dict[int, Use] | None:
        """SM, encoder and decoder in percent of those that used them; None where not told."""
        if not self._tells_use:
            return None
        try:
            samples = _again_if_short(lambda: pynvml.nvmlDeviceGetProcessUtilization(handle, since))
        except FAILURES as error:
            code = code_of(error)
            # pynvml raises a success where the driver has nothing to tell.
            if code == pynvml.NVML_ERROR_NOT_FOUND or getattr(error, "value", None) == 0:
                return {}
            self._tells_use = code not in STABLE
            return None
        # Drivers leave rubbish in entries they do not fill.
        told = [sample for sample in samples if sample.timeStamp > since and _is_sane(sample)]
        told.sort(key=lambda sample: int(sample.timeStamp))
        return {sample.pid: (sample.smUtil, sample.encUtil, sample.decUtil) for sample in told}


def _note(row: Row, kind: str, process: Listed) -> None:
    """Take in an entry; a process in both lists holds its memory once."""
    before = row.get("type", kind)
    row["type"] = kind if before == kind else "both"
    held = (row.get("gpu_memory_bytes"), process.usedGpuMemory)
    row["gpu_memory_bytes"] = max((int(each) for each in held if each is not None), default=None)


def _is_sane(sample: Sample) -> bool:
    shares = (sample.smUtil, sample.memUtil, sample.encUtil, sample.decUtil)
    return bool(sample.pid) and max(shares) <= 100


def _again_if_short(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except pynvml.NVMLError as error:
        # More began between the question for their number and that for them.
        if error.value != _SHORT:
            raise
        return ask()


def _has_another_layout(driver_version: str) -> bool:
    """Whether entries of the newest lists have a field more: 535.43 to 535.98."""
    major, _, rest = driver_version.partition(".")
    minor = rest.partition(".")[0]
    return major == "535" and minor.isdecimal() and int(minor) < 104
