"""Interfaces: which count towards the host, which are shown."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from monitor.sources.host_network import Network
from monitor.sources.kernel_files import KernelFiles
from tests.sources.fake_host import FakeHost

HEADER = "Inter-| Receive | Transmit\n face |bytes packets|bytes packets\n"
CONTAINERS = "docker0 br-1f2e virbr0 cni0 flannel.1 cali12 tap0 tun0 wg0 bond0 dummy0 ifb0 eth0.5"


def line(name: str, received: int = 0, sent: int = 0) -> str:
    return f"{name}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n"


class Wire:
    """Interfaces that each receive 1000 bytes a second."""

    def __init__(self, root: Path, *names: str) -> None:
        self._fake = FakeHost(root)
        self._names = names
        self._put(1)
        self.network = Network(KernelFiles(root))
        assert self.network.wait(5)

    def _put(self, seconds: int) -> None:
        self._fake.put(
            "proc/net/dev", HEADER + "".join(line(n, 1000 * seconds) for n in self._names)
        )

    def received(self) -> object:
        self.network.read(1.0)
        self._put(2)
        return self.network.read(2.0)[0]["network_received_bytes_per_second"]


def test_in_a_container_the_name_tells_what_counts(tmp_path: Path) -> None:
    # Its eth0 is one end of a veth: no interface has hardware.
    for interface in ("eth0", "eth1", "ib0", "wlan0"):
        (tmp_path / f"sys/class/net/{interface}/device").mkdir(parents=True)
    wire = Wire(tmp_path / "container", "eth0", "lo", "vethab", *CONTAINERS.split())
    for device in (tmp_path / "container/sys/class/net").glob("*/device/vendor"):
        device.unlink()
        device.parent.rmdir()
    wire.network = Network(KernelFiles(tmp_path / "container"))
    assert wire.network.wait(5)
    assert wire.received() == 1000.0


def test_azure_s_paired_cards_count_once(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.put("sys/class/net/enP1s1/device/vendor", "0x15b3\n")
    fake.put("sys/class/net/enP1s1/master/device/vendor", "0x1414\n")
    assert Wire(tmp_path, "eth0", "enP1s1").received() == 1000.0


def test_the_ports_of_a_bond_count_and_the_bond_does_not(tmp_path: Path) -> None:
    assert Wire(tmp_path, "eth0", "eth1", "bond0").received() == 2000.0


def test_a_counter_that_went_back_leaves_no_total(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    network = Network(KernelFiles(tmp_path))
    assert network.wait(5)
    readings = ((5000, 10), (10, 20), (30, 30))
    totals = []
    for now, (eth0, eth1) in zip(itertools.count(1.0), readings, strict=False):
        fake.put("proc/net/dev", HEADER + line("eth0", eth0) + line("eth1", eth1))
        totals.append(network.read(now)[0]["network_received_bytes_per_second"])
    assert totals == [None, None, 30.0]


def test_no_space_after_the_colon_and_a_colon_in_the_name(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.put("proc/net/dev", HEADER + "eth0:900 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n" + line("a:b", 5))
    rows = Network(KernelFiles(tmp_path)).read(1.0)[1]
    assert [row["device"] for row in rows] == ["eth0", "a:b"]


def test_an_interface_that_comes_and_goes(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    network = Network(KernelFiles(tmp_path))
    assert network.wait(5)
    fake.put("proc/net/dev", HEADER + line("eth0", 5))
    network.read(1.0)
    states = network.states
    network.read(2.0)
    assert network.states is states
    fake.put("proc/net/dev", HEADER + line("eth0", 5) + line("usb0", 5))
    network.read(3.0)
    assert [state.device for state in network.states] == ["eth0", "usb0"]


@pytest.mark.parametrize("speed", ["-1", "0", "", "unknown"])
def test_a_speed_that_is_none_is_missing(speed: str, tmp_path: Path) -> None:
    FakeHost(tmp_path).put("sys/class/net/eth0/speed", speed)
    network = Network(KernelFiles(tmp_path))
    assert network.wait(5)
    network.read(1.0)
    assert network.states[0].facts == {"speed_bits_per_second": None}


def test_a_host_mounted_elsewhere_is_seen_by_its_init(tmp_path: Path) -> None:
    FakeHost(tmp_path).put("proc/1/net/dev", HEADER + line("eth7", 5))
    rows = Network(KernelFiles(tmp_path)).read(1.0)[1]
    assert [row["device"] for row in rows if row["device"] == "eth7"] == ["eth7"]
    assert len(rows) == 1
