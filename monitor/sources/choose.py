"""Which sources a machine is recorded from, and why those."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.settings import GpuSource, Settings
from monitor.sources.base import Source
from monitor.sources.demo import DemoSource
from monitor.sources.host import HostSource
from monitor.sources.jetson import JetsonSource
from monitor.sources.jetson_place import is_jetson
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.none import NoSource

NVML_LIBRARY = "libnvidia-ml.so.1"


def nvml_loads() -> bool:
    """Whether the NVIDIA driver's library is there. Loading it touches no GPU."""
    try:
        ctypes.CDLL(NVML_LIBRARY)
    except OSError:
        return False
    return True


def nvml_source(settings: Settings) -> Source:
    """NVML's GPUs. ImportError where its binding is missing."""
    from monitor.sources.nvml import NvmlSource

    return NvmlSource(root=settings.root, interval=settings.interval)


@dataclass(frozen=True)
class Machine:
    """What the choice depends on, beside the settings."""

    nvml_loads: Callable[[], bool] = nvml_loads
    nvml_source: Callable[[Settings], Source] = nvml_source


def choose(settings: Settings, machine: Machine | None = None) -> tuple[tuple[Source, ...], str]:
    """The sources, that of GPUs first, and a sentence that says why these."""
    gpu, sentence = _GPU_SOURCES[settings.gpu_source](settings, machine or Machine())
    return (gpu, HostSource(settings.root, settings.mounts)), sentence


def _auto(settings: Settings, machine: Machine) -> tuple[Source, str]:
    if is_jetson(settings.root):
        return _jetson(settings, machine)
    source, sentence = _nvml(settings, machine)
    if isinstance(source, NoSource) or machine.nvml_loads():
        return source, sentence
    # A driver may be installed while we record: the source goes on looking.
    return source, (
        "No NVIDIA driver library was found, so only the host is recorded; GPUs appear by "
        "themselves once there is one, and --gpu-source demo shows simulated ones."
    )


def _nvml(settings: Settings, machine: Machine) -> tuple[Source, str]:
    try:
        source = machine.nvml_source(settings)
    except ImportError as error:
        reason = f"The binding to NVIDIA's driver cannot be loaded ({error})."
        advice = "Install nvidia-ml-py, and uninstall the package pynvml, which hides it."
        return NoSource(reason, advice), f"{reason[:-1]}, so only the host is recorded."
    return source, "GPUs are read through NVML, the NVIDIA driver's library."


def _jetson(settings: Settings, machine: Machine) -> tuple[Source, str]:
    nvml: Source | None = None
    if machine.nvml_loads():
        with contextlib.suppress(ImportError):  # its binding is missing: sysfs is there
            nvml = machine.nvml_source(settings)
    how = "read from sysfs, and through NVML where that tells more" if nvml else "read from sysfs"
    forced = settings.gpu_source == "jetson"
    why = "As asked for (--gpu-source jetson)," if forced else "This machine is a Jetson, so"
    source = JetsonSource(KernelFiles(settings.root), settings.interval, nvml)
    return source, f"{why} its GPU, zones and power rails are {how}."


def _demo(settings: Settings, machine: Machine) -> tuple[Source, str]:
    return DemoSource(), (
        "Eight simulated GPUs are recorded beside the real host (--gpu-source demo)."
    )


def _none(settings: Settings, machine: Machine) -> tuple[Source, str]:
    return NoSource(), (
        "GPU readings are switched off (--gpu-source none), so only the host is recorded."
    )


_GPU_SOURCES: Mapping[GpuSource, Callable[[Settings, Machine], tuple[Source, str]]] = {
    "auto": _auto,
    "nvml": _nvml,
    "jetson": _jetson,
    "demo": _demo,
    "none": _none,
}
