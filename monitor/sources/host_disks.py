"""Mounted file systems and the block devices under them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.sources.base import DeviceState, Row
from monitor.sources.host_mounts import Mount, MountUsage, chosen_mounts, mountinfo
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates

_SECTOR_BYTES = 512  # of /proc/diskstats, whatever the disk's own
_MOUNTS_SECONDS = 10.0
_NOT_PHYSICAL = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|rbd)\d*")


@dataclass(frozen=True)
class BlockCounters:
    """Totals of one block device since boot."""

    name: str
    read_bytes: int
    write_bytes: int
    requests: int
    request_ms: int
    busy_ms: int


def parse_diskstats(diskstats: bytes) -> dict[str, BlockCounters]:
    """Counters by `major:minor`. Lines of very old kernels, without times, are left out."""
    devices: dict[str, BlockCounters] = {}
    for line in diskstats.decode(errors="replace").splitlines():
        fields = line.split()
        if len(fields) < 14:
            continue
        reads, _, read_sectors, read_ms, writes, _, write_sectors, write_ms, _, busy_ms = map(
            int, fields[3:13]
        )
        devices[f"{fields[0]}:{fields[1]}"] = BlockCounters(
            fields[2],
            read_sectors * _SECTOR_BYTES,
            write_sectors * _SECTOR_BYTES,
            reads + writes,
            read_ms + write_ms,
            busy_ms,
        )
    return devices


class Disks:
    """Rows of the `disk` table, and the host's totals over whole physical disks."""

    def __init__(self, files: KernelFiles, asked_for: Sequence[str], now: float) -> None:
        self._files = files
        self._asked_for = asked_for
        self._rates = Rates()
        self._usage: dict[str, MountUsage] = {}
        self._mounts: list[Mount] = []
        self._numbers: dict[str, str] = {}
        self._physical: dict[str, bool] = {}
        self._looked_at = now - _MOUNTS_SECONDS
        self.states: tuple[DeviceState, ...] = ()

    def read(self, now: float) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each mount."""
        if now - self._looked_at >= _MOUNTS_SECONDS:
            self._looked_at = now
            self._look(now)
        devices = parse_diskstats(self._files.read("proc/diskstats"))
        return self._totals(devices, now), [
            self._row(mount, devices, now) for mount in self._mounts
        ]

    def close(self) -> None:
        """Let the usage threads end."""
        for usage in self._usage.values():
            usage.close()

    def _look(self, now: float) -> None:
        mounts = chosen_mounts(mountinfo(self._files), self._asked_for)
        if mounts == self._mounts:
            return
        self._mounts = mounts
        self._numbers = {mount.point: self._block_number(mount) for mount in mounts}
        for point in self._usage.keys() - {mount.point for mount in mounts}:
            self._usage.pop(point).close()
        for mount in mounts:
            if mount.point not in self._usage:
                path = self._files.root / mount.point.lstrip("/")
                self._usage[mount.point] = MountUsage(path, now)
        self.states = tuple(
            DeviceState(
                "disk",
                mount.point,
                facts={"file_system": mount.file_system, "block_device": mount.device},
            )
            for mount in mounts
        )

    def _block_number(self, mount: Mount) -> str:
        # btrfs shows a number of its own (0:x); the device's name leads to the real one.
        if not mount.number.startswith("0:"):
            return mount.number
        name = mount.device.removeprefix("/dev/")
        return self._files.once(f"sys/class/block/{name}/dev") if name != mount.device else ""

    def _row(self, mount: Mount, devices: dict[str, BlockCounters], now: float) -> Row:
        usage = self._usage[mount.point].read(now)
        row: Row = {"device": mount.point}
        if usage is not None:
            row["used_bytes"], row["total_bytes"] = usage
        counters = devices.get(self._numbers[mount.point])
        if counters is None:
            return row
        key = mount.point
        row["read_bytes_per_second"] = self._rates.per_second((key, "r"), counters.read_bytes, now)
        row["write_bytes_per_second"] = self._rates.per_second(
            (key, "w"), counters.write_bytes, now
        )
        busy = self._rates.per_second((key, "busy"), counters.busy_ms, now)
        row["busy_percent"] = None if busy is None else min(100.0, busy / 10)
        requests = self._rates.change((key, "n"), counters.requests, now)
        waited = self._rates.change((key, "ms"), counters.request_ms, now)
        if requests and waited and requests[0] > 0:
            row["latency_seconds"] = waited[0] / requests[0] / 1000
        return row

    def _totals(self, devices: dict[str, BlockCounters], now: float) -> Row:
        reads, writes = [], []
        for number, counters in devices.items():
            if self._is_physical(counters.name):
                reads.append(self._rates.per_second((number, "R"), counters.read_bytes, now))
                writes.append(self._rates.per_second((number, "W"), counters.write_bytes, now))
        return {
            "disk_read_bytes_per_second": _sum(reads),
            "disk_write_bytes_per_second": _sum(writes),
        }

    def _is_physical(self, name: str) -> bool:
        if name not in self._physical:
            # A whole disk has a folder of its own in /sys/block; a partition has not.
            self._physical[name] = (
                not _NOT_PHYSICAL.fullmatch(name)
                and (self._files.root / "sys/block" / name.replace("/", "!")).exists()
            )
        return self._physical[name]


def _sum(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) if present else None
