"""Eight simulated H100s under a training load, for a machine without any.

Every value is a function of seed and time alone: a restart goes on where the last one was.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence

from monitor.metrics import FANS
from monitor.sources.base import DeviceState, Row, Rows, SourceState, Value
from monitor.sources.demo_health import REMAPPED, SLOWDOWN_CELSIUS, DemoHealth
from monitor.sources.demo_processes import process_rows
from monitor.sources.demo_run import GPUS, IDLE, RUN_SECONDS, STRAGGLER, training_run

_MIB = 1 << 20
_FANS = [f"fan_{number}_percent" for number in range(FANS)]
_TOTAL_BYTES = 81_559 * _MIB
_RESERVED_BYTES = 627 * _MIB
# The energy counters were zero here, 2025-01-01 UTC; before it they would be negative.
_DRIVER_LOADED = 1_735_689_600
_BUSES = (0x1B, 0x43, 0x52, 0x61, 0x9D, 0xC3, 0xD1, 0xDF)  # of a DGX H100
# Ticks may begin a little before their second by the wall clock.
_EARLY = 0.05


class DemoSource:
    """Rows of the `gpu` and, every 2 s, the `process` table.

    `wall` gives seconds since 1970, UTC. Values change each whole second, as NVML's do.
    """

    name = "demo"

    def __init__(self, seed: int = 1, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._run = training_run(seed)
        self._health = DemoHealth(self._run)
        self._run_joules = (self._run.energy[-1] + self._run.power[-1]).tolist()
        self._devices = tuple(
            DeviceState("gpu", demo_uuid(index), facts=_facts(index)) for index in range(GPUS)
        )

    def sample(self, monotonic: float) -> Rows:
        """A row for each GPU; on even seconds one for each process."""
        now = math.floor(self._wall() + _EARLY)
        runs, second = divmod(now - _DRIVER_LOADED, RUN_SECONDS)
        gpus = [self._row(index, runs, second) for index in range(GPUS)]
        if now % 2:
            return {"gpu": gpus}
        return {"gpu": gpus, "process": process_rows(gpus, now - second)}

    def devices(self) -> Sequence[DeviceState]:
        """Eight H100s."""
        return self._devices

    def state(self) -> SourceState:
        """Always well."""
        return SourceState(self.name, ok=True, reason="GPU readings are simulated.")

    def close(self) -> None:
        """Nothing to let go of."""

    def _row(self, index: int, runs: int, second: int) -> Row:
        run, at = self._run, (second, index)
        clock = 15.0 * round(float(run.clock[at]) / 15)
        return {
            "device": demo_uuid(index),
            "index": index,
            "utilization_percent": _whole(run.utilization[at]),
            "memory_utilization_percent": _whole(run.memory_activity[at]),
            "memory_used_bytes": _used_bytes(float(run.memory_share[at])),
            "memory_total_bytes": _TOTAL_BYTES,
            "memory_reserved_bytes": _RESERVED_BYTES,
            "temperature_celsius": _whole(run.temperature[at]),
            "memory_temperature_celsius": _whole(run.memory_temperature[at]),
            "power_watts": _thousandths(run.power[at]),
            "power_limit_watts": 700.0,
            "energy_joules": _thousandths(runs * self._run_joules[index] + run.energy[at]),
            "fan_percent": None,
            **dict.fromkeys(_FANS),
            "graphics_clock_mhz": clock,
            "sm_clock_mhz": clock,
            "memory_clock_mhz": 2619.0,
            "video_clock_mhz": min(1545.0, 15.0 * round(clock * 0.78 / 15)),
            "pcie_tx_bytes_per_second": _kibibytes(run.pcie_tx[at]),
            "pcie_rx_bytes_per_second": _kibibytes(run.pcie_rx[at]),
            "pcie_link_generation": 5,
            "pcie_link_width": 16,
            "pcie_replay_count": 3 if index == STRAGGLER else 0,
            "nvlink_tx_bytes_per_second": _kibibytes(run.nvlink[at]),
            "nvlink_rx_bytes_per_second": _kibibytes(run.nvlink[second, (index + 1) % IDLE])
            if index != IDLE
            else 0.0,
            "encoder_percent": 0.0,
            "decoder_percent": 0.0,
            "jpeg_percent": 0.0,
            "ofa_percent": 0.0,
            **_activity(float(run.utilization[at]), float(run.memory_activity[at])),
            "performance_state": 0,
            "ecc_corrected_count": 2 if index == REMAPPED else 0,
            "ecc_uncorrected_count": 0,
            "remapped_rows_count": 1 if index == REMAPPED else 0,
            "retired_pages_count": None,  # rows are remapped instead, since Ampere
            **self._health.cells(runs, second, index),
        }


def demo_uuid(index: int) -> str:
    """The same on every machine and in every run."""
    digest = hashlib.blake2b(f"demo GPU {index}".encode(), digest_size=16).hexdigest()
    return f"GPU-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def _used_bytes(share: float) -> int:
    # CUDA allocates in pages of 2 MiB; an unused GPU still shows a few.
    return max(2, round(share * _TOTAL_BYTES / (2 * _MIB))) * 2 * _MIB


def _activity(utilization: float, memory_activity: float) -> Row:
    # Of a step, half the time goes to products of matrices; memory is seldom what it waits for.
    return {
        "graphics_active_percent": _hundredths(0.985 * utilization),
        "sm_active_percent": _hundredths(0.91 * utilization),
        "sm_occupancy_percent": _hundredths(0.36 * utilization),
        "tensor_active_percent": _hundredths(0.8 * memory_activity),
        "dram_active_percent": _hundredths(0.65 * memory_activity),
    }


def _whole(value: float) -> float:
    return float(round(float(value)))


def _hundredths(value: float) -> float:
    return round(value, 2)


def _thousandths(value: float) -> float:
    return round(float(value), 3)


def _kibibytes(value: float) -> float:
    return 1024.0 * round(float(value) / 1024)


def _facts(index: int) -> dict[str, Value]:
    return {
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": demo_uuid(index),
        "index": index,
        "mig_mode": "disabled",
        "serial": f"16542230{40117 + 31 * index}",
        "vbios": "96.00.99.00.01",
        "pci_bus_id": f"00000000:{_BUSES[index]:02X}:00.0",
        "driver_version": "580.159.03",
        "nvml_version": "13.580.159.03",
        "cuda_version": "13.0",
        "compute_capability": "9.0",
        "architecture": "Hopper",
        "memory_total_bytes": _TOTAL_BYTES,
        "memory_bus_bits": 5120,
        "memory_kind": "v2",
        "cores": 16_896,
        "power_limit_set_watts": 700.0,
        "power_limit_enforced_watts": 700.0,
        "power_limit_default_watts": 700.0,
        "power_limit_min_watts": 200.0,
        "power_limit_max_watts": 700.0,
        "slowdown_temperature_celsius": SLOWDOWN_CELSIUS,
        "shutdown_temperature_celsius": 92.0,
        "memory_max_temperature_celsius": 95.0,
        "max_graphics_clock_mhz": 1980.0,
        "max_sm_clock_mhz": 1980.0,
        "max_memory_clock_mhz": 2619.0,
        "max_video_clock_mhz": 1545.0,
        "max_pcie_generation": 5,
        "max_pcie_width": 16,
        "ecc_mode": "enabled",
        "fan_count": 0,
        "process_list": "reported",
    }
