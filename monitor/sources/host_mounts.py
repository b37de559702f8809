"""Which file systems a person means by "disks", and how full they are."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from monitor.sources.kernel_files import KernelFiles

# File systems that keep people's data. Everything else is the kernel's or a container's own.
_REAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "reiserfs"}
    | {"ntfs", "ntfs3", "fuseblk", "exfat", "vfat", "apfs", "hfsplus", "virtiofs", "9p"}
    | {"nfs", "nfs4", "cifs", "smb3", "lustre", "ceph", "gpfs", "beegfs"}
    | {"fuse.sshfs", "fuse.glusterfs"}
)
_ALWAYS = ("/", "/data")
_LEFT_OUT = re.compile(r"/dev/loop|/dev/zram|/dev/ram")
_SYSTEM_MOUNTS = re.compile(r"^/(boot|efi|snap|etc/(hosts|hostname|resolv\.conf))(/|$)")
_USAGE_SECONDS = 5.0
_STALE_SECONDS = 15.0
_FIRST_ANSWER_SECONDS = 0.1


@dataclass(frozen=True)
class Mount:
    """A mounted file system. `number` is `major:minor` of its block device."""

    point: str
    file_system: str
    device: str
    number: str


def chosen_mounts(mountinfo: bytes, asked_for: Sequence[str] = ()) -> list[Mount]:
    """The mounts to show: real file systems once each, `/`, `/data` and those asked for always.

    `mountinfo` is /proc/self/mountinfo; of several mounts of one device the shortest path stands.
    """
    mounts: dict[str, Mount] = {}
    for line in mountinfo.decode(errors="replace").splitlines():
        left, separator, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if separator and len(fields) > 4 and len(kinds) > 1:
            point = _unescaped(fields[4])
            # A later mount on the same point covers the earlier one.
            mounts[point] = Mount(point, kinds[0], _unescaped(kinds[1]), fields[2])
    wanted = {*_ALWAYS, *(path.rstrip("/") or "/" for path in asked_for)}
    ordered = sorted(mounts.values(), key=lambda m: (m.point not in wanted, len(m.point), m.point))
    chosen: list[Mount] = []
    seen: set[str] = set()
    for mount in ordered:
        asked = mount.point in wanted
        duplicate = mount.number in seen or mount.device in seen
        if mount.point == "/data" and "/data" not in asked_for and duplicate:
            continue  # not separate from /
        if not asked and (duplicate or not _is_real(mount)):
            continue
        seen |= {mount.number, mount.device}
        chosen.append(mount)
    return sorted(chosen, key=lambda m: (m.point != "/", m.point))


def _is_real(mount: Mount) -> bool:
    return (
        mount.file_system in _REAL
        and not _LEFT_OUT.match(mount.device)
        and not _SYSTEM_MOUNTS.match(mount.point)
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


class MountUsage:
    """How full one mount is. A thread of its own asks: a dead server can block it for ever."""

    def __init__(self, path: Path, now: float) -> None:
        self._path = path
        self._ask = threading.Event()
        self._answered = threading.Event()
        self._usage: tuple[int, int] | None = None
        self._asked_at = self._answered_at = now
        self._ended = False
        threading.Thread(target=self._run, name=f"usage {path}", daemon=True).start()
        self._ask.set()
        self._answered.wait(_FIRST_ANSWER_SECONDS)

    def read(self, now: float) -> tuple[int, int] | None:
        """(used, total) bytes; None where the mount has not answered for a while."""
        if self._answered.is_set():
            self._answered.clear()
            self._answered_at = now
        if now - self._asked_at >= _USAGE_SECONDS:
            self._asked_at = now
            self._ask.set()
        return self._usage if now - self._answered_at < _STALE_SECONDS else None

    def close(self) -> None:
        """Let the thread end, when it can."""
        self._ended = True
        self._ask.set()

    def _run(self) -> None:
        while True:
            self._ask.wait()
            if self._ended:
                return
            self._ask.clear()
            try:
                usage = psutil.disk_usage(os.fspath(self._path))
                self._usage = (usage.used, usage.used + usage.free)
            except OSError:
                self._usage = None
            self._answered.set()


def mountinfo(files: KernelFiles) -> bytes:
    """The mounts of the machine: of init where it may be read, as in a container with /proc."""
    return files.read("proc/1/mountinfo") or files.read("proc/self/mountinfo")
