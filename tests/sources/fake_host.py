# ruff: noqa: E501  (lines as the kernel writes them)
"""A machine of files: two cores, an NVMe disk with an encrypted partition, an old SATA disk, snaps,
containers, a file server, a bond."""

from __future__ import annotations

import os
from pathlib import Path

GIB = 1 << 30

MOUNTINFO = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 0:22 / /sys rw,nosuid - sysfs sysfs rw
25 22 0:5 / /dev rw - devtmpfs udev rw,size=1k
26 25 0:24 / /dev/shm rw - tmpfs tmpfs rw
27 22 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw
28 22 7:3 / /snap/core22/1380 ro - squashfs /dev/loop3 ro
29 22 7:4 / /opt/image rw - ext4 /dev/loop4 rw
30 22 253:0 / /data rw shared:7 master:2 - xfs /dev/mapper/vault rw
31 22 253:0 /projects /home/mira/projects rw - xfs /dev/mapper/vault rw
32 22 0:41 / /archive\\040of\\0402025 rw - btrfs /dev/sda1 rw
33 22 0:45 / /mnt/nfs rw - nfs4 server:/export rw,addr=10.0.0.2
34 22 0:50 / /var/lib/docker/overlay2/1f/merged rw - overlay overlay rw,lowerdir=x
35 24 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
"""
SHOWN = ["/", "/archive of 2025", "/data", "/mnt/nfs"]

# Linux 5.5 and later.
DISKSTATS = """\
   7       3 loop3 900 0 90000 5 0 0 0 0 0 5 5 0 0 0 0 0 0
 259       0 nvme0n1 1000 5 80000 400 2000 9 160000 800 0 700 1300 3 0 512 1 10 9
 259       1 nvme0n1p1 10 0 800 4 0 0 0 0 0 4 4 0 0 0 0 0 0
 259       2 nvme0n1p2 600 5 40000 200 1500 9 120000 600 0 500 800 3 0 512 1 0 0
 259       3 nvme0n1p3 390 0 39200 196 500 0 40000 200 0 196 396 0 0 0 0 0 0
 253       0 dm-0 390 0 39200 200 500 0 40000 220 0 200 420 0 0 0 0 0 0
   8       0 sda 100 0 8000 900 50 0 4000 300 0 1000 1200 0 0 0 0 0 0
   8       1 sda1 100 0 8000 900 50 0 4000 300 0 1000 1200 0 0 0 0 0 0
 252       0 zram0 500 0 4000 1 500 0 4000 1 0 2 2 0 0 0 0 0 0
"""

NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  900000    100    0    0    0     0          0         0   900000    100    0    0    0     0       0          0
  eth0: 1000000   1000    1    2    0     0          0         0  2000000    900    3    4    0     0       0          0
  eth1: 1000000   1000    0    0    0     0          0         0        0      0    0    0    0     0       0          0
 bond0: 2000000   2000    1    2    0     0          0         0  2000000    900    3    4    0     0       0          0
docker0:  50000     50    0    0    0     0          0         0    60000     60    0    0    0     0       0          0
veth12ab:  50000    50    0    0    0     0          0         0    60000     60    0    0    0     0       0          0
  ib0:       0      0    0    0    0     0          0         0        0      0    0    0    0     0       0          0
 wlan0:       0      0    0    0    0     0          0         0        0      0    0    0    0     0       0          0
"""

MEMINFO = """\
MemTotal:       16000000 kB
MemFree:         2000000 kB
MemAvailable:   10000000 kB
Buffers:          100000 kB
Cached:          7000000 kB
SwapCached:            0 kB
SwapTotal:       4000000 kB
SwapFree:        3000000 kB
SReclaimable:     400000 kB
HugePages_Total:       0
"""

CPUINFO = """\
processor\t: 0
model name\t: AMD EPYC 9654 96-Core Processor
cpu MHz\t\t: 2400.000
physical id\t: 0
core id\t\t: 0

processor\t: 1
model name\t: AMD EPYC 9654 96-Core Processor
cpu MHz\t\t: 3600.000
physical id\t: 0
core id\t\t: 0
"""

STAT = """\
cpu  1000 100 500 8000 300 60 40 10 50 0
cpu0 500 50 250 4000 150 30 20 5 25 0
cpu1 500 50 250 4000 150 30 20 5 25 0
intr 12345
btime 1795000000
"""

PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total={some}\nfull avg10=9.0 avg60=9.0 avg300=9.0 total=7\n"

