"""The machine itself: CPU, memory, disks, network, pressure."""

from __future__ import annotations

import platform
import socket
from collections.abc import Sequence
from pathlib import Path

import psutil

from monitor.sources.base import DeviceState, Row, Rows, SourceState, Value
from monitor.sources.host_cpu import CpuSensors, CpuTimes
from monitor.sources.host_disks import Disks
from monitor.sources.host_network import Network
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates

_KIB = 1024


class HostSource:
    """Reads `/proc` and `/sys` below `root`. The first tick has no rates yet: they are missing."""

    name = "host"

    def __init__(
        self, root: Path = Path("/"), mounts: Sequence[str] = (), now: float = 0.0
    ) -> None:
        self._files = KernelFiles(root)
        self._cpu = CpuTimes()
        self._sensors = CpuSensors(self._files)
        self._disks = Disks(self._files, mounts, now)
        self._network = Network(self._files)
        self._pressure = Rates()
        self._host = DeviceState("host", "host", facts=self._facts())
        self._devices: tuple[DeviceState, ...] = (self._host,)

    def sample(self, monotonic: float) -> Rows:
        """Rows of host, core, disk and network."""
        cpu, cores = self._cpu.read(self._files.read("proc/stat"))
        io, disks = self._disks.read(monotonic)
        traffic, interfaces = self._network.read(monotonic)
        host: Row = {"device": "host"}
        for part in (
            cpu,
            self._load(),
            self._sensors.read(monotonic),
            self._memory(),
            io,
            traffic,
            self._pressures(monotonic),
        ):
            host.update(part)
        return {"host": [host], "core": cores, "disk": disks, "network": interfaces}

    def devices(self) -> Sequence[DeviceState]:
        """The host, its mounts and interfaces, with their facts."""
        devices = (self._host, *self._disks.states, *self._network.states)
        if devices != self._devices:
            self._devices = devices
        return self._devices

    def state(self) -> SourceState:
        """Bad only where there is no /proc to read."""
        if self._files.read("proc/stat"):
            return SourceState(self.name, ok=True)
        return SourceState(
            self.name,
            ok=False,
            reason=f"{self._files.root / 'proc/stat'} cannot be read.",
            advice="Mount /proc, or point --root at a folder that has it.",
        )

    def close(self) -> None:
        """Close every file."""
        self._disks.close()
        self._files.close()

    def _load(self) -> Row:
        fields = self._files.read("proc/loadavg").split()
        return {"load_1m": float(fields[0])} if fields else {}

    def _memory(self) -> Row:
        sizes: dict[bytes, int] = {}
        for line in self._files.read("proc/meminfo").splitlines():
            name, _, rest = line.partition(b":")
            fields = rest.split()
            if fields and fields[0].isdigit():
                sizes[name] = int(fields[0]) * _KIB
        total, available = sizes.get(b"MemTotal"), sizes.get(b"MemAvailable")
        cached = [sizes.get(name) for name in (b"Cached", b"Buffers", b"SReclaimable")]
        swap_total, swap_free = sizes.get(b"SwapTotal"), sizes.get(b"SwapFree")
        return {
            "memory_used_bytes": _minus(total, available),
            "memory_available_bytes": available,
            "memory_cached_bytes": sum(size or 0 for size in cached) if any(cached) else None,
            "memory_total_bytes": total,
            "swap_used_bytes": _minus(swap_total, swap_free),
            "swap_total_bytes": swap_total,
        }

    def _pressures(self, now: float) -> Row:
        row: Row = {}
        for resource in ("cpu", "io", "memory"):
            total = _stalled_microseconds(self._files.read(f"proc/pressure/{resource}"))
            share = self._pressure.per_second(resource, total, now)
            # Microseconds a second, as percent.
            row[f"pressure_{resource}_percent"] = None if share is None else min(100, share / 1e4)
        return row

    def _facts(self) -> dict[str, Value]:
        once = self._files.once
        model = next(
            (
                line.partition(":")[2].strip()
                for line in once("proc/cpuinfo").splitlines()
                if line.startswith(("model name", "Model"))
            ),
            None,
        )
        release = dict(
            line.split("=", 1) for line in once("etc/os-release").splitlines() if "=" in line
        )
        return {
            "name": once("proc/sys/kernel/hostname") or socket.gethostname(),
            "cpu_model": model,
            "cores": once("proc/stat").count("\ncpu") or psutil.cpu_count(),
            "physical_cores": psutil.cpu_count(logical=False),
            "kernel": once("proc/sys/kernel/osrelease") or platform.release(),
            "operating_system": release.get("PRETTY_NAME", "").strip('"') or None,
            "booted": next(
                (
                    int(line.split()[1])
                    for line in once("proc/stat").splitlines()
                    if line.startswith("btime ")
                ),
                None,
            ),
        }


def _minus(total: int | None, part: int | None) -> int | None:
    return None if total is None or part is None else max(0, total - part)


def _stalled_microseconds(pressure: bytes) -> int | None:
    for line in pressure.splitlines():
        if line.startswith(b"some "):
            return int(line.rpartition(b"total=")[2])
    return None
