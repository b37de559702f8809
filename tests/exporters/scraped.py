"""`/metrics` over a real live.db, read as Prometheus' own client library reads it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from monitor.api.prometheus import prometheus
from monitor.queries.current import Current
from monitor.recording.follower import Follower
from monitor.sources.base import DeviceState, Row, Value
from monitor.sources.demo import DemoSource
from monitor.storage.journal import Journal

NOW = round(time.time()) * 1000
PROMTOOL = shutil.which("promtool") or "promtool"

LabelSet = frozenset[tuple[str, str]]


class Scraped:
    """A journal, and what a scrape of it brings."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "live.db", shared=True)
        self.follower = Follower([folder / "live.db"])
        self.current = Current(self.follower)
        server = FastAPI()
        server.include_router(prometheus(self.current))
        self.client = TestClient(server)

    def note(self, **more: object) -> None:
        """An interval so long that no slow machine makes a tick stale."""
        self.journal.put_note(
            "recorder",
            {"pid": 7, "started": NOW - 5000, "interval": 60.0, "sources": [], **more},
        )

    def tick(
        self,
        rows: Mapping[str, Sequence[Row]],
        devices: Sequence[DeviceState] = (),
        at: int | None = None,
    ) -> None:
        if devices:
            self.journal.put_devices(devices)
        self.journal.append(round(time.time()) * 1000 if at is None else at, rows)
        self.follower.poll()

    def demo(self) -> None:
        """A tick of the eight simulated GPUs and their processes."""
        source = DemoSource(wall=lambda: NOW / 1000 // 2 * 2)
        self.note()
        self.tick(source.sample(0.0), source.devices())

    def text(self) -> str:
        answer = self.client.get("/metrics", headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return answer.text

    def samples(self) -> dict[str, dict[LabelSet, float]]:
        """By name and labels; fails where one comes twice."""
        found: dict[str, dict[LabelSet, float]] = {}
        text = self.text()
        announced = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                # It ends every counter's name in _total, also where the text does not.
                name = sample.name
                name = name if name in announced else name.removesuffix("_total")
                of_name = found.setdefault(name, {})
                labels = frozenset(sample.labels.items())
                assert labels not in of_name, f"{name} {dict(labels)} comes twice"
                of_name[labels] = sample.value
        return found

    def close(self) -> None:
        self.client.close()
        self.journal.close()
        for followed in self.follower._followed:
            followed.close()


def gpu(device: str, index: int, status: str = "ok", **facts: Value) -> DeviceState:
    known: dict[str, Value] = {"index": index, "name": "NVIDIA H100", "driver_version": "580.1"}
    return DeviceState("gpu", device, status, "", {**known, **facts})  # type: ignore[arg-type]


def value_of(samples: Mapping[LabelSet, float], **labels: str) -> float:
    """The one sample that has these labels."""
    (found,) = [value for has, value in samples.items() if labels.items() <= dict(has).items()]
    return found


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROMTOOL, *arguments], input=given, capture_output=True, text=True, timeout=120
    )