FILES = {
    "proc/stat": STAT,
    "proc/loadavg": "1.25 0.90 0.50 2/345 6789\n",
    "proc/meminfo": MEMINFO,
    "proc/cpuinfo": CPUINFO,
    "proc/diskstats": DISKSTATS,
    "proc/self/mountinfo": MOUNTINFO,
    "proc/net/dev": NET_DEV,
    "proc/pressure/cpu": PRESSURE.format(some=1000),
    "proc/pressure/io": PRESSURE.format(some=2000),
    "proc/pressure/memory": PRESSURE.format(some=3000),
    "proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "etc/hostname": "gpu-17\n",
    "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2500000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "3500000\n",
    "sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
    "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
    "sys/devices/system/cpu/cpu1/topology/core_id": "0\n",
    "sys/devices/system/cpu/cpu1/topology/physical_package_id": "0\n",
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_input": "79000\n",
    "sys/class/hwmon/hwmon1/name": "k10temp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "61250\n",
    "sys/class/hwmon/hwmon1/temp3_input": "64500\n",
    "sys/block/loop3/dev": "7:3\n",
    "sys/block/nvme0n1/dev": "259:0\n",
    "sys/block/sda/dev": "8:0\n",
    "sys/block/zram0/dev": "252:0\n",
    "sys/block/dm-0/dev": "253:0\n",
    "sys/block/dm-0/dm/name": "vault\n",
    "sys/class/block/sda/dev": "8:0\n",
    "sys/class/block/sda1/dev": "8:1\n",
    "sys/class/net/lo/operstate": "unknown\n",
    "sys/class/net/eth0/operstate": "up\n",
    "sys/class/net/eth0/device/vendor": "0x15b3\n",
    "sys/class/net/eth0/speed": "100000\n",
    "sys/class/net/eth0/master/operstate": "up\n",
    "sys/class/net/eth1/operstate": "up\n",
    "sys/class/net/eth1/device/vendor": "0x15b3\n",
    "sys/class/net/eth1/speed": "100000\n",
    "sys/class/net/bond0/operstate": "up\n",
    "sys/class/net/bond0/speed": "200000\n",
    "sys/class/net/docker0/operstate": "up\n",
    "sys/class/net/docker0/speed": "-1\n",
    "sys/class/net/ib0/operstate": "up\n",
    "sys/class/net/ib0/device/vendor": "0x15b3\n",
    "sys/class/net/wlan0/operstate": "down\n",
    "sys/class/net/wlan0/device/vendor": "0x8086\n",
}


def statvfs_result(blocks: int, free: int, available: int, unit: int = 4096) -> os.statvfs_result:
    return os.statvfs_result((unit, unit, blocks, free, available, 0, 0, 0, 0, 255))


class FakeHost:
    """Files below `root`. Values change by `put` and `replace`, as the kernel's do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._broken: set[str] = set()
        for path, content in FILES.items():
            self.put(path, content)

    def put(self, path: str, content: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def replace(self, path: str, old: str, new: str) -> None:
        if path in self._broken:
            return
        content = (self.root / path).read_text()
        assert old in content
        self.put(path, content.replace(old, new))

    def break_off(self, path: str, garbage: str | None = None) -> None:
        """From now on the file is not there, or holds garbage."""
        self._broken.add(path)
        if garbage is None:
            (self.root / path).unlink()
        else:
            self.put(path, garbage)

    def statvfs(self, path: str) -> os.statvfs_result:
        """100 GiB, 40 free, 35 of these for users, wherever one asks."""
        assert Path(path).is_relative_to(self.root)
        per_gib = GIB // 4096
        return statvfs_result(100 * per_gib, 40 * per_gib, 35 * per_gib)

    def a_second_passes(self) -> None:
        """The counters grow: the CPU is half busy, disks and network move."""
        self.replace("proc/stat", "cpu  1000 100 500 8000 300", "cpu  1060 110 520 8080 320")
        self.replace("proc/stat", "cpu0 500 50 250 4000 150", "cpu0 560 60 270 4000 160")
        self.replace("proc/stat", "cpu1 500 50 250 4000 150", "cpu1 500 50 250 4080 160")
        self.replace("proc/stat", " 60 40 10 50", " 65 45 10 50")
        self.replace(
            "proc/diskstats",
            "nvme0n1 1000 5 80000 400 2000 9 160000 800 0 700",
            "nvme0n1 1100 5 82000 450 2100 9 164000 900 0 900",
        )
        self.replace(
            "proc/diskstats",
            "nvme0n1p2 600 5 40000 200 1500 9 120000 600 0 500",
            "nvme0n1p2 650 5 41000 220 1550 9 123000 680 0 750",
        )
        self.replace(
            "proc/diskstats",
            "dm-0 390 0 39200 200 500 0 40000 220 0 200",
            "dm-0 400 0 40200 210 510 0 41000 240 0 230",
        )
        self.replace("proc/net/dev", "eth0: 1000000", "eth0: 1500000")
        self.replace("proc/net/dev", "eth1: 1000000", "eth1: 1250000")
        self.replace("proc/net/dev", "bond0: 2000000", "bond0: 2750000")
        self.replace("proc/net/dev", "  2000000    900    3", "  2040000    900    3")
        self.replace("proc/pressure/cpu", "total=1000", "total=251000")
        self.replace("proc/pressure/io", "total=2000", "total=102000")
        self.replace("proc/pressure/memory", "total=3000", "total=3000")
