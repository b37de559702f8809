"""Which file systems a person means by "disks"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

# File systems that keep people's data. All others are the kernel's, a container's or a snap's own.
_LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "nilfs2", "bcachefs", "reiserfs"}
    | {"ntfs", "ntfs3", "fuseblk", "exfat", "vfat", "hfsplus", "ufs"}
)
_ELSEWHERE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "lustre", "ceph", "gpfs", "beegfs", "wekafs", "glusterfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "virtiofs", "9p"}
)
_NOT_A_DISK = re.compile(r"/dev/(loop|zram|ram)\d+")
_NOT_A_PERSONS = re.compile(
    r"/(boot/efi|efi|snap|var/snap|usr/lib/wsl|etc/(hosts|hostname|resolv\.conf))(/.*)?"
    r"|/var/lib/(docker|containers|containerd|kubelet|snapd)/.+"
)


@dataclass(frozen=True)
class Mount:
    """A mounted file system. `number` is `major:minor` as mountinfo has it."""

    point: str
    file_system: str
    device: str
    number: str


def parse_mountinfo(mountinfo: bytes) -> list[Mount]:
    """Every mount that can be seen; what is mounted over is left out."""
    mounts: dict[str, Mount] = {}
    for line in mountinfo.decode(errors="surrogateescape").splitlines():
        place, separator, kind = line.partition(" - ")
        fields, kinds = place.split(" "), kind.split(" ")
        if separator and len(fields) > 4 and len(kinds) > 1:
            point = _unescaped(fields[4])
            mounts[point] = Mount(point, kinds[0], _unescaped(kinds[1]), fields[2])
    return list(mounts.values())


def chosen(
    mounts: Sequence[Mount],
    asked_for: Iterable[str] = (),
    is_file: Callable[[str], bool] = lambda point: False,
) -> list[Mount]:
    """Real file systems once each, `/` and those asked for always; `/` comes first.

    Of several mounts of one device the shortest path stands, and `/data` before it. A path asked
    for that is no mount point shows the file system it is on. Containers have single files
    mounted; `is_file` knows them and is only asked about local file systems.
    """
    by_point = {mount.point: mount for mount in mounts}
    shown = {"/": by_point.get("/", Mount("/", "", "", ""))}
    for path in asked_for:
        point = str(PurePosixPath(path))
        shown[point] = replace(_covering(point, by_point) or shown["/"], point=point)
    seen = {identity for mount in shown.values() for identity in _identities(mount)}
    for mount in sorted(mounts, key=lambda m: (m.point != "/data", len(m.point), m.point)):
        if _is_real(mount) and not seen.intersection(_identities(mount)):
            if mount.file_system in _LOCAL and is_file(mount.point):
                continue
            seen.update(_identities(mount))
            shown[mount.point] = mount
    return sorted(shown.values(), key=lambda mount: (mount.point != "/", mount.point))


def _covering(path: str, by_point: dict[str, Mount]) -> Mount | None:
    parents = (path, *map(str, PurePosixPath(path).parents))
    return next((by_point[parent] for parent in parents if parent in by_point), None)


def _identities(mount: Mount) -> set[str]:
    # Names such as "none" or "tmpfs" say nothing.
    return {mount.number} | ({mount.device} if "/" in mount.device else set())


def _is_real(mount: Mount) -> bool:
    return (
        mount.file_system in _LOCAL | _ELSEWHERE
        and not _NOT_A_DISK.fullmatch(mount.device)
        and not _NOT_A_PERSONS.fullmatch(mount.point)
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
