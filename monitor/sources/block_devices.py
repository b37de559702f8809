"""Block devices, from /proc/diskstats and /sys/block."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.sources.kernel_files import KernelFiles

_SECTOR_BYTES = 512  # of /proc/diskstats, whatever the disk's own
# Made of other block devices, of memory or of a network; CD and floppy; a path of a multipath disk.
_NOT_A_DISK = re.compile(r"(loop|ram|zram|dm-|md|zd|bcache|drbd|nbd|sr|fd)\d+.*|nvme\d+c\d+n\d+")
_PARTITION = re.compile(r"((sd|hd|vd|xvd)[a-z]+\d+|(nvme\d+n|mmcblk|pmem)\d+p\d+)")


@dataclass(frozen=True, slots=True)
class BlockCounters:
    """Totals of one block device since boot."""

    name: str
    read_bytes: int
    write_bytes: int
    requests: int
    request_ms: int
    busy_ms: int


def parse_diskstats(diskstats: bytes) -> dict[str, BlockCounters]:
    """Counters by `major:minor`.

    14 columns, 18 since Linux 4.18 (discards), 20 since 5.5 (flushes). Partitions before 2.6.25
    have 7, without times: left out.
    """
    devices: dict[str, BlockCounters] = {}
    for line in diskstats.decode(errors="replace").splitlines():
        fields = line.split()
        counters = [int(field) for field in fields[3:13] if field.isdecimal()]
        if len(counters) < 10:
            continue
        reads, _, read_sectors, read_ms, writes, _, write_sectors, write_ms, _, busy_ms = counters
        devices[f"{fields[0]}:{fields[1]}"] = BlockCounters(
            fields[2],
            read_sectors * _SECTOR_BYTES,
            write_sectors * _SECTOR_BYTES,
            reads + writes,
            read_ms + write_ms,
            busy_ms,
        )
    return devices


class WholeDisks:
    """Tells physical disks from their partitions and from what is built on them."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self._known: dict[str, bool] = {}

    def among(self, devices: Iterable[BlockCounters]) -> list[BlockCounters]:
        """Those that are physical disks: together they count each transfer once."""
        return [device for device in devices if self._is_one(device.name)]

    def _is_one(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = not _NOT_A_DISK.fullmatch(name) and self._is_whole(name)
        return self._known[name]

    def _is_whole(self, name: str) -> bool:
        if self._files.exists("sys/block"):
            return self._files.exists(f"sys/block/{name}")
        return not _PARTITION.fullmatch(name)


def block_number(files: KernelFiles, device: str, number: str) -> str:
    """`major:minor` of the block device behind a mount; empty where there is none.

    btrfs shows a number of its own (0:x); there, the device's name leads to the real one.
    """
    if not number.startswith("0:"):
        return number
    name = device.removeprefix("/dev/")
    if name == device:
        return ""
    if name.startswith("mapper/"):
        for path in files.names("sys/block/dm-*/dm/name"):
            if files.once(path) == name.removeprefix("mapper/"):
                return files.once(path.removesuffix("dm/name") + "dev")
        return ""
    return files.once(f"sys/class/block/{name}/dev")
