"""The table of 200 GPU processes: what a refresh of a page costs the server, and the network.

Eight GPUs whose every process has other readings at each refresh, as the page asks for them.
Run `python -m benchmarks.process_table`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, table
from benchmarks.processes import cpu_seconds, free_port, running, wait_for
from layouts import ids
from monitor.sources.base import DeviceState, Row
from monitor.storage.journal import Journal

_GPUS, _PROCESSES = 8, 200
_REFRESHES = 60
# The web process looks for a new tick several times in this time.
_SETTLE_SECONDS = 0.3
_ARGUMENTS = "--config configs/llama-70b.yaml --data /data/tokens --checkpoint every-500 --rank"


def process_table() -> list[Figure]:
    """Both figures."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        _served(Path(folder)) as (
            journal,
            pid,
            page,
        ),
    ):
        for number in range(5):
            _refresh(journal, page, number)
        before = cpu_seconds(pid)
        sizes = [_refresh(journal, page, 5 + number) for number in range(_REFRESHES)]
        spent = 1000 * (cpu_seconds(pid) - before) / _REFRESHES
    return [
        Figure(f"a refresh of {_PROCESSES} processes, server CPU", 30, spent, "ms"),
        Figure("the data of that refresh, compressed", 40, median(sizes) / 1000, "kB"),
    ]


class _Page:
    """Asks as the page does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._asked = next(
            asked
            for asked in json.loads(self._ask("GET", "/_dash-dependencies"))
            if any(name["id"] == ids.PROCESS_WANTED for name in asked["inputs"])
        )

    def refresh(self, number: int) -> bytes:
        """The answer to the page's request, as it comes over the network."""
        values = {ids.PROCESS_WANTED: 1 + number, ids.PROCESS_SCOPE: "all"}
        outputs = [
            dict(zip(("id", "property"), name.rsplit(".", 1), strict=True))
            for name in self._asked["output"].strip(".").split("...")
        ]
        body = {
            "output": self._asked["output"],
            "outputs": outputs,
            "changedPropIds": [f"{ids.PROCESS_WANTED}.data"],
            "inputs": [{**name, "value": values.get(name["id"])} for name in self._asked["inputs"]],
            "state": [{**name, "value": [0, 0]} for name in self._asked["state"]],
        }
        return self._ask("POST", "/_dash-update-component", json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        with contextlib.closing(HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}: {content[:300]!r}")
        return content


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[tuple[Journal, int, _Page]]:
    journal = Journal(folder / "live.db", shared=True)
    journal.put_note("recorder", {"interval": 1.0, "started": 0})
    journal.put_devices(
        [DeviceState("gpu", _uuid(gpu), facts={"index": gpu}) for gpu in range(_GPUS)]
    )
    port = free_port()
    command = ["app.py", "--data", str(folder), "--no-record", "--port", str(port)]
    with running(command, os.environ) as process:
        yield journal, process.pid, wait_for(lambda: _opened(port))
    journal.close()


def _opened(port: int) -> _Page | None:
    try:
        return _Page(port)
    except OSError:
        return None


def _refresh(journal: Journal, page: _Page, number: int) -> int:
    """Bytes of a refresh after a tick."""
    now = round(time.time()) * 1000 + number
    journal.append(now, {"gpu": _gpus(), "process": _processes(number)})
    time.sleep(_SETTLE_SECONDS)
    return len(page.refresh(number))


def _gpus() -> list[Row]:
    total = 80 << 30
    return [
        {
            "device": _uuid(gpu),
            "index": gpu,
            "memory_used_bytes": total,
            "memory_total_bytes": total,
        }
        for gpu in range(_GPUS)
    ]


def _processes(number: int) -> list[Row]:
    return [
        {
            "device": _uuid(at % _GPUS),
            "pid": 40_000 + 7 * at,
            "name": "python",
            "user": f"user{at % 9}",
            "command": f"python train.py {_ARGUMENTS} {at}",
            "gpu_memory_bytes": (1 << 30) + (at * 7919 + number * 104_729) % (2 << 30),
            "sm_percent": float((at + number) % 100),
            "encoder_percent": 0.0,
            "decoder_percent": float((at * number) % 7),
            "cpu_percent": float((3 * at + number) % 400),
            "memory_bytes": (2 << 30) + 4096 * ((at * 31 + number * 17) % 100_000),
            "started": 1_795_000_000 + at,
            "type": "compute",
            "container": f"docker {at * 2_654_435_761 % (1 << 48):012x}",
            "visibility": "visible",
        }
        for at in range(_PROCESSES)
    ]


def _uuid(gpu: int) -> str:
    return f"GPU-7d5f0c1e-93aa-4f0e-8c55-{gpu:012d}"


if __name__ == "__main__":
    measured = process_table()
    print(table(measured))
    sys.exit(0 if all(figure.reached for figure in measured) else 1)
