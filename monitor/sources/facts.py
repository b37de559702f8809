"""What stays the same about a device: each fact, declared once, with its unit and label."""

from __future__ import annotations

from dataclasses import dataclass

from monitor import units
from monitor.units import Unit


@dataclass(frozen=True)
class Fact:
    """A property of a device that does not change from tick to tick."""

    name: str
    unit: Unit
    label: str
    table: str = "gpu"


GPU_FACTS = (
    Fact("name", units.TEXT, "Name"),
    Fact("uuid", units.TEXT, "UUID"),
    Fact("index", units.NUMBER, "Index"),
    Fact("parent", units.TEXT, "UUID of the GPU a MIG instance is part of"),
    Fact("mig_index", units.NUMBER, "Number of the MIG instance"),
    Fact("gpu_instance_id", units.NUMBER, "Number of its GPU instance"),
    Fact("mig_mode", units.TEXT, "MIG mode"),
    Fact("serial", units.TEXT, "Serial number"),
    Fact("vbios", units.TEXT, "VBIOS"),
    Fact("pci_bus_id", units.TEXT, "PCI address"),
    Fact("driver_version", units.TEXT, "Driver"),
    Fact("nvml_version", units.TEXT, "NVML"),
    Fact("cuda_version", units.TEXT, "CUDA"),
    Fact("compute_capability", units.TEXT, "Compute capability"),
    Fact("architecture", units.TEXT, "Architecture"),
    Fact("memory_total_bytes", units.BYTES, "Memory"),
    Fact("memory_bus_bits", units.NUMBER, "Memory bus width"),
    Fact("memory_kind", units.TEXT, "What memory_used_bytes counts"),
    Fact("cores", units.NUMBER, "CUDA cores"),
    Fact("power_limit_set_watts", units.WATTS, "Power limit, set"),
    Fact("power_limit_enforced_watts", units.WATTS, "Power limit, enforced"),
    Fact("power_limit_default_watts", units.WATTS, "Power limit, default"),
    Fact("power_limit_min_watts", units.WATTS, "Power limit, lowest"),
    Fact("power_limit_max_watts", units.WATTS, "Power limit, highest"),
    Fact("slowdown_temperature_celsius", units.CELSIUS, "Slows down at"),
    Fact("shutdown_temperature_celsius", units.CELSIUS, "Shuts down at"),
    Fact("memory_max_temperature_celsius", units.CELSIUS, "Memory slows down at"),
    Fact("max_graphics_clock_mhz", units.MEGAHERTZ, "Graphics clock, highest"),
    Fact("max_sm_clock_mhz", units.MEGAHERTZ, "SM clock, highest"),
    Fact("max_memory_clock_mhz", units.MEGAHERTZ, "Memory clock, highest"),
    Fact("max_video_clock_mhz", units.MEGAHERTZ, "Video clock, highest"),
    Fact("max_pcie_generation", units.NUMBER, "PCIe generation, highest"),
    Fact("max_pcie_width", units.NUMBER, "PCIe width, highest"),
    Fact("ecc_mode", units.TEXT, "ECC"),
    Fact("fan_count", units.NUMBER, "Fans"),
    # `reported`, or the driver's words for why not.
    Fact("process_list", units.TEXT, "List of processes"),
)

# Of a GPU that shares chip and memory with the CPU.
JETSON_FACTS = (
    Fact("board", units.TEXT, "Board that the GPU is part of"),
    Fact("l4t_version", units.TEXT, "L4T"),
    Fact("jetpack_version", units.TEXT, "JetPack"),
    Fact("graphics_clock_lock", units.TEXT, "Graphics clock, locked or free"),
    Fact("power_scope", units.TEXT, "What power_watts is of"),
)

HOST_FACTS = (
    Fact("hostname", units.TEXT, "Name", "host"),
    Fact("cpu_model", units.TEXT, "CPU", "host"),
    Fact("cores", units.NUMBER, "Logical cores", "host"),
    Fact("physical_cores", units.NUMBER, "Physical cores", "host"),
    Fact("memory_total_bytes", units.BYTES, "RAM", "host"),
    Fact("operating_system", units.TEXT, "Operating system", "host"),
    Fact("kernel", units.TEXT, "Kernel", "host"),
    Fact("booted", units.MOMENT, "Started", "host"),
    # `host`, or `own` in a container: then processes outside it cannot be named.
    Fact("pid_namespace", units.TEXT, "PID namespace", "host"),
)

DISK_FACTS = (
    Fact("file_system", units.TEXT, "File system", "disk"),
    Fact("block_device", units.TEXT, "Device", "disk"),
)

NETWORK_FACTS = (Fact("speed_bits_per_second", units.NUMBER, "Speed in bit/s", "network"),)

ZONE_FACTS = (
    Fact("passive_temperature_celsius", units.CELSIUS, "Slows down at", "zone"),
    Fact("critical_temperature_celsius", units.CELSIUS, "Shuts down at", "zone"),
)

FACTS = GPU_FACTS + JETSON_FACTS + HOST_FACTS + DISK_FACTS + NETWORK_FACTS + ZONE_FACTS
