"""What the driver tells about a GPU that stays the same."""

from __future__ import annotations

from collections.abc import Callable

import pynvml

from monitor.sources.base import Row, Value
from monitor.sources.nvml_errors import FAILURES
from monitor.sources.nvml_reader import Handle, Way, reading
from monitor.sources.nvml_readings import memory_v1, memory_v2

_ARCHITECTURES = {
    pynvml.NVML_DEVICE_ARCH_KEPLER: "Kepler",
    pynvml.NVML_DEVICE_ARCH_MAXWELL: "Maxwell",
    pynvml.NVML_DEVICE_ARCH_PASCAL: "Pascal",
    pynvml.NVML_DEVICE_ARCH_VOLTA: "Volta",
    pynvml.NVML_DEVICE_ARCH_TURING: "Turing",
    pynvml.NVML_DEVICE_ARCH_AMPERE: "Ampere",
    pynvml.NVML_DEVICE_ARCH_ADA: "Ada Lovelace",
    pynvml.NVML_DEVICE_ARCH_HOPPER: "Hopper",
    pynvml.NVML_DEVICE_ARCH_BLACKWELL: "Blackwell",
    pynvml.NVML_DEVICE_ARCH_RUBIN: "Rubin",
}


def text(value: str | bytes) -> str:
    """A string of NVML's; some versions of its binding give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _one(function: str) -> Way:
    """The one value of the function of that name."""
    call = getattr(pynvml, function)
    return lambda handle: (call(handle),)


def _words(function: str) -> Way:
    call = getattr(pynvml, function)
    return lambda handle: (text(call(handle)) or None,)


def _watts(function: str) -> Way:
    call = getattr(pynvml, function)
    return lambda handle: (call(handle) / 1000,)


def _max_clock(kind: int) -> Way:
    return lambda handle: (pynvml.nvmlDeviceGetMaxClockInfo(handle, kind),)


def _threshold(kind: int) -> Way:
    # Newer cards tell margins (TLIMIT) in other fields; those are no temperatures.
    return lambda handle: (pynvml.nvmlDeviceGetTemperatureThreshold(handle, kind) or None,)


def _mode(function: str) -> Way:
    call = getattr(pynvml, function)
    return lambda handle: ("enabled" if call(handle)[0] else "disabled",)


def _compute_capability(handle: Handle) -> tuple[Value, ...]:
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return (f"{major}.{minor}",)


def _architecture(handle: Handle) -> tuple[Value, ...]:
    return (_ARCHITECTURES.get(pynvml.nvmlDeviceGetArchitecture(handle)),)


def _power_range(handle: Handle) -> tuple[Value, ...]:
    lowest, highest = pynvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)
    return lowest / 1000, highest / 1000


def _memory(handle: Handle, read: Way, kind: str) -> tuple[Value, ...]:
    total = read(handle)[1]
    return total, None if total is None else kind


FACTS = (
    reading("name", _words("nvmlDeviceGetName")),
    reading(
        "memory_total_bytes memory_kind",
        lambda handle: _memory(handle, memory_v2, "v2"),
        lambda handle: _memory(handle, memory_v1, "v1"),
    ),
    reading("serial", _words("nvmlDeviceGetSerial")),
    reading("vbios", _words("nvmlDeviceGetVbiosVersion")),
    reading("compute_capability", _compute_capability),
    reading("architecture", _architecture),
    reading("memory_bus_bits", _one("nvmlDeviceGetMemoryBusWidth")),
    reading("cores", _one("nvmlDeviceGetNumGpuCores")),
    reading("power_limit_set_watts", _watts("nvmlDeviceGetPowerManagementLimit")),
    reading("power_limit_enforced_watts", _watts("nvmlDeviceGetEnforcedPowerLimit")),
    reading("power_limit_default_watts", _watts("nvmlDeviceGetPowerManagementDefaultLimit")),
    reading("power_limit_min_watts power_limit_max_watts", _power_range),
    reading("slowdown_temperature_celsius", _threshold(pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN)),
    reading("shutdown_temperature_celsius", _threshold(pynvml.NVML_TEMPERATURE_THRESHOLD_SHUTDOWN)),
    reading(
        "memory_max_temperature_celsius", _threshold(pynvml.NVML_TEMPERATURE_THRESHOLD_MEM_MAX)
    ),
    reading("max_graphics_clock_mhz", _max_clock(pynvml.NVML_CLOCK_GRAPHICS)),
    reading("max_sm_clock_mhz", _max_clock(pynvml.NVML_CLOCK_SM)),
    reading("max_memory_clock_mhz", _max_clock(pynvml.NVML_CLOCK_MEM)),
    reading("max_video_clock_mhz", _max_clock(pynvml.NVML_CLOCK_VIDEO)),
    reading("max_pcie_generation", _one("nvmlDeviceGetMaxPcieLinkGeneration")),
    reading("max_pcie_width", _one("nvmlDeviceGetMaxPcieLinkWidth")),
    reading("ecc_mode", _mode("nvmlDeviceGetEccMode")),
    reading("mig_mode", _mode("nvmlDeviceGetMigMode")),
    reading("fan_count", _one("nvmlDeviceGetNumFans")),
)

# An instance answers little else for itself.
INSTANCE_FACTS = (*FACTS[:2], reading("gpu_instance_id", _one("nvmlDeviceGetGpuInstanceId")))


def driver_facts() -> Row:
    """Versions of driver, NVML and CUDA; what fails is absent."""
    facts: Row = {}
    questions: tuple[tuple[str, Callable[[], Value]], ...] = (
        ("driver_version", lambda: text(pynvml.nvmlSystemGetDriverVersion())),
        ("nvml_version", lambda: text(pynvml.nvmlSystemGetNVMLVersion())),
        ("cuda_version", _cuda_version),
    )
    for name, ask in questions:
        try:
            facts[name] = ask()
        except FAILURES:
            continue
    return facts


def _cuda_version() -> str:
    version = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    return f"{version // 1000}.{version % 1000 // 10}"
