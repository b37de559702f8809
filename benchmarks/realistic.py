"""Seeded telemetry as NVML and the kernel really quantise it: eight H100s in one server.

Four GPUs train together, two serve requests, two are idle. Percent and temperature are whole
numbers, power is in mW, memory in MiB and rarely changes, clocks move in 15 MHz steps, PCIe is
20 ms samples in KB/s, NVLink is a KiB counter divided by a measured interval. Energy is the
driver's counter in mJ. What an H100 does not report (fan, retired pages) is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, PROCESS, RECORDER, Table
from monitor.sources.base import Row, Rows
from monitor.storage.buffer import Columns

Floats = npt.NDArray[np.float64]

_MIB = 1 << 20
UUIDS = [f"GPU-{n:08x}-51ab-4c7e-9d02-{n * 7919:012x}" for n in range(1, 9)]
_JOBS = ["train"] * 4 + ["serve"] * 2 + ["idle"] * 2
_IDLE_MHZ, _BOOST_MHZ, _STEP_MHZ = 345.0, 1980.0, 15.0


def gpu_columns(start: int, seconds: int, seed: int = 0) -> Columns:
    """Rows of eight GPUs, one a second from `start` (ms since 1970), in order of arrival."""
    random = np.random.default_rng(seed)
    step = _step_load(random, seconds)
    readings = [_gpu(random, at, job, step, seconds) for at, job in enumerate(_JOBS)]
    cells = np.full((seconds, len(readings), len(GPU.metrics)), np.nan)
    for at, reading in enumerate(readings):
        for column, values in reading.items():
            cells[:, at, GPU.columns.index(column)] = values
    return _in_order_of_arrival(GPU, start, cells, UUIDS)


def host_columns(start: int, seconds: int, seed: int = 1) -> Columns:
    """Rows of the machine."""
    random = np.random.default_rng(seed)
    total, cached = 2048.0 * 1024 * _MIB, 700.0 * 1024 * _MIB
    used = np.round(_wander(random, seconds, 300e9, 2e8, 0.01) / 4096) * 4096
    values: dict[str, Floats | float] = {
        "cpu_percent": _wander(random, seconds, 22, 3, 0.5),
        "cpu_user_percent": _wander(random, seconds, 16, 2, 0.5),
        "cpu_system_percent": _wander(random, seconds, 5, 1, 0.5),
        "cpu_iowait_percent": np.abs(random.normal(0, 0.2, seconds)),
        "load_1m": np.round(_wander(random, seconds, 30, 0.3, 0.02), 2),
        "cpu_frequency_mhz": np.round(_wander(random, seconds, 3100, 40, 0.5)),
        "cpu_temperature_celsius": np.round(_wander(random, seconds, 62, 0.5, 0.05)),
        "memory_used_bytes": used,
        "memory_available_bytes": total - used,
        "memory_cached_bytes": np.round(_wander(random, seconds, cached, 1e8, 0.01) / 4096) * 4096,
        "memory_total_bytes": total,
        "swap_used_bytes": 0.0,
        "swap_total_bytes": 8192.0 * _MIB,
        "disk_read_bytes_per_second": _bursts(random, seconds, 0.3, 4e8),
        "disk_write_bytes_per_second": _bursts(random, seconds, 0.5, 5e6),
        "network_received_bytes_per_second": random.lognormal(13, 1, seconds),
        "network_sent_bytes_per_second": random.lognormal(12, 1, seconds),
        "pressure_cpu_percent": np.abs(random.normal(0, 0.5, seconds)),
        "pressure_io_percent": np.abs(random.normal(0, 0.5, seconds)),
        "pressure_memory_percent": 0.0,
    }
    cells = np.empty((seconds, 1, len(HOST.metrics)))
    for at, column in enumerate(HOST.columns):
        cells[:, 0, at] = values[column]
    return _in_order_of_arrival(HOST, start, cells, ["host"])


def core_columns(start: int, seconds: int, cores: int = 112, seed: int = 2) -> Columns:
    """Rows of the cores; psutil counts in 10 ms ticks, so a second has a hundred levels."""
    random = np.random.default_rng(seed)
    busy = np.clip(np.round(random.gamma(0.6, 35, (seconds, cores))), 0, 100)
    return _in_order_of_arrival(CORE, start, busy[:, :, None], [str(n) for n in range(cores)])


def other_columns(table: Table, start: int, seconds: int, devices: list[str]) -> Columns:
    """Rows of a small table: plausible sizes and rates, text that stays the same."""
    random = np.random.default_rng(len(devices))
    cells = np.empty((seconds, len(devices), len(table.metrics)))
    words: dict[str, list[str]] = {}
    for at, metric in enumerate(table.metrics):
        if metric.unit.storage == "text":
            words[metric.column] = [f"{metric.column} of {device}" for device in devices]
            cells[:, :, at] = np.arange(len(devices))
        elif metric.unit.storage == "int64":
            cells[:, :, at] = 4096 * random.integers(1, 1 << 28, len(devices))
        else:
            cells[:, :, at] = random.lognormal(1, 1, (seconds, len(devices)))
    return _in_order_of_arrival(table, start, cells, devices, words)


def server(start: int, seconds: int, cores: int = 112) -> dict[str, Columns]:
    """Every table of a server with eight H100s, by name."""
    processes = other_columns(PROCESS, start, seconds, UUIDS[:6])
    return {
        GPU.name: gpu_columns(start, seconds),
        HOST.name: host_columns(start, seconds),
        CORE.name: core_columns(start, seconds, cores),
        DISK.name: other_columns(DISK, start, seconds, ["/", "/home", "/data"]),
        NETWORK.name: other_columns(NETWORK, start, seconds, ["eth0", "ib0", "ib1"]),
        PROCESS.name: processes.take(np.flatnonzero(processes.times % 2000 == 0)),
        RECORDER.name: other_columns(RECORDER, start, seconds, ["host"]),
    }


def ticks(tables: dict[str, Columns]) -> Iterator[tuple[int, Rows]]:
    """(time, rows by table) as the sampler hands them on, in order of time."""
    whole: dict[int, dict[str, list[Row]]] = {}
    for name, columns in tables.items():
        for time, row in zip(columns.times.tolist(), _rows(columns), strict=True):
            whole.setdefault(time, {}).setdefault(name, []).append(row)
    yield from sorted(whole.items())


def _rows(columns: Columns) -> Iterator[Row]:
    table = columns.table
    for code, cells in zip(columns.device_codes.tolist(), columns.cells.tolist(), strict=True):
        row: Row = {"device": columns.devices[code]}
        for metric, cell in zip(table.metrics, cells, strict=True):
            if cell == cell:  # not missing
                words = columns.words.get(metric.column)
                whole = metric.unit.storage == "int64"
                row[metric.column] = words[int(cell)] if words else int(cell) if whole else cell
        yield row


def _step_load(random: np.random.Generator, seconds: int) -> Floats:
    """How hard the training job works each second, 0 to 1: it pauses to save and to evaluate."""
    load = np.ones(seconds)
    at = 0
    while (at := at + int(random.integers(400, 900))) < seconds:
        load[at : at + int(random.integers(6, 25))] = random.uniform(0.05, 0.3)
    return load


def _gpu(
    random: np.random.Generator, index: int, job: str, step: Floats, seconds: int
) -> dict[str, Floats | float]:
    if job == "train":
        load = np.clip(step - np.abs(random.normal(0, 0.015, seconds)), 0, 1)
        memory = np.full(seconds, 71_000.0 + 8 * index)
    elif job == "serve":
        load = np.clip(_wander(random, seconds, 0.45, 0.12, 0.3), 0, 1)
        memory = 65_000.0 + 2 * np.cumsum(random.random(seconds) < 0.004)
    else:
        load, memory = np.zeros(seconds), np.zeros(seconds)
    watts = 69.5 + 0.7 * index + 560 * load
    spread = 9.0 if job == "train" else 18.0 if job == "serve" else 0.25
    milliwatts = np.round(1000 * (watts + _wander(random, seconds, 0, spread, 0.6)))
    warmth = _lagged(30 + milliwatts / 1000 * 0.055, 0.03) + random.normal(0, 0.15, seconds)
    dips = _STEP_MHZ * np.floor(np.abs(_wander(random, seconds, 0, 4, 0.4)) * (load > 0.6))
    clock = np.where(load > 0.01, _BOOST_MHZ - dips, _IDLE_MHZ)
    reasons = np.where(load < 0.01, 0x1, np.where((dips > 60) & (load > 0.6), 0x4, 0x0))
    kilobytes = {"train": 180_000, "serve": 40_000, "idle": 0}[job]
    interval = 1 + random.normal(0, 3e-4, (2, seconds))
    link = (
        np.round(_wander(random, seconds, 9e7, 4e6, 0.5) * load) * 1024 if job == "train" else 0.0
    )
    energy = 4.1e11 + 7e9 * index + np.cumsum(np.round(milliwatts + random.normal(0, 300, seconds)))
    return {
        "index": float(index),
        "utilization_percent": np.round(100 * load),
        "memory_utilization_percent": np.round(load * _wander(random, seconds, 42, 3, 0.5)),
        "memory_used_bytes": memory * _MIB,
        "memory_total_bytes": 81_559.0 * _MIB,
        "memory_reserved_bytes": 551.0 * _MIB,
        "temperature_celsius": np.round(warmth),
        "memory_temperature_celsius": np.round(warmth + 9 + random.normal(0, 0.2, seconds)),
        "power_watts": milliwatts / 1000,
        "power_limit_watts": 700.0,
        "energy_joules": energy / 1000,
        "graphics_clock_mhz": clock,
        "sm_clock_mhz": clock,
        "memory_clock_mhz": 2619.0,
        "video_clock_mhz": np.where(load > 0.01, np.minimum(clock, 1545.0), _IDLE_MHZ),
        "pcie_tx_bytes_per_second": _kilobytes(random, seconds, kilobytes),
        "pcie_rx_bytes_per_second": _kilobytes(random, seconds, 2 * kilobytes),
        "pcie_link_generation": 5.0,
        "pcie_link_width": 16.0,
        "pcie_replay_count": 0.0,
        "nvlink_tx_bytes_per_second": link / interval[0],
        "nvlink_rx_bytes_per_second": link / interval[1],
        "encoder_percent": 0.0,
        "decoder_percent": 0.0,
        "jpeg_percent": 0.0,
        "ofa_percent": 0.0,
        "performance_state": 0.0,
        "clock_event_reasons": reasons.astype(float),
        "ecc_corrected_count": 0.0,
        "ecc_uncorrected_count": 0.0,
        "remapped_rows_count": 0.0,
        "xid_count": 0.0,
    }


def _kilobytes(random: np.random.Generator, seconds: int, typical: int) -> Floats:
    if not typical:
        return np.where(random.random(seconds) < 0.05, 1000.0, 0.0)
    return np.round(random.lognormal(np.log(typical), 0.6, seconds)) * 1000


def _bursts(random: np.random.Generator, seconds: int, share: float, size: float) -> Floats:
    return np.where(random.random(seconds) < share, random.lognormal(np.log(size), 1, seconds), 0)


def _wander(
    random: np.random.Generator, seconds: int, mean: float, spread: float, pull: float
) -> Floats:
    """A walk that is pulled back to its mean; `spread` is its standard deviation."""
    kicks = random.normal(0, spread * np.sqrt(1 - (1 - pull) ** 2), seconds)
    return mean + _filtered(kicks, 1 - pull)


def _lagged(values: Floats, share: float) -> Floats:
    return values[0] + _filtered((values - values[0]) * share, 1 - share)


def _filtered(kicks: Floats, memory: float) -> Floats:
    out = np.empty_like(kicks)
    last = 0.0
    for at, kick in enumerate(kicks):
        last = last * memory + kick
        out[at] = last
    return out


def _in_order_of_arrival(
    table: Table,
    start: int,
    cells: Floats,
    devices: list[str],
    words: dict[str, list[str]] | None = None,
) -> Columns:
    seconds, count, _ = cells.shape
    return Columns(
        table,
        np.repeat(start + 1000 * np.arange(seconds, dtype=np.int64), count),
        np.tile(np.arange(count, dtype=np.int32), seconds),
        cells.reshape(seconds * count, -1),
        devices,
        dict(words or {}),
    )
