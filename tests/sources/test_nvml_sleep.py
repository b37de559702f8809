"""A GPU that sleeps is not woken, and one that could sleep is let to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nvml_stub.fixtures import World
from tests.sources.nvml_drive import driving

ADDRESS = "0000:01:00.0"
IDLE = "Idle, and left alone for a while so that it can be suspended."
ASLEEP = "Suspended to save power, and not woken for a reading."
ALL_ASLEEP = "Every NVIDIA GPU is suspended to save power, and is not woken for a reading."


class Laptop:
    """The kernel's files of NVIDIA's devices, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put(ADDRESS, "active")

    def put(
        self,
        address: str,
        status: str,
        control: str = "auto",
        kind: str = "0x030000",
        d3: str = "Enabled (fine-grained)",
    ) -> None:
        device = self.root / "sys/bus/pci/devices" / address
        driver = self.root / "proc/driver/nvidia/gpus" / address
        for folder in (device / "power", driver):
            folder.mkdir(parents=True, exist_ok=True)
        (device / "vendor").write_text("0x10de\n")
        (device / "class").write_text(f"{kind}\n")
        (device / "power/runtime_status").write_text(f"{status}\n")
        (device / "power/control").write_text(f"{control}\n")
        (driver / "power").write_text(
            f"Runtime D3 status:          {d3}\nVideo Memory:               Active\n"
        )


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
def idle(nvml: World) -> World:
    nvml.switch("laptop")
    nvml.set("gpu 0", "utilization", "0 0")
    nvml.set("gpu 0", "decoder", "0 167000")
    nvml.unset("gpu 0", "compute")
    nvml.set("gpu 0", "graphics", "1201:104857600")  # the display server, which draws nothing now
    return nvml


@pytest.mark.parametrize("status", ["suspended", "suspending"])
def test_one_that_falls_asleep_is_not_asked_any_more(
    nvml: World, laptop: Laptop, status: str
) -> None:
    nvml.switch("laptop")
    with driving(nvml, root=laptop.root) as drive:
        assert len(drive.run(0, 2)) == 1
        laptop.put(ADDRESS, status)
        before = nvml.stub.calls()
        assert drive.run(2, 8) == {}
        assert nvml.stub.calls() == before
        assert drive.source.devices()[0].status == "asleep"
        laptop.put(ADDRESS, "active")
        assert len(drive.tick(8.0)) == 1
        assert drive.source.devices()[0].status == "ok"


def test_where_all_sleep_the_driver_is_not_opened_and_each_has_a_place(
    nvml: World, laptop: Laptop
) -> None:
    nvml.switch("laptop")
    laptop.put(ADDRESS, "suspended")
    laptop.put("0000:01:00.1", "active", kind="0x040300")  # its sound is no GPU
    with driving(nvml, root=laptop.root) as drive:
        assert drive.run(0, 9) == {}
        assert nvml.stub.calls() == 0
        (asleep,) = drive.source.devices()
        assert (asleep.device, asleep.status, asleep.reason) == ("GPU 0", "asleep", ASLEEP)
        assert asleep.facts == {
            "index": 0,
            "pci_bus_id": "00000000:01:00.0",
            "name": "NVIDIA GPU",
        }
        state = drive.source.state()
        assert (state.ok, state.reason) == (True, ALL_ASLEEP)
        laptop.put(ADDRESS, "active")
        assert len(drive.tick(10.0)) == 1
        assert drive.names() == {nvml.values("gpu 0")["uuid"]}
        assert drive.source.state().reason == ""


def test_one_that_sleeps_beside_one_at_work_is_not_opened(nvml: World, laptop: Laptop) -> None:
    nvml.switch("laptop")
    own = nvml.values("gpu 0")["uuid"]
    nvml.add("gpu 1", uuid="GPU-dock", power_mw=90000, pci_bus_id="00000000:3C:00.0")
    laptop.put(ADDRESS, "suspended")
    laptop.put("0000:3c:00.0", "active", control="on")
    with driving(nvml, root=laptop.root) as drive:
        assert set(drive.run(0, 3)) == {"GPU-dock"}
        assert nvml.stub.calls("nvmlDeviceGetHandleByIndex_v2") == 1
        assert drive.state("GPU 0").status == "asleep"
        assert drive.state("GPU 0").facts["pci_bus_id"] == "00000000:01:00.0"
        laptop.put(ADDRESS, "active")
        assert set(drive.tick(3.0)) == {"GPU-dock", own}
        assert drive.names() == {"GPU-dock", own}


def test_an_idle_one_is_let_go_and_not_woken(idle: World, laptop: Laptop) -> None:
    with driving(idle, root=laptop.root, deadline=10.0) as drive:
        assert len(drive.run(0, 60)) == 1
        assert idle.stub.calls("nvmlShutdown") == 0
        drive.tick(60.0)
        assert idle.stub.calls("nvmlShutdown") == 1
        before = idle.stub.calls()
        assert drive.run(61, 70) == {}
        assert (drive.source.devices()[0].status, drive.source.devices()[0].reason) == (
            *("asleep", IDLE),
        )
        assert drive.source.devices()[0].facts["name"] == "NVIDIA GeForce RTX 4060 Laptop GPU"
        assert drive.source.state().ok
        laptop.put(ADDRESS, "suspended")
        assert drive.run(70, 300) == {}
        assert idle.stub.calls() == before
        assert drive.source.devices()[0].reason == ASLEEP
        laptop.put(ADDRESS, "active")
        assert len(drive.run(300, 311)) == 1
        assert drive.source.devices()[0].status == "ok"
        # It did fall asleep, so the next minute without work is enough again.
        drive.run(311, 372)
        assert idle.stub.calls("nvmlShutdown") == 2


def test_one_that_stays_awake_is_let_go_less_and_less_often(idle: World, laptop: Laptop) -> None:
    with driving(idle, root=laptop.root, deadline=10.0) as drive:
        missing = [at for at in range(420) if not drive.tick(float(at))]
    # A minute without work, 20 s of rest; then two minutes, then four.
    assert missing == [*range(61, 80), *range(201, 220)]


@pytest.mark.parametrize(
    ("control", "d3", "use"),
    [
        ("on", "Enabled (fine-grained)", "0 0"),
        ("auto", "Disabled by default", "0 0"),
        ("auto", "Not supported", "0 0"),
        ("auto", "Enabled (coarse-grained)", "1 0"),
        ("auto", "Enabled (fine-grained)", "!NOT_SUPPORTED"),
    ],
)
def test_one_at_work_or_that_never_sleeps_is_kept(
    idle: World, laptop: Laptop, control: str, d3: str, use: str
) -> None:
    laptop.put(ADDRESS, "active", control, d3=d3)
    idle.set("gpu 0", "utilization", use)
    with driving(idle, root=laptop.root, deadline=10.0) as drive:
        assert len(drive.run(0, 90)) == 1
        assert idle.stub.calls("nvmlShutdown") == 0


@pytest.mark.parametrize(("key", "kept"), [("compute", True), ("graphics", False)])
def test_one_in_which_a_program_computes_is_kept(
    idle: World, laptop: Laptop, key: str, *, kept: bool
) -> None:
    idle.set("gpu 0", key, "4242:1073741824")
    with driving(idle, root=laptop.root, deadline=10.0) as drive:
        assert bool(drive.run(0, 70)) is kept
