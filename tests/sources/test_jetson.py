"""A Jetson's readings: each board's, what refuses to be read, what is not there."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path

import pytest

from monitor.sources.base import DeviceState, Row, Rows
from monitor.sources.jetson import JetsonSource
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.nvml import NvmlSource
from tests.nvml_stub.fixtures import World, within
from tests.sources.fake_jetson import BOARDS, TOTAL_BYTES, USED_BYTES, FakeJetson
from tests.sources.nvml_drive import NOWHERE

ORIN_UUID = "54d0709b-1e9a-5f0c-8f5e-0c3a1c0f7b11"


class StuckFiles(KernelFiles):
    """Files of which one may be stuck: who reads it waits until it is not."""

    def __init__(self, root: Path, stuck: dict[str, threading.Event]) -> None:
        super().__init__(root)
        self._stuck = stuck

    def once(self, path: str) -> str:
        for part, loose in list(self._stuck.items()):
            if part in path:
                loose.wait()
        return super().once(path)


class Jetson:
    """A board of files, and a source that reads it tick by tick."""

    def __init__(self, root: Path, board: str, nvml: NvmlSource | None = None) -> None:
        self.files = FakeJetson(root, BOARDS[board])
        self.nvml = nvml
        self.stuck: dict[str, threading.Event] = {}
        self.answer_seconds = 10.0  # a machine at work may be slow, and no file here hangs
        self._now = 0.0

    @cached_property
    def source(self) -> JetsonSource:
        """Reads what the board is when it is first asked for."""
        files = StuckFiles(self.files.root, self.stuck)
        return JetsonSource(files, nvml=self.nvml, answer_seconds=self.answer_seconds)

    def tick(self, seconds: float = 1.0) -> Rows:
        """The rows of the next tick; none is under way when it comes."""
        rows = self.source.sample(self._now)
        self._now += seconds
        assert self.nvml is None or within(5, lambda: self.nvml is None or self.nvml.idle)
        return rows

    def gpu(self) -> Row:
        (row,) = self.tick()["gpu"]
        return row

    def zones(self) -> dict[str, object]:
        return {str(row["device"]): row["temperature_celsius"] for row in self.tick()["zone"]}

    def rails(self) -> dict[str, object]:
        return {str(row["device"]): row["power_watts"] for row in self.tick()["rail"]}

    def state(self, table: str = "gpu") -> DeviceState:
        return next(state for state in self.source.devices() if state.table == table)


@pytest.fixture
def jetsons(tmp_path: Path) -> Iterator[type[Jetson]]:
    """Boards below folders of their own, closed in the end."""
    with ExitStack() as made:

        class Made(Jetson):
            def __init__(self, board: str, nvml: NvmlSource | None = None) -> None:
                super().__init__(tmp_path / board, board, nvml)
                made.callback(self.files.close)
                made.callback(lambda: self.source.close())

        yield Made


COLUMNS: dict[str, Row] = {
    "orin_nano": {
        "device": "JETSON-1423324012345",
        "index": 0,
        "utilization_percent": 43.7,
        "memory_used_bytes": USED_BYTES,
        "memory_total_bytes": TOTAL_BYTES,
        "temperature_celsius": 47.312,
        "power_watts": 6.126976,  # VDD_IN alone: it carries the others
        "fan_percent": 40.0,
        "graphics_clock_mhz": 612.0,
    },
    "agx_orin": {
        "device": "JETSON-1421522054321",
        "index": 0,
        "utilization_percent": 100.0,
        "memory_used_bytes": USED_BYTES,
        "memory_total_bytes": TOTAL_BYTES,
        "temperature_celsius": 63.5,
        "power_watts": pytest.approx(8.010376 + 1.9976 + 3.0 - 0.02),
        "graphics_clock_mhz": 1020.0,
    },
    "thor": {
        "device": "JETSON-1425025000001",
        "index": 0,
        "memory_used_bytes": USED_BYTES,
        "memory_total_bytes": TOTAL_BYTES,
        "temperature_celsius": 50.5,
        "power_watts": pytest.approx(5.52 + 8.4 + 0.005),
        "fan_percent": 100.0,
        "graphics_clock_mhz": 1575.0,
    },
    "jetpack_5": {
        "device": "JETSON-142",
        "index": 0,
        "utilization_percent": 0.0,
        "memory_used_bytes": USED_BYTES,
        "memory_total_bytes": TOTAL_BYTES,
        "temperature_celsius": 39.0,
        "power_watts": 4.5,
        "graphics_clock_mhz": 306.0,
    },
}
FACTS: dict[str, Row] = {
    "orin_nano": {
        "name": "NVIDIA Orin",
        "board": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
        "l4t_version": "36.4.7",
        "jetpack_version": "6.2.1",
        "cuda_version": "12.6.11",
        "memory_kind": "shared",
        "power_scope": "whole module, at VDD_IN",
        "graphics_clock_lock": "free",
        "max_graphics_clock_mhz": 1020.0,
        "slowdown_temperature_celsius": 99.0,
        "shutdown_temperature_celsius": 104.5,
        "fan_count": 1,
    },
    "agx_orin": {
        "board": "NVIDIA Jetson AGX Orin Developer Kit",
        "l4t_version": "36.4.0",
        "jetpack_version": "6.1",
        "cuda_version": None,
        "power_scope": "sum of 4 rails",
        "graphics_clock_lock": "locked",
        "slowdown_temperature_celsius": None,
        "fan_count": 0,
    },
    "thor": {
        "l4t_version": "38.2.1",
        "jetpack_version": "7.0",
        "memory_total_bytes": TOTAL_BYTES,
        "fan_count": 1,
    },
    "jetpack_5": {"l4t_version": "35.4.1", "jetpack_version": "5.1.2", "serial": "142"},
}


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_read(jetsons: type[Jetson], board: str) -> None:
    jetson = jetsons(board)
    row = jetson.gpu()
    assert {name: value for name, value in row.items() if value is not None} == COLUMNS[board]
    state = jetson.state()
    assert (state.device, state.status) == (row["device"], "ok")
    assert {name: state.facts.get(name) for name in FACTS[board]} == FACTS[board]
    assert state.facts["uuid"] == row["device"]
    assert jetson.source.state().ok


def test_zones_go_by_their_type_and_one_that_refuses_is_missing(jetsons: type[Jetson]) -> None:
    jetson = jetsons("orin_nano")
    assert jetson.zones() == {
        "cpu-thermal": 48.531,
        "gpu-thermal": 47.312,
        "cv0-thermal": None,
        "cv1-thermal": None,
        "cv2-thermal": None,  # -256 is no temperature
        "soc0-thermal": 46.125,
        "tj-thermal": 48.531,
    }
    jetson.files.put("sys/class/thermal/thermal_zone1/temp", None)
    assert jetson.gpu().get("temperature_celsius") is None
    assert jetson.zones()["tj-thermal"] == 48.531
    jetson.files.put("sys/class/thermal/thermal_zone2/temp", "41000\n")
    assert jetson.zones()["cv0-thermal"] == 41.0


def test_the_refusal_is_the_kernels_own(jetsons: type[Jetson]) -> None:
    file = jetsons("orin_nano").files.root / "sys/class/thermal/thermal_zone2/temp"
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        os.read(descriptor, 1)
    os.close(descriptor)


def test_rails_keep_their_sign_and_what_leads_nowhere_is_none(jetsons: type[Jetson]) -> None:
    assert jetsons("agx_orin").rails() == {
        "VDD_GPU_SOC": pytest.approx(8.010376),
        "VDD_CPU_CV": pytest.approx(1.9976),
        "VIN_SYS_5V0": 3.0,
        "VDDQ_VDD2_1V8AO": -0.02,
    }


def test_a_sum_with_a_part_missing_is_none(jetsons: type[Jetson]) -> None:
    jetson = jetsons("agx_orin")
    jetson.files.put("sys/class/hwmon/hwmon1/curr2_input", "garbage\n")
    row = jetson.gpu()
    assert row.get("power_watts") is None
    assert row["utilization_percent"] == 100.0
    assert jetson.rails()["VDD_CPU_CV"] is None


@pytest.mark.parametrize(
    ("gone", "columns"),
    [
        ("load", {"utilization_percent"}),
        ("cur_freq", {"graphics_clock_mhz"}),
        ("meminfo", {"memory_used_bytes", "memory_total_bytes"}),
        ("thermal", {"temperature_celsius"}),
        ("_input", {"power_watts"}),
        ("pwm1", {"fan_percent"}),
    ],
)
@pytest.mark.parametrize("how", ["missing", "garbage", "refused", "empty"])
def test_what_a_file_does_not_tell_costs_its_own_column(
    jetsons: type[Jetson], gone: str, columns: set[str], how: str
) -> None:
    jetson = jetsons("orin_nano")
    paths = [path for path in BOARDS["orin_nano"] if gone in path]
    for path in paths:
        content = {"missing": "", "garbage": "\ufffd\0-x1\n", "refused": None, "empty": ""}[how]
        jetson.files.put(path, content)
    if how == "missing":
        jetson.files.remove(gone)
    row = jetson.gpu()
    told = {name for name, value in row.items() if value is not None}
    assert told == set(COLUMNS["orin_nano"]) - columns
    assert jetson.state().status == "ok"


@pytest.mark.parametrize("release", ["", "# R99 (release), REVISION: 1.0, GCID: 1\n", "garbage"])
def test_an_unknown_release_is_no_failure(jetsons: type[Jetson], release: str) -> None:
    jetson = jetsons("orin_nano")
    jetson.files.put("etc/nv_tegra_release", release)
    jetson.files.put("usr/local/cuda/version.json", '{"cuda": []}')
    jetson.tick()
    facts = jetson.state().facts
    assert facts.get("jetpack_version") is None
    assert facts.get("cuda_version") is None
    assert facts.get("l4t_version") == ("99.1.0" if "R99" in release else None)


def test_a_container_without_the_device_tree_goes_by_uevent(jetsons: type[Jetson]) -> None:
    jetson = jetsons("orin_nano")
    jetson.files.remove("firmware", "of_node", "nv_tegra_release", "cuda")
    device = "sys/class/devfreq/17000000.gpu/device/uevent"
    jetson.files.put(device, "DRIVER=gk20a\nOF_NAME=gpu\nOF_COMPATIBLE_0=nvidia,ga10b\n")
    row = jetson.gpu()
    assert (row["device"], row["utilization_percent"]) == ("JETSON-GPU", 43.7)
    assert jetson.state().facts["name"] == "Jetson GPU"


def test_a_gpu_that_appears_late_is_found_and_one_that_goes_is_lost(
    jetsons: type[Jetson],
) -> None:
    jetson = jetsons("jetpack_5")
    node = {path: text for path, text in BOARDS["jetpack_5"].items() if "17000000" in path}
    jetson.files.remove("17000000")
    rows = jetson.tick()
    assert rows["gpu"] == []
    assert len(rows["zone"]) == 2
    assert not jetson.source.state().ok
    for path, text in node.items():
        jetson.files.put(path, text)
    assert jetson.gpu()["device"] == "JETSON-142"
    assert jetson.source.state().ok
    jetson.files.remove("17000000")
    assert jetson.tick()["gpu"] == []
    assert jetson.state().status == "lost"
    assert jetson.state().facts["l4t_version"] == "35.4.1"
    for path, text in node.items():
        jetson.files.put(path, text)
    assert jetson.gpu()["graphics_clock_mhz"] == 306.0


def test_a_file_that_hangs_costs_its_own_readings(jetsons: type[Jetson]) -> None:
    jetson = jetsons("orin_nano")
    jetson.answer_seconds = 0.05
    assert within(5, lambda: bool(jetson.tick()["zone"] and jetson.source.devices()))
    sensors, load = threading.Event(), threading.Event()
    jetson.stuck["hwmon1/in1_input"] = sensors

    def told() -> list[tuple[object, object]]:
        rows = jetson.tick()["gpu"]
        return [(row.get("power_watts"), row.get("utilization_percent")) for row in rows]

    assert within(5, lambda: told() == [(None, 43.7)])
    assert jetson.tick()["zone"] == []
    jetson.stuck.clear()
    sensors.set()
    assert within(5, lambda: told() == [(6.126976, 43.7)])

    jetson.stuck["device/load"] = load
    assert within(5, lambda: told() == [])
    assert (jetson.state().status, jetson.state().reason) == ("late", "Did not answer in time.")
    assert within(5, lambda: len(jetson.rails()) == 3)
    jetson.stuck.clear()
    load.set()
    assert within(5, lambda: told() == [(6.126976, 43.7)])
    assert jetson.state().status == "ok"


# ---- with NVML ----


def test_a_thor_has_its_utilisation_from_nvml(jetsons: type[Jetson], nvml: World) -> None:
    nvml.switch("thor")
    jetson = jetsons("thor", NvmlSource(NOWHERE, wall=count().__next__))
    row = jetson.gpu()
    assert row["device"] == nvml.values("gpu 0")["uuid"]
    assert row["utilization_percent"] == 37
    assert row["graphics_clock_mhz"] == 1575.0
    assert row["memory_total_bytes"] == TOTAL_BYTES
    assert processes(jetson) == {
        (row["device"], 2301): ("both", 1 << 30),
        (row["device"], 2302): ("compute", 1 << 29),
    }
    facts = jetson.state().facts
    assert (facts["name"], facts["driver_version"]) == ("NVIDIA Thor", "580.00")
    assert (facts["board"], facts["memory_kind"]) == (
        *("NVIDIA Jetson AGX Thor Developer Kit", "shared"),
    )
    assert [state.table for state in jetson.source.devices()].count("gpu") == 1


def processes(jetson: Jetson) -> dict[tuple[object, object], tuple[object, object]]:
    """Kind and memory of each, by device and pid; they come with every other tick."""
    rows = [row for _ in range(4) for row in jetson.tick().get("process", ())]
    return {(row["device"], row["pid"]): (row["type"], row["gpu_memory_bytes"]) for row in rows}


def test_an_orin_is_named_by_nvml_and_read_from_sysfs(jetsons: type[Jetson], nvml: World) -> None:
    nvml.switch("orin")
    jetson = jetsons("orin_nano", NvmlSource(NOWHERE, wall=count().__next__))
    row = jetson.gpu()
    told = {name: value for name, value in row.items() if value is not None}
    assert told == COLUMNS["orin_nano"] | {"device": ORIN_UUID}
    jetson.tick()
    assert jetson.state().facts["name"] == "Orin (nvgpu)"
    assert jetson.state().facts["cuda_version"] == "12.6.11"


def test_a_driver_that_does_not_answer_costs_a_name_and_no_reading(
    jetsons: type[Jetson], nvml: World
) -> None:
    nvml.switch("no_driver")
    jetson = jetsons("orin_nano", NvmlSource(NOWHERE, wall=count().__next__))
    assert [len(jetson.tick()["gpu"]) for _ in range(7)] == [0, 0, 0, 0, 0, 1, 1]
    assert jetson.state().device == "JETSON-1423324012345"
    nvml.switch("thor")  # too late for another name, not for what else it tells
    jetson.tick(20.0)
    jetson.tick()
    assert jetson.gpu()["device"] == "JETSON-1423324012345"
    assert jetson.state().facts["driver_version"] == "580.00"
    assert {device for device, _ in processes(jetson)} == {"JETSON-1423324012345"}


def test_a_card_in_the_slot_is_shown_beside(jetsons: type[Jetson], nvml: World) -> None:
    nvml.switch("orin")
    nvml.add("gpu 1", uuid="GPU-card", name="NVIDIA RTX A6000", power_mw=61000)
    nvml.set("gpu 1", "pci_bus_id", "00000005:01:00.0")
    jetson = jetsons("agx_orin", NvmlSource(NOWHERE, wall=count().__next__))
    rows = {row["device"]: row for row in jetson.tick()["gpu"]}
    assert set(rows) == {ORIN_UUID, "GPU-card"}
    assert rows["GPU-card"]["power_watts"] == 61.0
    assert [state.device for state in jetson.source.devices() if state.table == "gpu"] == [
        *(ORIN_UUID, "GPU-card")
    ]
