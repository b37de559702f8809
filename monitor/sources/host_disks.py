"""The `disk` table, and the host's totals over all disks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from monitor.sources.base import DeviceState, Row
from monitor.sources.block_devices import BlockCounters, WholeDisks, block_number, parse_diskstats
from monitor.sources.host_mounts import Mount, chosen, parse_mountinfo
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates, total
from monitor.sources.slow_reading import SlowReading

_MOUNTS_EVERY_SECONDS = 10.0
_USAGE_EVERY_SECONDS = 5.0

StatVfs = Callable[[str], os.statvfs_result]


class Disks:
    """Mounted file systems and the block devices under them."""

    def __init__(
        self, files: KernelFiles, asked_for: Sequence[str], statvfs: StatVfs = os.statvfs
    ) -> None:
        self.states: tuple[DeviceState, ...] = ()
        self._files = files
        self._asked_for = asked_for
        self._statvfs = statvfs
        self._rates = Rates()
        self._whole = WholeDisks(files)
        self._mountinfo = b""
        self._mounts: list[Mount] = []
        self._numbers: dict[str, str] = {}
        self._usage: dict[str, SlowReading[tuple[int, int]]] = {}
        self._looked_at = math.nan
        self._look()

    def read(self, now: float) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each mount."""
        if math.isnan(self._looked_at):
            self._looked_at = now
        elif now - self._looked_at >= _MOUNTS_EVERY_SECONDS:
            self._looked_at = now
            self._look()
            self._rates.forget_the_gone(now)
        devices = parse_diskstats(self._files.read("proc/diskstats"))
        return self._totals(devices, now), [
            self._row(mount, devices, now) for mount in self._mounts
        ]

    def wait(self, seconds: float) -> bool:
        """Whether every mount has said how full it is, at the latest after `seconds`."""
        answered = [usage.wait(seconds / len(self._usage)) for usage in self._usage.values()]
        return all(answered)

    def close(self) -> None:
        """Let the threads end that ask how full the mounts are."""
        for usage in self._usage.values():
            usage.close()

    def _look(self) -> None:
        mountinfo = _mountinfo(self._files)
        if mountinfo == self._mountinfo and self._mounts:
            return
        self._mountinfo = mountinfo
        path_of = partial(_below, self._files.root)
        # Asks the kernel's memory alone: the top of a mounted local file system is always there.
        self._mounts = chosen(
            parse_mountinfo(mountinfo),
            self._asked_for,
            lambda point: os.path.isfile(path_of(point)),
        )
        self._numbers = {
            mount.point: block_number(self._files, mount.device, mount.number)
            for mount in self._mounts
        }
        for point in self._usage.keys() - self._numbers.keys():
            self._usage.pop(point).close()
        for point in self._numbers.keys() - self._usage.keys():
            ask = partial(_usage, self._statvfs, path_of(point))
            self._usage[point] = SlowReading(f"usage of {point}", ask, _USAGE_EVERY_SECONDS)
        self.states = tuple(map(_state, self._mounts))

    def _row(self, mount: Mount, devices: dict[str, BlockCounters], now: float) -> Row:
        row: Row = {"device": mount.point}
        if usage := self._usage[mount.point].latest(now):
            row["used_bytes"], row["total_bytes"] = usage
        number = self._numbers[mount.point]
        if counters := devices.get(number):
            row.update(self._activity((mount.point, number), counters, now))
        return row

    def _activity(self, key: tuple[str, str], counters: BlockCounters, now: float) -> Row:
        busy = self._rates.per_second((*key, "busy"), counters.busy_ms, now)
        requests = self._rates.change((*key, "requests"), counters.requests, now)
        waited = self._rates.change((*key, "waited"), counters.request_ms, now)
        return {
            "read_bytes_per_second": self._rates.per_second(
                (*key, "read"), counters.read_bytes, now
            ),
            "write_bytes_per_second": self._rates.per_second(
                (*key, "write"), counters.write_bytes, now
            ),
            # Milliseconds a second; the kernel's clock and ours may differ by one.
            "busy_percent": None if busy is None else min(100.0, busy / 10),
            "latency_seconds": waited[0] / requests[0] / 1000
            if requests and waited and requests[0]
            else None,
        }

    def _totals(self, devices: dict[str, BlockCounters], now: float) -> Row:
        disks = self._whole.among(devices.values())
        return {
            "disk_read_bytes_per_second": total(
                [self._rates.per_second((d.name, "read"), d.read_bytes, now) for d in disks]
            ),
            "disk_write_bytes_per_second": total(
                [self._rates.per_second((d.name, "write"), d.write_bytes, now) for d in disks]
            ),
        }


def _mountinfo(files: KernelFiles) -> bytes:
    # Below another root, "self" is this process still; the host's own view is its init's.
    own = files.root == Path("/")
    return (b"" if own else files.read("proc/1/mountinfo")) or files.read("proc/self/mountinfo")


def _below(root: Path, point: str) -> str:
    return os.fspath(root / point.lstrip("/"))


def _usage(statvfs: StatVfs, path: str) -> tuple[int, int]:
    """(used, total) bytes. What is kept for root counts in neither, as in df."""
    space = statvfs(path)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    return used, used + space.f_bavail * space.f_frsize


def _state(mount: Mount) -> DeviceState:
    facts = {"file_system": mount.file_system or None, "block_device": mount.device or None}
    return DeviceState("disk", mount.point, facts=facts)
