"""The whole host source, on a machine of files and on this one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.metrics import CORE, DISK, HOST, NETWORK
from monitor.sources.base import Row, Rows
from monitor.sources.facts import FACTS
from monitor.sources.host import HostSource
from tests.sources.fake_host import GIB, SHOWN, FakeHost, statvfs_result

TABLES = (HOST, CORE, DISK, NETWORK)
COLUMNS = [(table.name, column) for table in TABLES for column in table.columns]
PATIENCE = 5.0


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.fixture
def host(fake: FakeHost) -> Iterator[HostSource]:
    source = started(fake)
    yield source
    source.close()


def started(fake: FakeHost, **options: object) -> HostSource:
    source = HostSource(fake.root, statvfs=fake.statvfs, **options)
    assert source.wait(PATIENCE)
    return source


def two_ticks(fake: FakeHost, source: HostSource) -> Rows:
    source.sample(100.0)
    fake.a_second_passes()
    return source.sample(101.0)


def present(rows: Rows) -> set[tuple[str, str]]:
    """The columns that have a value in at least one row."""
    return {
        (table, column)
        for table, table_rows in rows.items()
        for row in table_rows
        for column, value in row.items()
        if value is not None and column != "device"
    }


def by_device(rows: Rows, table: str) -> dict[str, Row]:
    return {str(row["device"]): row for row in rows[table]}


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda value: value)
def test_every_column_is_read(table: str, column: str, fake: FakeHost, host: HostSource) -> None:
    assert (table, column) in present(two_ticks(fake, host))


def test_nothing_is_read_that_the_catalogue_lacks(fake: FakeHost, host: HostSource) -> None:
    assert present(two_ticks(fake, host)) == set(COLUMNS)


def test_the_host_s_numbers(fake: FakeHost, host: HostSource) -> None:
    row = two_ticks(fake, host)["host"][0]
    # 60 + 10 user, 20 + 5 + 5 system, 80 idle, 20 waiting: of 200.
    expected = {
        "device": "host",
        "cpu_percent": 50.0,
        "cpu_user_percent": 35.0,
        "cpu_system_percent": 15.0,
        "cpu_iowait_percent": 10.0,
        "load_1m": 1.25,
        "cpu_frequency_mhz": 3000.0,
        "cpu_temperature_celsius": 64.5,
        "memory_used_bytes": 6_000_000 * 1024,
        "memory_available_bytes": 10_000_000 * 1024,
        "memory_cached_bytes": 7_500_000 * 1024,
        "memory_total_bytes": 16_000_000 * 1024,
        "swap_used_bytes": 1_000_000 * 1024,
        "swap_total_bytes": 4_000_000 * 1024,
        # nvme0n1 and sda: neither partitions nor dm-0 are counted again.
        "disk_read_bytes_per_second": 2000 * 512.0,
        "disk_write_bytes_per_second": 4000 * 512.0,
        # eth0 and eth1: not the bond over them, nor lo, docker0 or veth.
        "network_received_bytes_per_second": 750_000.0,
        "network_sent_bytes_per_second": 40_000.0,
        "pressure_cpu_percent": 25.0,
        "pressure_io_percent": 10.0,
        "pressure_memory_percent": 0.0,
    }
    assert row == pytest.approx(expected)


def test_cores(fake: FakeHost, host: HostSource) -> None:
    cores = by_device(two_ticks(fake, host), "core")
    assert {name: row["cpu_percent"] for name, row in cores.items()} == {
        "0": pytest.approx(90.0),
        "1": pytest.approx(0.0),
    }


def test_disks(fake: FakeHost, host: HostSource) -> None:
    disks = by_device(two_ticks(fake, host), "disk")
    assert list(disks) == SHOWN
    assert disks["/"] == pytest.approx(
        {
            "device": "/",
            "used_bytes": 60 * GIB,
            "total_bytes": 95 * GIB,
            "read_bytes_per_second": 1000 * 512.0,
            "write_bytes_per_second": 3000 * 512.0,
            "busy_percent": 25.0,
            "latency_seconds": 0.001,
        }
    )
    assert disks["/data"]["latency_seconds"] == pytest.approx(0.0015)
    # No request in this second: busy for no time, and no latency to tell.
    assert disks["/archive of 2025"]["busy_percent"] == 0.0
    assert disks["/archive of 2025"]["latency_seconds"] is None
    # A file server has no block device here.
    assert disks["/mnt/nfs"] == {
        "device": "/mnt/nfs",
        "used_bytes": 60 * GIB,
        "total_bytes": 95 * GIB,
    }


def test_interfaces(fake: FakeHost, host: HostSource) -> None:
    interfaces = by_device(two_ticks(fake, host), "network")
    # ib0 is up, if silent; wlan0 is down and has never moved a byte.
    assert list(interfaces) == ["eth0", "eth1", "bond0", "docker0", "ib0"]
    assert interfaces["eth0"] == pytest.approx(
        {
            "device": "eth0",
            "received_bytes_per_second": 500_000.0,
            "sent_bytes_per_second": 40_000.0,
            "error_count": 10,
        }
    )
    assert interfaces["ib0"]["received_bytes_per_second"] == 0.0


def test_the_first_tick_has_no_rates_and_no_zeros_for_them(host: HostSource) -> None:
    rates = {
        (table.name, metric.column)
        for table in TABLES
        for metric in table.metrics
        if metric.column.endswith("per_second")
        or metric.column in {"busy_percent", "latency_seconds"}
        or metric.column.startswith(("cpu_percent", "cpu_user", "cpu_system", "cpu_iowait"))
        or metric.column.startswith("pressure_")
    }
    assert present(host.sample(100.0)) == set(COLUMNS) - rates


CPU_COLUMNS = {("core", "cpu_percent")} | {
    ("host", f"cpu_{part}percent") for part in ("", "user_", "system_", "iowait_")
}
DISK_RATES = {
    ("disk", column) for column in DISK.columns if column not in {"used_bytes", "total_bytes"}
}
COLUMNS_OF = {
    "proc/stat": CPU_COLUMNS,
    "proc/loadavg": {("host", "load_1m")},
    "proc/meminfo": {("host", c) for c in HOST.columns if c.startswith(("memory_", "swap_"))},
    "proc/diskstats": DISK_RATES | {("host", c) for c in HOST.columns if c.startswith("disk_")},
    # The root folder is there all the same, and can say how full it is.
    "proc/self/mountinfo": DISK_RATES,
    "proc/net/dev": {("network", c) for c in NETWORK.columns}
    | {("host", c) for c in HOST.columns if c.startswith("network_")},
    "proc/pressure/cpu": {("host", "pressure_cpu_percent")},
    "proc/pressure/io": {("host", "pressure_io_percent")},
    "proc/pressure/memory": {("host", "pressure_memory_percent")},
    "sys/class/hwmon/hwmon1/name": {("host", "cpu_temperature_celsius")},
}


GARBAGE = {
    "words": "some total=\ncpu x y\n: a b\n",
    "bytes": "\0\0\xff",
    "fields": "a b 3 a - b c\neth0:" + 16 * " x",
    "disk": "x 1 sda" + 20 * " x",
}


@pytest.mark.parametrize("path", COLUMNS_OF)
def test_a_missing_file_costs_its_own_columns(path: str, fake: FakeHost) -> None:
    fake.break_off(path)
    source = started(fake)
    assert set(COLUMNS) - present(two_ticks(fake, source)) == COLUMNS_OF[path]
    assert source.state().ok == (path != "proc/stat")


@pytest.mark.parametrize("path", [path for path in COLUMNS_OF if path.startswith("proc/")])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_strange_file_costs_its_own_columns(
    path: str, garbage: str, fake: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    fake.break_off(path, garbage)
    source = started(fake)
    assert set(COLUMNS) - present(two_ticks(fake, source)) == COLUMNS_OF[path]
    source.sample(102.0)
    assert len(caplog.records) <= 1  # said once, not every second


def test_a_machine_without_anything_has_a_row_of_its_own(tmp_path: Path) -> None:
    source = HostSource(tmp_path, statvfs=lambda path: statvfs_result(0, 0, 0))
    rows = source.sample(1.0)
    assert rows["host"][0]["device"] == "host"
    assert not rows["core"]
    assert not rows["network"]
    assert not source.state().ok
    assert "proc/stat" in source.state().reason
    assert source.state().advice


def test_hung_file_servers_delay_no_tick_and_no_other_disk(fake: FakeHost) -> None:
    hang = threading.Event()  # for ever, if anyone waited

    def statvfs(path: str) -> object:
        if path.endswith("/mnt/nfs"):
            hang.wait()
        return fake.statvfs(path)

    began = time.perf_counter()
    source = HostSource(fake.root, statvfs=statvfs)  # type: ignore[arg-type]
    assert time.perf_counter() - began < 10
    began = time.perf_counter()
    for now in range(100, 160):
        disks = by_device(source.sample(float(now)), "disk")
    assert time.perf_counter() - began < 10
    assert "used_bytes" not in disks["/mnt/nfs"]
    began = time.perf_counter()
    source.close()
    assert time.perf_counter() - began < 10
    hang.set()


def test_a_disk_that_stops_answering_becomes_missing_and_comes_back(fake: FakeHost) -> None:
    answering = threading.Event()
    answering.set()

    def statvfs(path: str) -> object:
        answering.wait(PATIENCE)
        return fake.statvfs(path)

    source = HostSource(fake.root, statvfs=statvfs)  # type: ignore[arg-type]
    assert source.wait(PATIENCE)

    def used(now: float) -> object:
        return by_device(source.sample(now), "disk")["/"].get("used_bytes")

    assert used(100.0) == 60 * GIB
    answering.clear()
    assert used(106.0) == 60 * GIB  # asked again, and the last answer is fresh still
    assert used(116.0) is None
    answering.set()
    assert source.wait(PATIENCE)
    used(117.0)
    assert source.wait(PATIENCE)
    assert used(118.0) == 60 * GIB


def test_a_new_mount_is_found_and_a_gone_one_goes(fake: FakeHost, host: HostSource) -> None:
    assert list(by_device(host.sample(100.0), "disk")) == SHOWN
    before = host.devices()
    assert host.devices() is before
    fake.replace(
        "proc/self/mountinfo",
        "33 22 0:45 / /mnt/nfs rw - nfs4 server:/export rw,addr=10.0.0.2",
        "33 22 8:17 / /usb rw - exfat /dev/sdb1 rw",
    )
    assert list(by_device(host.sample(105.0), "disk")) == SHOWN
    assert list(by_device(host.sample(110.0), "disk")) == [*SHOWN[:3], "/usb"]
    assert host.wait(PATIENCE)
    assert by_device(host.sample(111.0), "disk")["/usb"]["total_bytes"] == 95 * GIB
    assert host.devices() != before


def test_facts(host: HostSource) -> None:
    host.sample(100.0)
    facts = {(state.table, state.device): dict(state.facts) for state in host.devices()}
    assert facts["host", "host"] == {
        "hostname": "gpu-17",
        "cpu_model": "AMD EPYC 9654 96-Core Processor",
        "cores": 2,
        "physical_cores": 1,
        "memory_total_bytes": 16_000_000 * 1024,
        "operating_system": "Ubuntu 24.04.1 LTS",
        "kernel": "6.8.0-45-generic",
        "booted": 1_795_000_000,
        "pid_namespace": None,
    }
    assert facts["disk", "/data"] == {"file_system": "xfs", "block_device": "/dev/mapper/vault"}
    assert facts["network", "eth0"] == {"speed_bits_per_second": 100_000_000_000}
    assert facts["network", "docker0"] == {"speed_bits_per_second": None}
    declared = {(fact.table, fact.name) for fact in FACTS}
    named = {(table, name) for (table, _), values in facts.items() for name in values}
    assert named <= declared


def test_this_machine(caplog: pytest.LogCaptureFixture) -> None:
    source = HostSource()
    source.sample(100.0)
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    rows = source.sample(101.0)
    assert source.state().ok
    host = rows["host"][0]
    assert 0 < host["cpu_percent"] <= 100  # type: ignore[operator]
    assert 0 < host["memory_used_bytes"] < host["memory_total_bytes"]  # type: ignore[operator]
    assert host["network_received_bytes_per_second"] is None or (
        host["network_received_bytes_per_second"] >= 0  # type: ignore[operator]
    )
    assert rows["core"]
    root = by_device(rows, "disk")["/"]
    assert 0 < root["used_bytes"] < root["total_bytes"]  # type: ignore[operator]
    assert not caplog.records
    source.close()
