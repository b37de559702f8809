"""CPU time, whatever its counters do; clocks, temperatures and what the machine is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.host_cpu import CpuTimes
from monitor.sources.host_facts import host_facts
from monitor.sources.host_memory import memory_columns
from monitor.sources.host_sensors import CpuSensors
from monitor.sources.kernel_files import KernelFiles
from tests.sources.fake_host import FakeHost

ticks = st.lists(st.integers(0, 2**40), min_size=4, max_size=10)


def stat(*counters: int, cores: str = "") -> bytes:
    return f"cpu  {' '.join(map(str, counters))}\n{cores}intr 1 2 3\n".encode()


@given(st.lists(ticks, min_size=1, max_size=5))
def test_shares_are_between_0_and_100_or_missing(history: list[list[int]]) -> None:
    cpu = CpuTimes()
    for counters in history:
        host, _ = cpu.read(stat(*counters))
        assert all(share is None or 0 <= share <= 100 for share in host.values())


def test_steal_is_time_we_did_not_have_idle() -> None:
    cpu = CpuTimes()
    cpu.read(stat(0, 0, 0, 0, 0, 0, 0, 0))
    host, _ = cpu.read(stat(10, 0, 0, 50, 0, 0, 0, 40))
    assert host["cpu_percent"] == 50.0
    assert host["cpu_user_percent"] == 10.0


def test_guest_time_is_counted_once() -> None:
    cpu = CpuTimes()
    cpu.read(stat(0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    assert cpu.read(stat(50, 0, 0, 50, 0, 0, 0, 0, 50, 0))[0]["cpu_percent"] == 50.0


def test_four_fields_of_an_old_kernel() -> None:
    cpu = CpuTimes()
    cpu.read(stat(0, 0, 0, 0))
    assert cpu.read(stat(25, 0, 0, 75))[0]["cpu_percent"] == 25.0


def test_iowait_may_step_back() -> None:
    cpu = CpuTimes()
    cpu.read(stat(0, 0, 0, 0, 50, 0, 0, 0))
    host, _ = cpu.read(stat(50, 0, 0, 60, 40, 0, 0, 0))
    assert host["cpu_percent"] == 50.0
    assert host["cpu_iowait_percent"] is None


def test_no_time_between_two_readings_has_no_share() -> None:
    cpu = CpuTimes()
    cpu.read(stat(1, 2, 3, 4))
    assert cpu.read(stat(1, 2, 3, 4))[0]["cpu_percent"] is None


def test_a_core_that_goes_and_comes_back_begins_anew() -> None:
    cpu = CpuTimes()
    cpu.read(stat(0, 0, 0, 0, cores="cpu0 0 0 0 0\ncpu3 0 0 0 0\n"))
    assert [row["device"] for row in cpu.read(stat(1, 0, 0, 1, cores="cpu0 1 0 0 1\n"))[1]] == ["0"]
    back = cpu.read(stat(2, 0, 0, 2, cores="cpu0 2 0 0 2\ncpu3 9 0 0 0\n"))[1]
    assert back == [{"device": "0", "cpu_percent": 50.0}]


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def sensed(fake: FakeHost) -> dict:
    sensors = CpuSensors(KernelFiles(fake.root))
    assert sensors.wait(5)
    return dict(sensors.read(1.0))


def test_a_chip_that_is_no_cpu_is_not_asked(fake: FakeHost) -> None:
    # The NVMe disk is at 79 °C.
    assert sensed(fake)["cpu_temperature_celsius"] == 64.5


@pytest.mark.parametrize("chip", ["coretemp", "zenpower", "cpu_thermal", "cpu0_thermal"])
def test_chips_of_cpus(chip: str, fake: FakeHost) -> None:
    fake.put("sys/class/hwmon/hwmon1/name", f"{chip}\n")
    assert sensed(fake)["cpu_temperature_celsius"] == 64.5


@pytest.mark.parametrize("zone", ["cpu-thermal", "CPU-therm", "x86_pkg_temp", "cpu-0-thermal"])
def test_a_thermal_zone_where_no_chip_tells(zone: str, fake: FakeHost) -> None:
    fake.break_off("sys/class/hwmon/hwmon1/name")
    fake.put("sys/class/thermal/thermal_zone0/type", "acpitz\n")
    fake.put("sys/class/thermal/thermal_zone0/temp", "99000\n")
    fake.put("sys/class/thermal/thermal_zone1/type", f"{zone}\n")
    fake.put("sys/class/thermal/thermal_zone1/temp", "51000\n")
    assert sensed(fake)["cpu_temperature_celsius"] == 51.0


@pytest.mark.parametrize("text", ["", "N/A", "-273000", "255000"])
def test_a_sensor_without_a_reading_is_left_out(text: str, fake: FakeHost) -> None:
    fake.put("sys/class/hwmon/hwmon1/temp3_input", text)
    assert sensed(fake)["cpu_temperature_celsius"] == 61.25


def test_below_zero_and_zero_are_temperatures(fake: FakeHost) -> None:
    fake.put("sys/class/hwmon/hwmon1/temp1_input", "-5000\n")
    fake.put("sys/class/hwmon/hwmon1/temp3_input", "0\n")
    assert sensed(fake)["cpu_temperature_celsius"] == 0.0


def test_the_clock_comes_from_cpuinfo_where_cpufreq_is_not(fake: FakeHost) -> None:
    for core in (0, 1):
        fake.break_off(f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
    assert sensed(fake)["cpu_frequency_mhz"] == 3000.0
    fake.put("proc/cpuinfo", "processor: 0\n")
    assert sensed(fake) == {"cpu_frequency_mhz": None, "cpu_temperature_celsius": 64.5}


def test_facts_of_an_arm_server(fake: FakeHost) -> None:
    fake.put("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n")
    for core in (0, 1):
        fake.break_off(f"sys/devices/system/cpu/cpu{core}/topology/core_id")
    facts = host_facts(KernelFiles(fake.root))
    assert facts["cpu_model"] == "Arm Neoverse V2"
    assert facts["physical_cores"] is None


def test_facts_of_nothing(tmp_path: Path) -> None:
    facts = host_facts(KernelFiles(tmp_path))
    assert facts.pop("hostname")
    assert set(facts.values()) == {None}


@pytest.mark.parametrize(("inode", "expected"), [(4026531836, "host"), (4026532201, "own")])
def test_the_pid_namespace(fake: FakeHost, inode: int, expected: str) -> None:
    (fake.root / "proc/self/ns").mkdir(parents=True)
    (fake.root / "proc/self/ns/pid").symlink_to(f"pid:[{inode}]")
    assert host_facts(KernelFiles(fake.root))["pid_namespace"] == expected


def test_two_cores_of_one_number_on_two_packages_are_two(fake: FakeHost) -> None:
    fake.put("sys/devices/system/cpu/cpu1/topology/physical_package_id", "1\n")
    assert host_facts(KernelFiles(fake.root))["physical_cores"] == 2


def test_no_swap_is_none_in_use() -> None:
    row = memory_columns(b"MemTotal: 8 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    assert row["swap_used_bytes"] == row["swap_total_bytes"] == 0
    assert row["memory_used_bytes"] is None  # kernels before 3.14 have no MemAvailable
    assert row["memory_cached_bytes"] is None


def test_an_empty_cache_is_a_value() -> None:
    assert memory_columns(b"Cached: 0 kB\nBuffers: 0 kB\n")["memory_cached_bytes"] == 0
