"""What each column and fact must be, worked out from a scenario's own text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.metrics import FANS
from monitor.sources.clock_reasons import COUNTED

Values = Mapping[str, str]
Expected = Callable[[Values], object]

# Between the two readings that a rate is made of.
LINK_SECONDS = 2.0
TICKS = 3
LINK_KIB = 2048
# Columns that need two samples, by the number of their GPM metric.
ACTIVITY = {
    "graphics_active_percent": 1,
    "sm_active_percent": 2,
    "sm_occupancy_percent": 3,
    "tensor_active_percent": 5,
    "dram_active_percent": 10,
}


def word(values: Values, key: str, at: int = 0) -> int | None:
    """A number of a value, None where the value is an error or is not there."""
    value = values.get(key, "!")
    return None if not value or value.startswith("!") else int(value.split()[at], 0)


def number(key: str, at: int = 0) -> Expected:
    return lambda values: word(values, key, at)


def decimal(key: str) -> Expected:
    return lambda values: float(values[key]) if key in values else None


def per_thousand(key: str, at: int = 0) -> Expected:
    def expected(values: Values) -> float | None:
        found = word(values, key, at)
        return None if found is None else found / 1000

    return expected


def times_thousand(key: str) -> Expected:
    def expected(values: Values) -> int | None:
        found = word(values, key)
        return None if found is None else found * 1000

    return expected


def total_of(*asked: tuple[str, int]) -> Expected:
    def expected(values: Values) -> int | None:
        found = [word(values, key, at) for key, at in asked]
        return None if None in found else sum(part for part in found if part is not None)

    return expected


def link_rate(key: str) -> Expected:
    return lambda values: LINK_KIB * 1024 / LINK_SECONDS if key in values else None


def _fan(values: Values) -> int | None:
    fans = [word(values, f"fan_{fan}") for fan in range(4)]
    return max((fan for fan in fans if fan is not None), default=None)


def _performance_state(values: Values) -> int | None:
    state = word(values, "performance_state")
    return None if state == 32 else state


def lost(column: str) -> Expected:
    """The seconds of `TICKS` ticks, one a second, where the mask has the column's bit."""
    bit = COUNTED[column].bit

    def expected(values: Values) -> float | None:
        mask = word(values, "clock_reasons")
        return None if mask is None else float(TICKS - 1 if mask & bit else 0)

    return expected


def _xids(values: Values) -> int | None:
    return 0 if "event_types" in values else None


COLUMNS: Mapping[str, Expected] = {
    "utilization_percent": number("utilization"),
    "memory_utilization_percent": number("utilization", 1),
    "memory_used_bytes": number("memory", 2),
    "memory_total_bytes": number("memory"),
    "memory_reserved_bytes": number("memory", 1),
    "temperature_celsius": number("temperature"),
    "memory_temperature_celsius": lambda values: (
        word(values, "field_82", 1) if "field_82" in values else None
    ),
    "power_watts": per_thousand("power_mw"),
    "power_limit_watts": per_thousand("power_limit_enforced_mw"),
    "energy_joules": per_thousand("energy_mj"),
    "fan_percent": _fan,
    **{f"fan_{fan}_percent": number(f"fan_{fan}") for fan in range(FANS)},
    "graphics_clock_mhz": number("clock_graphics"),
    "sm_clock_mhz": number("clock_sm"),
    "memory_clock_mhz": number("clock_memory"),
    "video_clock_mhz": number("clock_video"),
    "pcie_tx_bytes_per_second": times_thousand("pcie_tx_kb"),
    "pcie_rx_bytes_per_second": times_thousand("pcie_rx_kb"),
    "pcie_link_generation": number("pcie_generation"),
    "pcie_link_width": number("pcie_width"),
    "pcie_replay_count": number("pcie_replays"),
    "nvlink_tx_bytes_per_second": link_rate("field_138"),
    "nvlink_rx_bytes_per_second": link_rate("field_139"),
    "encoder_percent": number("encoder"),
    "decoder_percent": number("decoder"),
    "jpeg_percent": number("jpeg"),
    "ofa_percent": number("ofa"),
    **{column: decimal(f"gpm_{number}") for column, number in ACTIVITY.items()},
    "performance_state": _performance_state,
    "clock_event_reasons": number("clock_reasons"),
    **{column: lost(column) for column in COUNTED},
    "ecc_corrected_count": number("ecc_corrected"),
    "ecc_uncorrected_count": number("ecc_uncorrected"),
    "remapped_rows_count": total_of(("remapped_rows", 0), ("remapped_rows", 1)),
    "retired_pages_count": total_of(("retired_pages_single", 0), ("retired_pages_double", 0)),
    "xid_count": _xids,
    "xid": lambda values: None,
}


def _version(values: Values) -> str:
    cuda = int(values["cuda_version"])
    return f"{cuda // 1000}.{cuda // 10 % 100}"


def _mode(key: str) -> Expected:
    words = {None: None, 0: "disabled", 1: "enabled"}
    return lambda values: words[word(values, key)]


def _capability(values: Values) -> str:
    return values["compute_capability"].replace(" ", ".")


def _architecture(values: Values) -> str:
    names = {"5": "Volta", "7": "Ampere", "8": "Ada Lovelace", "9": "Hopper"}
    return names[values["architecture"]]


# `values` are here those of the GPU and of the driver. index and the MIG facts are tested apart.
FACTS: Mapping[str, Expected] = {
    **{key: lambda values, key=key: values.get(key) for key in ("name", "uuid", "serial", "vbios")},
    **{
        key: lambda values, key=key: values.get(key)
        for key in ("pci_bus_id", "driver_version", "nvml_version")
    },
    "cuda_version": _version,
    "compute_capability": _capability,
    "architecture": _architecture,
    "memory_total_bytes": number("memory"),
    "memory_kind": lambda values: None if word(values, "memory") is None else "v2",
    "memory_bus_bits": number("memory_bus_width"),
    "cores": number("cores"),
    "power_limit_set_watts": per_thousand("power_limit_mw"),
    "power_limit_enforced_watts": per_thousand("power_limit_enforced_mw"),
    "power_limit_default_watts": per_thousand("power_limit_default_mw"),
    "power_limit_min_watts": per_thousand("power_limit_range_mw"),
    "power_limit_max_watts": per_thousand("power_limit_range_mw", 1),
    "slowdown_temperature_celsius": number("threshold_slowdown"),
    "shutdown_temperature_celsius": number("threshold_shutdown"),
    "memory_max_temperature_celsius": number("threshold_memory_max"),
    "max_graphics_clock_mhz": number("clock_graphics_max"),
    "max_sm_clock_mhz": number("clock_sm_max"),
    "max_memory_clock_mhz": number("clock_memory_max"),
    "max_video_clock_mhz": number("clock_video_max"),
    "max_pcie_generation": number("pcie_generation_max"),
    "max_pcie_width": number("pcie_width_max"),
    "ecc_mode": _mode("ecc_mode"),
    "mig_mode": _mode("mig_mode"),
    "fan_count": number("fans"),
    "process_list": lambda values: "reported" if "compute" in values else "Not Supported",
}
