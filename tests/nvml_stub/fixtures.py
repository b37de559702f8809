"""Fixtures: `nvml_library` (folder), `nvml` (a world in this process), `old_nvml_library`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import nvml_stub
from tests.nvml_stub import Scenario, Stub


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the library of a current driver."""
    if nvml_stub.compiler() is None:
        pytest.skip(nvml_stub.NO_COMPILER)
    return nvml_stub.build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def old_nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the library of a driver of the 470 series: newer functions are not in it."""
    if nvml_stub.compiler() is None:
        pytest.skip(nvml_stub.NO_COMPILER)
    return nvml_stub.build(tmp_path_factory.mktemp("nvml"), "old")


@pytest.fixture(scope="session")
def loaded_nvml(nvml_library: Path) -> Stub:
    """The library of a current driver, in this process."""
    return nvml_stub.load(nvml_library)


@pytest.fixture
def nvml(loaded_nvml: Stub, tmp_path: Path) -> Iterator[World]:
    """A world that pynvml in this process sees. Ends with no call under way."""
    world = World(loaded_nvml, tmp_path / "scenario.txt")
    loaded_nvml.reset()
    loaded_nvml.use(world)
    yield world
    world.switch("no_driver")  # ends hangs
    assert within(10, lambda: loaded_nvml.in_flight() == 0)
    changed = loaded_nvml.misuse()["changed"]
    loaded_nvml.reset()
    assert not changed, "Something on a GPU was changed: stderr says by which function."


class World(Scenario):
    """A scenario, at first one H100, with the library that shows it."""

    def __init__(self, stub: Stub, path: Path) -> None:
        super().__init__("one_h100", path)
        self.stub = stub


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    """Whether `happens` comes true before `seconds` are over."""
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True
