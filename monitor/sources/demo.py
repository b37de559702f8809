"""Eight simulated H100s under a training load, for a machine without any.

Every value is a function of seed, GPU and time alone: a restart goes on where the last one was.
Six GPUs train in step, with warm-up and checkpoints; GPU 5 is slowed by heat; GPU 6 serves a
smaller model; GPU 7 is idle and holds memory.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence

from monitor.sources.base import DeviceState, Row, Rows, SourceState, Value

GPUS = 8
_STRAGGLER, _SERVING, _IDLE = 5, 6, 7
_GIB = 1 << 30
_MIB = 1 << 20
_TOTAL_BYTES = 81_559 * _MIB
_RESERVED_BYTES = 627 * _MIB
_RUN_SECONDS = 3600
_WARM_UP_SECONDS = 90
_CHECKPOINT_EVERY = 300
_CHECKPOINT_SECONDS = 14
_STEP_SECONDS = 7
_SW_THERMAL, _HW_THERMAL, _POWER_CAP, _GPU_IDLE = 0x20, 0x40, 0x4, 0x1


class DemoSource:
    """Rows of the `gpu` table. `wall` gives seconds since 1970, UTC."""

    name = "demo"

    def __init__(self, seed: int = 1, wall: Callable[[], float] = time.time) -> None:
        self._seed = seed
        self._wall = wall
        self._devices = tuple(self._state_of(index) for index in range(GPUS))

    def sample(self, monotonic: float) -> Rows:
        """One row for each GPU."""
        now = math.floor(self._wall() + 0.05)
        return {"gpu": [self._row(index, now) for index in range(GPUS)]}

    def devices(self) -> Sequence[DeviceState]:
        """Eight H100s."""
        return self._devices

    def state(self) -> SourceState:
        """Always well."""
        return SourceState(self.name, ok=True, reason="GPU readings are simulated.")

    def close(self) -> None:
        """Nothing to let go of."""

    def _row(self, index: int, now: int) -> Row:
        load = self._load(index, now)
        noise = _Noise(f"{self._seed}/{index}/{now}")
        slow = index == _STRAGGLER
        warm = self._warmth(index, now)
        power = round(1000 * (70 + 600 * load * (0.93 if slow else 1) + noise(9))) / 1000
        temperature = round(
            33 + 30 * warm + 12 * load * warm + (14.5 * warm if slow else 0) + noise(0.8)
        )
        clock = 345 if index == _IDLE else 1755 if load < 0.2 else 1785 + 15 * round(noise(1.4))
        if slow and temperature >= 84:
            clock = 1635 + 15 * round(noise(1.4))
        checkpoint = self._checkpoint(index, now)
        busy = index != _IDLE
        reasons = _GPU_IDLE if not busy else 0
        if slow and temperature >= 84:
            reasons |= _SW_THERMAL | (_HW_THERMAL if temperature >= 88 else 0)
        elif power > 672:
            reasons |= _POWER_CAP
        return {
            "device": _uuid(index),
            "index": index,
            "utilization_percent": float(max(0, min(100, round(100 * load + noise(2)))))
            if busy
            else 0.0,
            "memory_utilization_percent": float(max(0, min(100, round(58 * load + noise(4)))))
            if busy
            else 0.0,
            "memory_used_bytes": self._memory(index, now),
            "memory_total_bytes": _TOTAL_BYTES,
            "memory_reserved_bytes": _RESERVED_BYTES,
            "temperature_celsius": float(temperature),
            "memory_temperature_celsius": float(temperature + round(5 + 3 * load)),
            "power_watts": power,
            "power_limit_watts": 700.0,
            "energy_joules": self._energy(index, now),
            "graphics_clock_mhz": float(clock),
            "sm_clock_mhz": float(clock),
            "memory_clock_mhz": 2619.0 if busy else 1593.0,
            "video_clock_mhz": float(round(clock * 0.82 / 15) * 15),
            "pcie_tx_bytes_per_second": float(
                round(1024 * (800 + 2.6e6 * checkpoint + 9e4 * load * noise(1) ** 2))
            ),
            "pcie_rx_bytes_per_second": float(
                round(1024 * (600 + 3.1e5 * load + 6e4 * abs(noise(1))))
            ),
            "pcie_link_generation": 5,
            "pcie_link_width": 16,
            "pcie_replay_count": 3 if slow else 0,
            "nvlink_tx_bytes_per_second": float(round(1024 * 1.4e8 * load * (1 + noise(0.05))))
            if index < 6
            else 0.0,
            "nvlink_rx_bytes_per_second": float(round(1024 * 1.4e8 * load * (1 + noise(0.05))))
            if index < 6
            else 0.0,
            "encoder_percent": 0.0,
            "decoder_percent": 0.0,
            "jpeg_percent": 0.0,
            "ofa_percent": 0.0,
            "performance_state": 0 if busy else 8,
            "clock_event_reasons": reasons,
            "ecc_corrected_count": 2 if index == 2 else 0,
            "ecc_uncorrected_count": 0,
            "remapped_rows_count": 1 if index == 2 else 0,
            "xid_count": 0,
        }

    def _load(self, index: int, now: int) -> float:
        """0 to 1: what share of its power the GPU uses."""
        if index == _IDLE:
            return 0.0
        if index == _SERVING:
            wave = 0.42 + 0.16 * math.sin(now / 97) + 0.08 * math.sin(now / 11)
            return max(0.05, wave + _Noise(f"serve/{self._seed}/{now}")(0.05))
        if self._checkpoint(index, now):
            return 0.06
        run = now % _RUN_SECONDS
        if run < _WARM_UP_SECONDS:
            return 0.15 + 0.75 * run / _WARM_UP_SECONDS
        # At the end of each step the fast ones wait for the slowest.
        waits = now % _STEP_SECONDS == _STEP_SECONDS - 1 and index != _STRAGGLER
        return (0.88 if waits else 0.965) + 0.02 * math.sin(now / 53 + index)

    def _warmth(self, index: int, now: int) -> float:
        if index == _IDLE:
            return 0.03
        if index == _SERVING:
            return 0.55
        run = now % _RUN_SECONDS
        since = run % _CHECKPOINT_EVERY
        cooled = 0.08 * math.exp(-since / 40)
        return 0.93 - 0.25 * math.exp(-run / 120) - cooled + 0.012 * index / GPUS

    def _checkpoint(self, index: int, now: int) -> bool:
        run = now % _RUN_SECONDS
        return (
            index < _SERVING
            and run >= _WARM_UP_SECONDS
            and run % _CHECKPOINT_EVERY < _CHECKPOINT_SECONDS
        )

    def _memory(self, index: int, now: int) -> int:
        if index == _IDLE:
            return round(61.2 * _GIB / _MIB) * _MIB
        if index == _SERVING:
            return round((31 + 1.5 * math.sin(now / 211)) * 1024) * _MIB
        filled = min(1.0, (now % _RUN_SECONDS + 20) / _WARM_UP_SECONDS)
        return (round(18 + 56 * filled) * 1024 + 370 * index + 2 * (now // 60 % 8)) * _MIB

    def _energy(self, index: int, now: int) -> float:
        # Grows each second by about what power_watts says; exact to the millijoule NVML gives.
        mean = 70 + 600 * (0.0 if index == _IDLE else 0.42 if index == _SERVING else 0.93)
        return round(1000 * (mean * (now % 31_536_000) + 40 * math.sin(now / 53 + index))) / 1000

    def _state_of(self, index: int) -> DeviceState:
        facts: dict[str, Value] = {
            "name": "NVIDIA H100 80GB HBM3",
            "uuid": _uuid(index),
            "index": index,
            "serial": f"16542230{40117 + 31 * index}",
            "vbios": "96.00.99.00.01",
            "pci_bus_id": f"00000000:{0x1B + 0x11 * index:02X}:00.0",
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
            "slowdown_temperature_celsius": 87.0,
            "shutdown_temperature_celsius": 92.0,
            "memory_max_temperature_celsius": 95.0,
            "max_graphics_clock_mhz": 1980.0,
            "max_sm_clock_mhz": 1980.0,
            "max_memory_clock_mhz": 2619.0,
            "max_video_clock_mhz": 1545.0,
            "max_pcie_generation": 5,
            "max_pcie_width": 16,
            "ecc_mode": "enabled",
            "mig_mode": "disabled",
        }
        return DeviceState("gpu", _uuid(index), facts=facts)


class _Noise:
    """Numbers that look random and are the same for the same words."""

    def __init__(self, words: str) -> None:
        self._digest = hashlib.blake2b(words.encode(), digest_size=48).digest()
        self._at = 0

    def __call__(self, scale: float) -> float:
        """About normal, with mean 0 and a deviation of `scale`."""
        raw = self._digest[self._at : self._at + 4]
        self._at = (self._at + 4) % len(self._digest)
        return scale * (sum(raw) / 255 - 2) * 1.73


def _uuid(index: int) -> str:
    digest = hashlib.blake2b(f"demo GPU {index}".encode(), digest_size=16).hexdigest()
    return f"GPU-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
