"""Which file systems are shown."""

from __future__ import annotations

import pytest

from monitor.sources.host_mounts import Mount, chosen, parse_mountinfo
from tests.sources.fake_host import MOUNTINFO, SHOWN

CONTAINER = """\
600 500 0:60 / / rw - overlay overlay rw,lowerdir=/a:/b
601 600 0:61 / /proc rw - proc proc rw
602 600 0:62 / /dev rw - tmpfs tmpfs rw
603 600 8:2 /var/lib/docker/containers/1/hosts /etc/hosts rw - ext4 /dev/sda2 rw
604 600 8:2 /usr/bin/nvidia-smi /usr/bin/nvidia-smi ro - ext4 /dev/sda2 rw
605 600 8:2 /usr/lib/libcuda.so.1 /usr/lib/libcuda.so.1 ro - ext4 /dev/sda2 rw
606 600 8:2 /srv/work /workspace rw - ext4 /dev/sda2 rw
607 600 0:70 / /run/secrets rw - tmpfs tmpfs rw
"""
BTRFS = """\
20 1 0:30 /@ / rw - btrfs /dev/nvme0n1p2 rw,subvol=/@
21 20 0:30 /@home /home rw - btrfs /dev/nvme0n1p2 rw,subvol=/@home
22 20 0:30 /@snapshots /.snapshots rw - btrfs /dev/nvme0n1p2 rw
"""
ZFS = """\
20 1 0:25 / / rw - zfs rpool/ROOT rw
21 20 0:26 / /tank rw - zfs tank rw
22 21 0:27 / /tank/models rw - zfs tank/models rw
"""
OVER = """\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
21 20 0:33 / /data rw - autofs systemd-1 rw
22 20 8:17 / /data rw - ext4 /dev/sdb1 rw
"""
CLUSTER = """\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
21 20 0:90 / /scratch rw - lustre 10.0.0.1@o2ib:/scratch rw
22 20 0:91 / /home rw - nfs server:/home rw
23 20 0:91 /mira /home/mira rw - nfs server:/home/mira rw
24 20 8:33 / /var/lib/kubelet/pods/1/volumes/x rw - ext4 /dev/sdc1 rw
25 20 8:49 / /var/lib/docker rw - xfs /dev/sdd1 rw
26 20 8:65 / /boot rw - ext4 /dev/sde1 rw
27 20 11:0 / /media/cd ro - iso9660 /dev/sr0 ro
28 20 0:95 / /mnt/none-a rw - 9p none rw
29 20 0:96 / /mnt/none-b rw - 9p none rw
"""
DATA_IS_A_BIND = """\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
21 20 8:17 / /mnt rw - ext4 /dev/sdb1 rw
22 20 8:17 /a /data rw - ext4 /dev/sdb1 rw
"""
DATA_IS_THE_ROOT_DISK = """\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
22 20 8:1 /srv /data rw - ext4 /dev/sda1 rw
"""


def points(mountinfo: str, *asked_for: str, files: tuple[str, ...] = ()) -> list[str]:
    mounts = chosen(parse_mountinfo(mountinfo.encode()), asked_for, files.__contains__)
    return [mount.point for mount in mounts]


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        pytest.param(MOUNTINFO, SHOWN, id="workstation"),
        pytest.param(BTRFS, ["/"], id="btrfs subvolumes are one file system"),
        pytest.param(ZFS, ["/", "/tank", "/tank/models"], id="zfs datasets are many"),
        pytest.param(OVER, ["/", "/data"], id="mounted over an automount"),
        pytest.param(
            CLUSTER,
            ["/", "/boot", "/home", "/mnt/none-a", "/mnt/none-b", "/scratch", "/var/lib/docker"],
            id="cluster node",
        ),
        pytest.param(DATA_IS_A_BIND, ["/", "/data"], id="/data before a shorter path"),
        pytest.param(DATA_IS_THE_ROOT_DISK, ["/"], id="/data that is not separate"),
        pytest.param("", ["/"], id="no mountinfo"),
        pytest.param("20 1 8:1 /\nnonsense - \n - x y\n", ["/"], id="garbage"),
    ],
)
def test_shown(mountinfo: str, expected: list[str]) -> None:
    assert points(mountinfo) == expected


def test_a_container_s_single_files_are_no_disks() -> None:
    files = ("/usr/bin/nvidia-smi", "/usr/lib/libcuda.so.1")
    assert points(CONTAINER, files=files) == ["/", "/workspace"]


def test_only_local_file_systems_are_asked_whether_they_are_files() -> None:
    asked: list[str] = []

    def is_file(point: str) -> bool:
        asked.append(point)
        return False

    chosen(parse_mountinfo(CLUSTER.encode()), (), is_file)
    assert "/boot" in asked
    assert not {"/home", "/scratch", "/mnt/none-a"} & {*asked}


def test_what_is_asked_for_is_shown_whatever_it_is() -> None:
    assert points(MOUNTINFO, "/dev/shm", "/boot/efi/") == sorted([*SHOWN, "/dev/shm", "/boot/efi"])


def test_a_path_that_is_no_mount_shows_the_file_system_it_is_on() -> None:
    mounts = chosen(parse_mountinfo(MOUNTINFO.encode()), ["/data/runs/7", "/srv"])
    by_point = {mount.point: mount for mount in mounts}
    assert by_point["/data/runs/7"] == Mount("/data/runs/7", "xfs", "/dev/mapper/vault", "253:0")
    assert by_point["/srv"].device == "/dev/nvme0n1p2"


def test_a_bind_mount_asked_for_is_shown_instead_of_its_origin() -> None:
    assert points(MOUNTINFO, "/home/mira/projects") == [
        "/", "/archive of 2025", "/home/mira/projects", "/mnt/nfs",
    ]  # fmt: skip


def test_names_with_spaces_and_unknown_bytes() -> None:
    mountinfo = (
        b"20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:2 / /a\\040\xff rw - ext4 /dev/sda2 rw\n"
    )
    assert [m.point for m in chosen(parse_mountinfo(mountinfo))] == ["/", "/a \udcff"]
