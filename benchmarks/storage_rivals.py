"""What the same samples take on the disk of Prometheus and VictoriaMetrics, a series a cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from benchmarks.processes import wait_for
from benchmarks.rivals import NotToBeHad, Samples, prometheus_blocks, victoria_metrics
from monitor.storage.buffer import Columns


def stored_sizes(rows: Columns, folder: Path) -> dict[str, int]:
    """Bytes by name of program, with its index and without its log; what is not to be had is not.

    Prometheus: one block. VictoriaMetrics: by its own account, all rows on the disk and merged.
    """
    samples = list(_series(rows))
    programs = {"Prometheus block": _of_prometheus, "VictoriaMetrics": _of_victoria_metrics}
    sizes = {}
    for name, size in programs.items():
        try:
            sizes[name] = size(folder, samples)
        except NotToBeHad as reason:
            print(reason, file=sys.stderr)
    return sizes


def _series(rows: Columns) -> Iterator[Samples]:
    """Every column of every device, where it has a value."""
    for code, device in enumerate(rows.devices):
        own = rows.device_codes == code
        for at, metric in enumerate(rows.table.metrics):
            values = rows.cells[own, at]
            told = ~np.isnan(values)
            if told.any():
                name = f"{rows.table.name}_{metric.column}"
                yield Samples(name, device, rows.times[own][told], values[told])


def _of_prometheus(folder: Path, samples: Sequence[Samples]) -> int:
    files = prometheus_blocks(folder, samples).rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())


def _of_victoria_metrics(folder: Path, samples: Sequence[Samples]) -> int:
    count = sum(len(one.times) for one in samples)

    def settled(port: int) -> int | None:
        """Bytes, once the rows of all samples are there and none is being merged."""
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        rows, merges, size = (
            sum(int(found) for found in re.findall(rf"(?m)^{pattern}.* (\d+)$", text))
            for pattern in (r'vm_rows{type="storage', "vm_active_merges", "vm_data_size_bytes")
        )
        return size if rows == count and not merges else None

    with victoria_metrics(folder, samples) as port:
        return wait_for(lambda: settled(port))
