"""A data folder with seven hours of eight GPUs that end now, as a recorder would have left it.

Every value is flat, but for two seconds: GPU 3 draws 999 W a few minutes ago, and 888 W hours ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.metrics import GPU, HOST, Table
from monitor.settings import DEFAULT_TIERS
from monitor.sources.demo import demo_uuid
from monitor.storage.buffer import Columns
from monitor.storage.folders import SUFFIX
from monitor.storage.journal import Journal
from monitor.storage.locations import host_name
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from monitor.storage.tiers import Tier, parse_tiers

HOUR = 3_600_000
HOURS = 7
GPUS = [demo_uuid(index) for index in range(8)]
SPIKING = 3
NEW_WATTS, OLD_WATTS = 999.0, 888.0
_GIB = float(1 << 30)
_TIERS = parse_tiers(DEFAULT_TIERS)
_MACHINE = {
    "cpu_percent": 20.0,
    "load_1m": 4.0,
    "memory_used_bytes": 10 * _GIB,
    "memory_total_bytes": 64 * _GIB,
    "disk_read_bytes_per_second": 1e6,
    "disk_write_bytes_per_second": 2e6,
    "network_received_bytes_per_second": 3e6,
    "network_sent_bytes_per_second": 4e6,
    "pressure_cpu_percent": 1.0,
    "pressure_io_percent": 2.0,
    "pressure_memory_percent": 0.0,
}


def watts(index: int) -> float:
    """What a GPU draws all the time."""
    return 200.0 + 10 * index


class Recorded:
    """What the folder was given; times in ms since 1970. Nothing was recorded from gap[0] on."""

    def __init__(self, folder: Path, now: int) -> None:
        self.folder = folder
        self.end = now // 1000 * 1000
        self.begin = self.end - HOURS * HOUR
        self.spike = self.end - 400_000
        self.old_spike = self.end - 4 * HOUR
        self.gap = (self.end - 3 * HOUR, self.end - 3 * HOUR + 1_800_000)
        times = np.arange(self.begin, self.end, 1000, dtype=np.int64)
        times = times[(times < self.gap[0]) | (times >= self.gap[1])]
        tables = [
            _columns(GPU, times, {uuid: self._gpu(at, times) for at, uuid in enumerate(GPUS)}),
            _columns(HOST, times, {"host": _MACHINE}),
        ]
        hour = self.end // HOUR * HOUR
        files = PeriodFiles(str(folder), host_name(), lambda: now / 1000)
        for rows in tables:
            for tier in _TIERS:
                _write(files, rows.between(end=hour), tier, hour - HOUR)
        live = [rows.between(min(hour, self.end - HOUR)) for rows in tables]
        _journal(folder / "live.db", live, hour)

    def _gpu(self, index: int, times: np.ndarray) -> Mapping[str, object]:
        power = np.full(len(times), watts(index))
        if index == SPIKING:
            power[times == self.spike] = NEW_WATTS
            power[times == self.old_spike] = OLD_WATTS
        return {
            "index": index,
            "utilization_percent": 10.0 * index,
            "memory_used_bytes": (1 + index) * _GIB,
            "memory_total_bytes": 80 * _GIB,
            "temperature_celsius": 40.0 + index,
            "power_watts": power,
            "power_limit_watts": 700.0,
            "sm_clock_mhz": 1980.0,
            "pcie_rx_bytes_per_second": 1e6 * index,
            "pcie_tx_bytes_per_second": 2e6 * index,
        }


def _columns(
    table: Table, times: np.ndarray, devices: Mapping[str, Mapping[str, object]]
) -> Columns:
    cells = np.full((len(times), len(devices), len(table.metrics)), np.nan)
    for at, values in enumerate(devices.values()):
        for column, value in values.items():
            cells[:, at, table.columns.index(column)] = value
    return Columns(
        table,
        np.repeat(times, len(devices)),
        np.tile(np.arange(len(devices), dtype=np.int32), len(times)),
        cells.reshape(-1, len(table.metrics)),
        list(devices),
        {},
    )


def _write(files: PeriodFiles, rows: Columns, tier: Tier, raw_since: int) -> None:
    """The tier's files; raw rows only of the last whole hour, as they are not kept longer."""
    rows = rows.between(raw_since) if tier.raw else rows
    found = to_arrow(rows, files.host) if tier.raw else roll_up(rows, tier.seconds, files.host)
    times = found.column("time").cast(pa.int64()).to_numpy()
    moments, places = np.unique(times, return_inverse=True)
    periods = np.array([tier.period_of(int(moment)) for moment in moments])[places]
    for period in np.unique(periods):
        path = f"{files.folder(rows.table, tier)}/{period}{SUFFIX}"
        mine = pc.equal(pa.array(periods), pa.scalar(str(period)))
        files.write(path, found.filter(mine), lasting=False)


def _journal(path: Path, tables: Sequence[Columns], flushed: int) -> None:
    """live.db with these rows, the oldest first, and a note that those before are in files."""
    with closing(Journal(path)) as journal, journal.transaction():
        for rows in tables:
            devices = [rows.devices[code] for code in rows.device_codes.tolist()]
            values = np.where(np.isnan(rows.cells), None, rows.cells).tolist()  # type: ignore[call-overload]
            cells = zip(rows.times.tolist(), devices, values, strict=True)
            # `append` would be a transaction for each tick.
            journal._db.executemany(
                journal._inserts[rows.table.name],
                ((time, device, *of_row) for time, device, of_row in cells),
            )
        journal.put_note("flushed", {"before": flushed})
