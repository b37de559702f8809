"""Block devices: every kernel's diskstats, whole disks, and which device a mount is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.sources.block_devices import BlockCounters, WholeDisks, block_number, parse_diskstats
from monitor.sources.host_disks import Disks
from monitor.sources.kernel_files import KernelFiles
from tests.sources.fake_host import FakeHost

COUNTERS = "100 5 8000 400 200 9 16000 800 0 700 1300"
SDA = BlockCounters("sda", 8000 * 512, 16000 * 512, 300, 1200, 700)
NAMES = [
    *("sda", "sda1", "nvme0n1", "nvme0n1p2", "nvme0c0n1", "vdb", "vdb15", "xvda1", "mmcblk0"),
    *("mmcblk0p1", "dm-0", "md127", "md127p1", "loop4", "ram0", "zram0", "zd16", "sr0", "fd0"),
    *("nbd0", "bcache0", "drbd1"),
]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"   8       0 sda {COUNTERS}", id="2.6.25 to 4.17"),
        pytest.param(f"   8       0 sda {COUNTERS} 3 0 512 1", id="4.18: discards"),
        pytest.param(f"   8       0 sda {COUNTERS} 3 0 512 1 10 9", id="5.5: flushes"),
        pytest.param(f"   8       0 sda {COUNTERS} 3 0 512 1 10 9 77 78", id="one to come"),
    ],
)
def test_diskstats_of_every_kernel(line: str) -> None:
    old_partition = "   8       1 sda1 60 4000 20 1600\n"
    assert parse_diskstats(f"{old_partition}{line}\n".encode()) == {"8:0": SDA}


def whole(root: Path) -> list[str]:
    devices = [BlockCounters(name, 0, 0, 0, 0, 0) for name in NAMES]
    return [device.name for device in WholeDisks(KernelFiles(root)).among(devices)]


def test_whole_disks_are_those_in_sys_block(tmp_path: Path) -> None:
    for name in set(NAMES) - {"sda1", "nvme0n1p2", "vdb15", "mmcblk0p1", "md127p1"}:
        (tmp_path / "sys/block" / name).mkdir(parents=True)
    assert whole(tmp_path) == ["sda", "nvme0n1", "vdb", "xvda1", "mmcblk0"]


def test_whole_disks_by_name_where_there_is_no_sys(tmp_path: Path) -> None:
    assert whole(tmp_path) == ["sda", "nvme0n1", "vdb", "mmcblk0"]


@pytest.mark.parametrize(
    ("device", "number", "expected"),
    [
        pytest.param("/dev/nvme0n1p2", "259:2", "259:2", id="partition"),
        pytest.param("/dev/root", "8:1", "8:1", id="a name that is nowhere"),
        pytest.param("/dev/sda", "0:30", "8:0", id="btrfs"),
        pytest.param("/dev/mapper/vault", "0:30", "253:0", id="btrfs on dm-crypt"),
        pytest.param("/dev/mapper/other", "0:30", "", id="unknown mapping"),
        pytest.param("overlay", "0:60", "", id="overlay"),
        pytest.param("server:/export", "0:45", "", id="nfs"),
        pytest.param("tank/models", "0:27", "", id="zfs"),
        pytest.param("", "", "", id="no mountinfo"),
    ],
)
def test_the_block_device_under_a_mount(
    device: str, number: str, expected: str, tmp_path: Path
) -> None:
    FakeHost(tmp_path)
    assert block_number(KernelFiles(tmp_path), device, number) == expected


class OneDisk:
    """A root disk whose counters a test sets."""

    def __init__(self, root: Path) -> None:
        self.fake = FakeHost(root)
        self.fake.put("proc/self/mountinfo", "20 1 8:0 / / rw - ext4 /dev/sda rw\n")
        self.set()
        self.disks = Disks(KernelFiles(root), (), self.fake.statvfs)

    def set(
        self,
        reads: int = 100,
        sectors: int = 8000,
        ms: int = 400,
        busy: int = 700,
        others: str = "",
    ) -> None:
        self.fake.put(
            "proc/diskstats", f"8 0 sda {reads} 0 {sectors} {ms} 0 0 0 0 0 {busy} 0\n{others}"
        )

    def read(self, now: float) -> tuple[dict, dict]:
        host, (row,) = self.disks.read(now)
        return host, row


@pytest.fixture
def disk(tmp_path: Path) -> OneDisk:
    return OneDisk(tmp_path)


def test_a_counter_that_went_back_gives_no_rate_for_one_tick(disk: OneDisk) -> None:
    disk.set(sectors=2**32 - 8)
    disk.read(1.0)
    disk.set(sectors=8, reads=110, ms=420)
    host, row = disk.read(2.0)
    assert row["read_bytes_per_second"] is None
    assert host["disk_read_bytes_per_second"] is None
    assert row["write_bytes_per_second"] == 0.0
    assert row["latency_seconds"] == pytest.approx(0.002)
    disk.set(sectors=16, reads=110, ms=420)
    assert disk.read(3.0)[1]["read_bytes_per_second"] == 8 * 512


def test_wrapped_milliseconds_cost_the_latency_of_one_tick(disk: OneDisk) -> None:
    disk.set(ms=2**32 - 1)
    disk.read(1.0)
    disk.set(ms=5, reads=101)
    assert disk.read(2.0)[1]["latency_seconds"] is None


def test_busy_is_at_most_all_of_the_time(disk: OneDisk) -> None:
    disk.read(1.0)
    disk.set(busy=700 + 1004)
    assert disk.read(2.0)[1]["busy_percent"] == 100.0


def test_rates_are_per_second_of_the_monotonic_clock(disk: OneDisk) -> None:
    disk.read(1.0)
    disk.set(sectors=8000 + 500)
    assert disk.read(1.5)[1]["read_bytes_per_second"] == 500 * 512 / 0.5
    disk.set(sectors=9000)
    assert disk.read(1.5)[1]["read_bytes_per_second"] is None  # no time has passed


def test_a_disk_plugged_in_is_no_burst(disk: OneDisk) -> None:
    disk.read(1.0)
    (disk.fake.root / "sys/block/sdb").mkdir()
    disk.set(others="8 16 sdb 900 0 999999 9 0 0 0 0 0 9 9\n")
    assert disk.read(2.0)[0]["disk_read_bytes_per_second"] is None
    assert disk.read(3.0)[0]["disk_read_bytes_per_second"] == 0.0


def test_another_device_under_the_same_mount_is_no_burst(disk: OneDisk) -> None:
    disk.read(1.0)
    disk.fake.put("proc/self/mountinfo", "20 1 8:16 / / rw - ext4 /dev/sdb rw\n")
    disk.set(others="8 16 sdb 900 0 999999 9 0 0 0 0 0 9 9\n")
    assert disk.read(11.0)[1]["read_bytes_per_second"] is None
    assert disk.read(12.0)[1]["read_bytes_per_second"] == 0.0


def test_space_kept_for_root_is_neither_used_nor_there(disk: OneDisk) -> None:
    assert disk.disks.wait(5)
    row = disk.read(1.0)[1]
    assert row["used_bytes"] == 60 << 30
    assert row["total_bytes"] == 95 << 30


def test_a_mount_that_cannot_be_asked_is_missing_its_space_alone(tmp_path: Path) -> None:
    def denied(path: str) -> object:
        raise PermissionError(path)

    FakeHost(tmp_path)
    disks = Disks(KernelFiles(tmp_path), (), denied)  # type: ignore[arg-type]
    assert disks.wait(5)
    disks.read(1.0)
    rows = disks.read(2.0)[1]
    assert all("used_bytes" not in row for row in rows)
    assert rows[0]["read_bytes_per_second"] == 0.0


def test_a_host_mounted_elsewhere_is_seen_by_its_init(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.put("proc/1/mountinfo", "20 1 8:0 / / rw - ext4 /dev/sda rw\n")
    disks = Disks(KernelFiles(tmp_path), (), fake.statvfs)
    assert [row["device"] for row in disks.read(1.0)[1]] == ["/"]
