"""nvitop and gpustat from PyPI, in a virtual environment of their own.

Each is run in two ways: its view, as people run it, in a terminal; and its Python interface asked
once a second for all that it knows of the GPUs, the closest to recording and the least work.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rivals import NotToBeHad

_PACKAGES = ("nvitop==1.7.2", "gpustat==1.1.1")

_EACH_SECOND = """
import time
due = time.monotonic()
while True:
    read()
    due += 1
    time.sleep(max(0.0, due - time.monotonic()))
"""
_GPUSTAT = """
import io
from gpustat import GPUStatCollection

def read():
    GPUStatCollection.new_query().print_json(io.StringIO())
"""
_NVITOP = """
from nvitop import ResourceMetricCollector

read = ResourceMetricCollector(interval=1.0).take_snapshots
"""
# What each has of a GPU after a reading, as numbers that are not derived from one another.
_OF_GPUSTAT = """
from gpustat import GPUStatCollection

print(sum(
    isinstance(value, (int, float)) and name != "index"
    for gpu in GPUStatCollection.new_query().jsonify()["gpus"] for name, value in gpu.items()
))
"""
_OF_NVITOP_VIEW = """
from nvitop.tui.library.device import Device

names = (
    "memory_used memory_free memory_total gpu_utilization memory_utilization fan_speed temperature"
    " power_usage power_limit total_volatile_uncorrected_ecc_errors"
)
gpus = [gpu.as_snapshot() for gpu in Device.all()]
numbers = [getattr(gpu, name) for gpu in gpus for name in names.split()]
print(sum(isinstance(number, (int, float)) for number in numbers) + len(gpus))  # performance state
"""
_OF_NVITOP = """
from nvitop import Device

names = (
    "fan_speed temperature power_usage power_limit total_volatile_uncorrected_ecc_errors"
    " pcie_tx_throughput pcie_rx_throughput"
)
gpus = [gpu.as_snapshot() for gpu in Device.all()]
numbers = [getattr(gpu, name) for gpu in gpus for name in names.split()]
for gpu in gpus:
    numbers += [*gpu.memory_info, *gpu.utilization_rates, *gpu.clock_infos, *gpu.max_clock_infos]
print(sum(isinstance(number, (int, float)) for number in numbers) + len(gpus))  # performance state
"""


@dataclass(frozen=True)
class Rival:
    """A way to run one. `values` is a program that prints how many numbers of GPUs it reads."""

    name: str
    command: tuple[str, ...]
    values: str
    has_view: bool = False

    def value_count(self, variables: Mapping[str, str]) -> int:
        """How many numbers it has of all GPUs after a reading."""
        command = [self.command[0], "-c", self.values]
        if self.has_view:
            command[0] = str(Path(self.command[0]).with_name("python"))
        return int(subprocess.check_output(command, env=variables, text=True))


def install(folder: Path) -> list[Rival]:
    """The rivals, installed below `folder`. NotToBeHad where PyPI does not give them."""
    programs = folder / "bin"
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(programs / "pip"), "install", "--quiet", "--disable-pip-version-check", *_PACKAGES],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            raise NotToBeHad(f"{' and '.join(_PACKAGES)} could not be installed: {reason}")
    python, nvitop, gpustat = (str(programs / name) for name in ("python", "nvitop", "gpustat"))
    view = ("--monitor", "full", "--interval", "1")
    return [
        Rival("nvitop's view", (nvitop, *view), _OF_NVITOP_VIEW, has_view=True),
        Rival("nvitop in Python", (python, "-c", _NVITOP + _EACH_SECOND), _OF_NVITOP),
        Rival("gpustat's view", (gpustat, "--interval", "1"), _OF_GPUSTAT, has_view=True),
        Rival("gpustat in Python", (python, "-c", _GPUSTAT + _EACH_SECOND), _OF_GPUSTAT),
    ]
