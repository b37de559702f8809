"""The machine itself: CPU, memory, disks, network, pressure.

A tick reads a dozen small files of /proc that are kept open. What can take long (how full a disk
is, clocks, temperatures, link speeds) is asked for apart, and a tick takes the latest answer.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from monitor.sources.base import DeviceState, Row, Rows, SourceState, Value
from monitor.sources.host_cpu import CpuTimes
from monitor.sources.host_disks import Disks, StatVfs
from monitor.sources.host_facts import host_facts
from monitor.sources.host_memory import load_columns, memory_columns, pressure_columns
from monitor.sources.host_network import Network
from monitor.sources.host_sensors import CpuSensors
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates

log = logging.getLogger(__name__)

T = TypeVar("T")

_RESOURCES = ("cpu", "io", "memory")
# So that the first tick has what a healthy machine answers at once.
_FIRST_ANSWERS_SECONDS = 0.1


class HostSource:
    """Reads `/proc`, `/sys` and `/etc` below `root`. The first tick has no rates: they are missing.

    `mounts` are paths to show besides the file systems found. `statvfs` may block for ever.
    """

    name = "host"

    def __init__(
        self,
        root: Path = Path("/"),
        mounts: Sequence[str] = (),
        statvfs: StatVfs = os.statvfs,
    ) -> None:
        self._files = KernelFiles(root)
        self._cpu = CpuTimes()
        self._sensors = CpuSensors(self._files)
        self._disks = Disks(self._files, mounts, statvfs)
        self._network = Network(self._files)
        self._pressure = Rates()
        self._strange: set[str] = set()
        self._readable = bool(self._files.read("proc/stat"))
        self._host = DeviceState("host", "host", facts=self._guarded("facts", self._facts, {}))
        self._devices: tuple[DeviceState, ...] = (self._host,)
        self.wait(_FIRST_ANSWERS_SECONDS)

    def sample(self, monotonic: float) -> Rows:
        """Rows of host, core, disk and network."""
        files, nothing = self._files, Row()
        stat = files.read("proc/stat")
        self._readable = bool(stat)
        pressure = {name: files.read(f"proc/pressure/{name}") for name in _RESOURCES}
        cpu, cores = self._guarded("CPU", lambda: self._cpu.read(stat), _nothing())
        io, disks = self._guarded("disks", lambda: self._disks.read(monotonic), _nothing())
        traffic, interfaces = self._guarded(
            "network", lambda: self._network.read(monotonic), _nothing()
        )
        host: Row = {"device": "host", **cpu}
        host |= self._guarded("load", lambda: load_columns(files.read("proc/loadavg")), nothing)
        host |= self._sensors.read(monotonic)
        host |= self._guarded("memory", lambda: memory_columns(files.read("proc/meminfo")), nothing)
        host |= {**io, **traffic}
        host |= self._guarded(
            "pressure", lambda: pressure_columns(pressure, self._pressure, monotonic), nothing
        )
        return {"host": [host], "core": cores, "disk": disks, "network": interfaces}

    def devices(self) -> Sequence[DeviceState]:
        """The host, its mounts and its interfaces, with their facts."""
        devices = (self._host, *self._disks.states, *self._network.states)
        if devices != self._devices:
            self._devices = devices
        return self._devices

    def state(self) -> SourceState:
        """Bad only where there is no /proc to read."""
        if self._readable:
            return SourceState(self.name, ok=True)
        return SourceState(
            self.name,
            ok=False,
            reason=f"{self._files.root / 'proc/stat'} cannot be read.",
            advice="Mount /proc, or point --root at a folder that has it.",
        )

    def wait(self, seconds: float) -> bool:
        """Whether all that is asked for apart has been answered, at the latest after `seconds`."""
        deadline = time.monotonic() + seconds
        parts = (self._sensors, self._network, self._disks)
        answered = [part.wait(deadline - time.monotonic()) for part in parts]
        return all(answered)

    def close(self) -> None:
        """Close every file and let the threads end."""
        for part in (self._sensors, self._network, self._disks, self._files):
            part.close()

    def _facts(self) -> dict[str, Value]:
        return host_facts(self._files)

    def _guarded(self, part: str, read: Callable[[], T], otherwise: T) -> T:
        """What `read` gives. A file in a form that nobody foresaw costs its own columns only."""
        try:
            return read()
        except (OSError, ValueError, IndexError) as error:
            if part not in self._strange:
                self._strange.add(part)
                log.warning("The host's %s could not be read: %s", part, error)
            return otherwise


def _nothing() -> tuple[Row, list[Row]]:
    return {}, []
