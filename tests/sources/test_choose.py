"""Which sources are chosen, and that the sentence says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings import Settings
from monitor.sources.base import DeviceState, Rows, Source, SourceState
from monitor.sources.choose import Machine, choose, nvml_loads
from monitor.sources.jetson import JetsonSource
from monitor.sources.none import NoSource
from tests.sources.fake_jetson import BOARDS, FakeJetson


class FakeNvml:
    name = "nvml"

    def __init__(self, settings: Settings) -> None:
        self.root = settings.root

    def sample(self, monotonic: float) -> Rows:
        return {}

    def devices(self) -> tuple[DeviceState, ...]:
        return ()

    def state(self) -> SourceState:
        return SourceState(self.name, ok=True)

    def close(self) -> None:
        pass


def no_binding(settings: Settings) -> Source:
    raise ImportError("No module named 'pynvml'")


WITH_DRIVER = Machine(nvml_loads=lambda: True, nvml_source=FakeNvml)
WITHOUT_DRIVER = Machine(nvml_loads=lambda: False, nvml_source=FakeNvml)
WITHOUT_BINDING = Machine(nvml_loads=lambda: True, nvml_source=no_binding)


@pytest.mark.parametrize(
    ("gpu_source", "machine", "name", "words"),
    [
        ("auto", WITH_DRIVER, "nvml", "through NVML"),
        ("auto", WITHOUT_DRIVER, "nvml", "No NVIDIA driver library was found, so only the host"),
        ("auto", WITHOUT_BINDING, "none", "No module named 'pynvml'"),
        ("nvml", WITH_DRIVER, "nvml", "through NVML"),
        ("nvml", WITHOUT_DRIVER, "nvml", "through NVML"),
        ("nvml", WITHOUT_BINDING, "none", "so only the host is recorded"),
        ("demo", WITHOUT_BINDING, "demo", "simulated"),
        ("jetson", WITHOUT_DRIVER, "jetson", "As asked for (--gpu-source jetson)"),
        ("none", WITH_DRIVER, "none", "switched off (--gpu-source none)"),
    ],
)
def test_choice(gpu_source: str, machine: Machine, name: str, words: str, tmp_path: Path) -> None:
    settings = Settings(gpu_source=gpu_source, root=tmp_path)
    (gpu, host), sentence = choose(settings, machine)
    assert gpu.name == name
    assert host.name == "host"
    assert words in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    gpu.close()
    host.close()


@pytest.mark.parametrize("board", BOARDS)
def test_a_jetson_is_known_by_its_files(board: str, tmp_path: Path) -> None:
    files = FakeJetson(tmp_path, BOARDS[board])
    for machine, words in (
        (WITH_DRIVER, "read from sysfs, and through NVML where that tells more."),
        (WITHOUT_DRIVER, "power rails are read from sysfs."),
        (WITHOUT_BINDING, "power rails are read from sysfs."),
    ):
        (gpu, host), sentence = choose(Settings(root=tmp_path), machine)
        assert gpu.name == "jetson"
        assert sentence.startswith("This machine is a Jetson, so")
        assert words in sentence
        assert isinstance(gpu, JetsonSource)
        gpu.close()
        host.close()
    files.close()


def test_a_jetson_whose_gpu_is_not_there_yet_is_one(tmp_path: Path) -> None:
    board = {path: text for path, text in BOARDS["agx_orin"].items() if "devfreq" not in path}
    files = FakeJetson(tmp_path, board)
    (gpu, host), _ = choose(Settings(root=tmp_path), WITHOUT_DRIVER)
    assert gpu.name == "jetson"
    gpu.close()
    host.close()
    files.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uevent", "OF_NAME=gpu\nOF_COMPATIBLE_0=rockchip,rk3588-mali\n"),
        ("of_node/name", "vic\0"),
    ],
)
def test_another_makers_board_is_none(name: str, text: str, tmp_path: Path) -> None:
    files = FakeJetson(tmp_path, {f"sys/class/devfreq/fb000000.gpu/device/{name}": text})
    (gpu, host), _ = choose(Settings(root=tmp_path), WITH_DRIVER)
    assert gpu.name == "nvml"
    host.close()
    files.close()


def test_every_value_of_the_setting_has_a_source(tmp_path: Path) -> None:
    from typing import get_args

    from monitor.settings import GpuSource

    for value in get_args(GpuSource):
        sources, _ = choose(Settings(gpu_source=value, root=tmp_path), WITHOUT_DRIVER)
        assert len(sources) == 2


def test_sources_get_the_settings(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, mounts=("/var/log",))
    (gpu, host), _ = choose(settings, WITH_DRIVER)
    assert isinstance(gpu, FakeNvml)
    assert gpu.root == tmp_path
    assert [row["device"] for row in host.sample(1.0)["disk"]] == ["/", "/var/log"]


def test_no_binding_says_what_to_do(tmp_path: Path) -> None:
    (gpu, _), _ = choose(Settings(root=tmp_path), WITHOUT_BINDING)
    assert not gpu.state().ok
    assert "nvidia-ml-py" in gpu.state().advice


def test_switched_off_gives_nothing_and_says_so() -> None:
    off = NoSource()
    assert off.sample(1.0) == {}
    assert off.devices() == ()
    assert off.state().reason == "GPU readings are switched off (--gpu-source none)."
    off.close()


def test_the_real_library_is_looked_for() -> None:
    assert nvml_loads() in {True, False}
