"""What storage costs: bytes a sample, time of a flush, of a recovery, CPU and memory of a day.

A sample is a cell that is not null and not a key: one reading of one metric of one device at one
tick. The closed 1 s hour file of eight GPUs is divided by the number of its samples; the other
formats hold the same rows with the same types, the two servers the same samples. Run
`python -m benchmarks.storage`.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.realistic import gpu_columns, server, ticks
from benchmarks.storage_rivals import stored_sizes
from monitor.metrics import TABLES
from monitor.settings import Settings
from monitor.storage.buffer import Columns
from monitor.storage.flush import HOUR_MS, Flusher
from monitor.storage.journals import Journals
from monitor.storage.locations import host_name
from monitor.storage.parquet import PeriodFiles
from monitor.storage.schema import to_arrow
from monitor.storage.store import Store
from monitor.storage.tiers import parse_tiers

START = 1_795_528_800_000 // HOUR_MS * HOUR_MS
TIERS = parse_tiers("1s:1h,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y")
GPU = TABLES["gpu"]


class Clock:
    """Stands where it is put."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def wall(self) -> float:
        """Seconds since 1970."""
        return self.ms / 1000

    monotonic = elapsed = wall


def main() -> None:
    """Print every figure, or those of the sections named on the command line."""
    sections = {"sizes": sizes, "flushes": flushes, "recovery": recovery, "memory": memory}
    if len(sys.argv) == 1:
        for name in sections:
            # A process each, so that none inherits another's memory.
            subprocess.run([sys.executable, "-m", "benchmarks.storage", name], check=True)
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            sections[name](Path(folder))


def sizes(folder: Path) -> None:
    """Bytes a sample of the closed hour file beside other formats."""
    import duckdb

    rows = gpu_columns(START, 3600)
    samples = int(np.count_nonzero(~np.isnan(rows.cells)))
    arrow = to_arrow(rows, "h100-server")
    files = PeriodFiles(str(folder), "h100-server", time.time)
    ours = files.path(GPU, TIERS[0], TIERS[0].period_of(START))
    files.write(ours, arrow)
    frame = arrow.to_pandas()
    frame.to_parquet(folder / "pandas.parquet")
    with duckdb.connect(str(folder / "duck.db")) as duck:
        duck.register("arrow", arrow)
        duck.execute("CREATE TABLE gpu AS SELECT * FROM arrow")
        duck.execute("CHECKPOINT")
    with sqlite3.connect(folder / "rows.sqlite") as lite:
        plain = frame.astype({"host": "str", "device": "str"})
        plain["time"] = rows.times
        plain.to_sql("gpu", lite, index=False)
    lite.close()
    print(f"1 s hour file, 8 GPUs: {len(rows):,} rows, {samples:,} samples (non-null cells)")
    made = {
        "this": Path(ours),
        "pandas.to_parquet, default": folder / "pandas.parquet",
        "DuckDB database": folder / "duck.db",
        "SQLite table": folder / "rows.sqlite",
    }
    found = {name: path.stat().st_size for name, path in made.items()} | stored_sizes(rows, folder)
    for name, size in found.items():
        print(f"  {name:28} {size:>10,} bytes  {size / samples:6.3f} bytes a sample")


def flushes(folder: Path) -> None:
    """Time of the last flushes of a full hour, and the average CPU of an hour's sixty."""
    tables = server(START, 3600)
    _flush_an_hour("112 cores too", tables, folder / "cores")
    _flush_an_hour("8 GPUs and the host", _without_cores(tables), folder / "gpus")


def _flush_an_hour(label: str, tables: dict[str, Columns], folder: Path) -> None:
    flusher = Flusher(PeriodFiles(str(folder), host_name(), time.time), TIERS)
    walls, cpus = [], []
    for end in [*range(START + 60_000, START + HOUR_MS + 1, 60_000), START + HOUR_MS + 5000]:
        for rows in tables.values():
            flusher.extend(rows.between(end - 60_000, end))
        before = time.process_time()
        walls.append(_timed(flusher.flush, end))
        cpus.append(time.process_time() - before)
    full, full_cpu = np.median(walls[-6:-1]), np.median(cpus[-6:-1])
    print(
        f"flush, {label}: full hour {1000 * full:.0f} ms ({1000 * full_cpu:.0f} ms CPU),"
        f" closing it {1000 * walls[-1]:.0f} ms ({1000 * cpus[-1]:.0f} ms CPU), "
        f"average {100 * sum(cpus) / 3600:.2f} % of a core"
    )


def recovery(folder: Path) -> None:
    """Time to take up an hour of live.db of which nothing is in Parquet."""
    tables = server(START, 3600)
    _recover_an_hour("112 cores too", tables, folder / "cores")
    _recover_an_hour("8 GPUs and the host", _without_cores(tables), folder / "gpus")


def _recover_an_hour(label: str, tables: dict[str, Columns], folder: Path) -> None:
    journals = Journals(folder / "live.db", folder / "overflow.db")
    appended = [_timed(journals.append, time, rows) for time, rows in ticks(tables)]
    journals.trim(0)
    journals.close()
    began = time.perf_counter()
    store = Store(Settings(data=str(folder)), Clock(START + HOUR_MS + 9000))
    opened = time.perf_counter() - began
    recovered = _timed(store.recover)
    trimmed = _timed(store.journals.trim, START)
    store.close()
    print(
        f"live.db, {label}: a tick {1e6 * np.median(appended):.0f} µs; open {1000 * opened:.0f} ms,"
        f" recover an hour and flush it {1000 * recovered:.0f} ms, trim {1000 * trimmed:.0f} ms"
    )


def _without_cores(tables: dict[str, Columns]) -> dict[str, Columns]:
    return {name: rows for name, rows in tables.items() if name != "core"}


def memory(folder: Path) -> None:
    """Resident memory over a day of flushes, and while a day is merged."""
    settings = Settings(data=str(folder), tiers="1s:14d,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y")
    clock = Clock(START)
    store = Store(settings, clock)
    hour = _without_cores(server(0, 3600))
    resident = [_resident_mb()]
    for at in range(26):
        begin = START + at * HOUR_MS
        for minute in range(60):
            for rows in hour.values():
                part = rows.between(minute * 60_000, (minute + 1) * 60_000)
                store._flusher.extend(_moved(part, begin))
            if minute % 6 == 0:
                clock.ms = begin + (minute + 1) * 60_000
                store.flush()
        resident.append(_resident_mb())
    gc.collect()
    print(f"resident after 0, 1, 2, 12, 24 hours: {[resident[n] for n in (0, 1, 2, 12, 24)]} MB")
    peak = _peak_mb(store.prune, (START + 50 * HOUR_MS) / 1000)
    print(f"peak while a day of 1 s rows of 8 GPUs is merged: {peak} MB; {_resident_mb()} MB after")
    store.close()


def _moved(rows: Columns, by: int) -> Columns:
    return Columns(
        rows.table, rows.times + by, rows.device_codes, rows.cells, rows.devices, rows.words
    )


def _timed(run: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - began


def _resident_mb() -> int:
    pa.default_memory_pool().release_unused()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def _peak_mb(run: Callable[..., object], *arguments: object) -> int:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    run(*arguments)
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


if __name__ == "__main__":
    main()
