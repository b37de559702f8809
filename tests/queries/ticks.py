"""A tick as the page's queries get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.queries.latest import Latest
from monitor.sources.base import DeviceState, DeviceStatus, Row, Value

TICK = 1_795_514_401_000
GIB = 1 << 30

HOST: Row = {
    "device": "host",
    "cpu_percent": 37.4,
    "load_1m": 24.1,
    "cpu_frequency_mhz": 3200.0,
    "memory_used_bytes": 11 * GIB,
    "memory_total_bytes": 126 * GIB,
    "memory_cached_bytes": GIB // 2,
    "swap_used_bytes": 0,
    "swap_total_bytes": 8 * GIB,
    "pressure_memory_percent": 0.0,
    "disk_read_bytes_per_second": 2e6,
    "disk_write_bytes_per_second": 1e6,
}
GPU: Row = {
    "device": "GPU-a",
    "index": 0,
    "utilization_percent": 96.0,
    "memory_used_bytes": 40 * GIB,
    "memory_total_bytes": 80 * GIB,
    "memory_reserved_bytes": GIB // 2,
    "temperature_celsius": 60.0,
    "power_watts": 350.0,
    "power_limit_watts": 700.0,
    "sm_clock_mhz": 1640.0,
    "memory_clock_mhz": 2619.0,
    "ecc_uncorrected_count": 0,
    "performance_state": 0,
}
FACTS: Mapping[str, Value] = {
    "index": 0,
    "name": "NVIDIA H100 80GB HBM3",
    "driver_version": "580.159.03",
    "memory_total_bytes": 80 * GIB,
    "slowdown_temperature_celsius": 87.0,
    "max_sm_clock_mhz": 1980.0,
    "fan_count": 0,
}


def gpu_state(
    device: str = "GPU-a", status: DeviceStatus = "ok", reason: str = "", **facts: Value
) -> DeviceState:
    return DeviceState("gpu", device, status, reason, {**FACTS, **facts})


def latest(
    gpus: Sequence[Row] = (GPU,),
    states: Sequence[DeviceState] | None = None,
    host: Row = HOST,
    disks: Sequence[Row] = (),
    recorder: Mapping[str, object] | None = None,
    **tables: Sequence[Row],
) -> Latest:
    """A tick with these rows. Each GPU's state is well unless said otherwise."""
    rows = {"host": (host,), "gpu": gpus, "disk": disks, **tables}
    if states is None:
        states = [gpu_state(str(row["device"])) for row in gpus]
    return Latest(
        sequence=7,
        time=TICK,
        rows={name: {str(row["device"]): row for row in of} for name, of in rows.items()},
        devices={
            "gpu": {state.device: state for state in states},
            "host": {"host": DeviceState("host", "host", facts={"cores": 64})},
        },
        recorder={"interval": 1.0, "started": TICK - 10_000, **(recorder or {})},
    )
