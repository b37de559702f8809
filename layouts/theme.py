"""Colours that belong to things. Everything else is in assets/theme.css."""

from __future__ import annotations

GPU_COLOURS = 16
"""How many GPU colours assets/theme.css has, as --gpu-0 and on."""

ACCENTS = {
    "host.cpu_percent": "var(--cpu)",
    "host.memory_used_bytes": "var(--ram)",
    "host.swap_used_bytes": "var(--swap)",
    "host.disk_io_bytes_per_second": "var(--io)",
    "disk.used_bytes": "var(--disk)",
    "gpu.memory_used_bytes": "var(--vram)",
    "gpu.power_watts": "var(--power)",
    "gpu.temperature_celsius": "var(--heat)",
    "gpu.utilization_percent": "var(--gpu)",
}


def gpu_colour(index: object) -> str:
    """The colour that a GPU has everywhere."""
    number = index if isinstance(index, int) else 0
    return f"var(--gpu-{number % GPU_COLOURS})"
