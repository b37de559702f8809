"""`/metrics` of sixteen GPUs, their processes and a host of 64 cores: first after a tick, and then.

Over HTTP on a connection that stays open, and in this process beside prometheus_client's own
rendering of the same samples. Run `python -m benchmarks.prometheus`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from benchmarks.figures import Figure, table
from benchmarks.history_figures import beside
from benchmarks.processes import cpu_seconds, free_port, running, wait_for
from monitor import units
from monitor.exporters.collect import collect
from monitor.exporters.families import Samples
from monitor.exporters.prometheus import text
from monitor.metrics import FANS, TABLES
from monitor.queries.latest import Latest
from monitor.sources.base import DeviceState, Row
from monitor.sources.demo import DemoSource
from monitor.storage.journal import Journal

_GPUS, _CORES, _PROCESSES = 16, 64, 10
_LIMIT_MS = 10
_TICKS = 60
_CACHED = 5
_UP = b"\nDCGM_FI_DEV_GPU_UTIL{"


def prometheus() -> list[Figure]:
    """Every figure."""
    rows, devices = _machine()
    latest = Latest(
        time=round(time.time() * 1000),
        rows={name: {_key(row): row for row in of} for name, of in rows.items()},
        devices={"gpu": {state.device: state for state in devices}},
        recorder={"interval": 1.0, "sources": [], "storage": {"ok": True}},
    )
    samples = collect(latest, {})
    count = sum(len(of_family) for _, of_family in samples)
    ours = _taken(lambda: text(collect(latest, {})))
    written = _taken(lambda: text(samples))
    rival = _taken(lambda: _rendered(samples))
    return [
        *_served(rows, devices),
        Figure(f"{_GPUS} GPUs, CPU to collect and write it, median", _LIMIT_MS, ours[0], "ms"),
        beside("the same, p99", ours[1], "ms"),
        beside(f"to write its {count} samples alone, median", written[0], "ms"),
        beside("prometheus_client to write the same, median", rival[0], "ms"),
    ]


class _Given(Collector):
    """A collector of samples that are there already."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        """Families with names that it lets stand: it would end a counter's in `_total`."""
        for family, samples in self._samples:
            metric = Metric(family.name, family.help, "gauge")
            for labels, value in samples:
                metric.add_sample(family.name, dict(labels.pairs), value)
            yield metric


def _rendered(samples: Samples) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Given(samples))
    return generate_latest(registry)


def _taken(make: Callable[[], bytes]) -> tuple[float, float]:
    """Milliseconds of CPU: median and 99th percentile."""
    found = []
    for _ in range(2 * _TICKS):
        began = time.thread_time()
        make()
        found.append(1000 * (time.thread_time() - began))
    return float(np.median(found)), float(np.percentile(found, 99))


def _served(rows: Mapping[str, Sequence[Row]], devices: Sequence[DeviceState]) -> list[Figure]:
    first, cached, packed = [], [], []
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        _app(Path(folder), devices) as (journal, pid, connection),
    ):
        for _ in range(_TICKS):
            before = _scrape(connection)[1]
            journal.append(round(time.time() * 1000), rows)
            # The follower takes it up; then the first to ask has it written.
            time.sleep(0.2)
            took, body, _ = _timed(connection)
            if body != before and _UP in body:
                first.append(took)
            cached += [_timed(connection)[0] for _ in range(_CACHED)]
            packed.append(_timed(connection, "gzip")[2])
        began, spent = time.perf_counter(), cpu_seconds(pid)
        asked = 0
        while time.perf_counter() < began + 2:
            _scrape(connection)
            asked += 1
        of_one = 1000 * (cpu_seconds(pid) - spent) / asked
    return [
        Figure(
            f"{_GPUS} GPUs, /metrics first after a tick, median",
            _LIMIT_MS,
            float(np.median(first)) if first else None,
            "ms",
        ),
        beside("the same, p99", float(np.percentile(first, 99)) if first else None, "ms"),
        Figure("asked again, median", _LIMIT_MS, float(np.median(cached)), "ms"),
        beside("the same, p99", float(np.percentile(cached, 99)), "ms"),
        beside("the same, server CPU", of_one, "ms"),
        beside("its size", len(body) / 1000, "kB"),
        beside("its size, compressed", float(np.median(packed)) / 1000, "kB"),
    ]


@contextlib.contextmanager
def _app(
    folder: Path, devices: Sequence[DeviceState]
) -> Iterator[tuple[Journal, int, HTTPConnection]]:
    journal = Journal(folder / "live.db", shared=True)
    note = {"interval": 1.0, "started": 0, "sources": [], "storage": {"ok": True}}
    journal.put_note("recorder", note)
    journal.put_devices(devices)
    port = free_port()
    command = ["app.py", "--data", str(folder), "--no-record", "--port", str(port)]
    with running(command, dict(os.environ)) as process:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        wait_for(lambda: _answers(connection))
        yield journal, process.pid, connection
        connection.close()
    journal.close()


def _answers(connection: HTTPConnection) -> bool:
    try:
        return _scrape(connection)[0] == 200
    except OSError:
        connection.close()
        return False


def _scrape(connection: HTTPConnection, encoding: str = "identity") -> tuple[int, bytes]:
    connection.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _timed(connection: HTTPConnection, encoding: str = "identity") -> tuple[float, bytes, int]:
    """(milliseconds, body, its length)."""
    began = time.perf_counter()
    _, body = _scrape(connection, encoding)
    return 1000 * (time.perf_counter() - began), body, len(body)


def _machine() -> tuple[dict[str, list[Row]], list[DeviceState]]:
    """Rows with a number in every column, and the GPUs."""
    source = DemoSource(wall=lambda: float(int(time.time()) // 2 * 2))
    (first, *_), (state, *_) = source.sample(0.0)["gpu"], source.devices()
    fans = {f"fan_{fan}_percent": 40.0 + fan for fan in range(FANS)}
    gpus: list[Row] = []
    devices = []
    for index in range(_GPUS):
        device = f"GPU-7d5f0c1e-93aa-4f0e-8c55-{index:012d}"
        facts = {**state.facts, "uuid": device, "index": index}
        devices.append(DeviceState("gpu", device, facts=facts))
        more: Row = {"fan_percent": 41.5, "retired_pages_count": 0, "xid": None, **fans}
        gpus.append({**first, **more, "device": device, "index": index})
    processes = [
        {**_full("process", str(gpu["device"])), "pid": 4000 + at, "name": "python", "user": "mira"}
        for gpu in gpus
        for at in range(_PROCESSES)
    ]
    rows: dict[str, list[Row]] = {"gpu": gpus, "process": processes}
    rows["core"] = [_full("core", str(core)) for core in range(_CORES)]
    for name, names in {
        "host": ["host"],
        "recorder": ["host"],
        "disk": ["/", "/data", "/scratch"],
        "network": ["eth0", "ib0", "ib1"],
    }.items():
        rows[name] = [_full(name, device) for device in names]
    return rows, devices


def _full(name: str, device: str) -> Row:
    numbers = {
        metric.column: 1000.25 if metric.unit.storage.startswith("float") else 1 << 34
        for metric in TABLES[name].metrics
        if metric.unit is not units.TEXT
    }
    return {"device": device, **numbers}


def _key(row: Row) -> str:
    return f"{row['device']}/{row['pid']}" if "pid" in row else str(row["device"])


if __name__ == "__main__":
    measured = prometheus()
    print(table(measured))
    sys.exit(0 if all(figure.reached for figure in measured) else 1)
