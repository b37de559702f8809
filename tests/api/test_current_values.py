"""The API against a real live.db: what was written comes out, column by column."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from monitor.api import routes
from monitor.api.head import HeadAsGet
from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, RAIL, TABLES, ZONE, Metric, Table
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.queries.live_rows import LiveRows
from monitor.recording.follower import Follower
from monitor.settings import load
from monitor.sources.base import DeviceState, Row
from monitor.storage.history import History
from monitor.storage.journal import Journal
from monitor.storage.locations import host_name

NOW = round(time.time()) * 1000
FIRST, SECOND = "GPU-aaaa", "GPU-bbbb"
KINDS = {
    "gpu": ("gpu-metrics", "gpus", FIRST),
    "host": ("metrics", "host", "host"),
    "core": ("metrics", "cores", "0"),
    "disk": ("storage", "disks", "/"),
    "network": ("network", "interfaces", "eth0"),
    "zone": ("metrics", "zones", "gpu-thermal"),
    "rail": ("metrics", "rails", "VDD_IN"),
}
COLUMNS = [
    (table, metric)
    for table in (GPU, HOST, CORE, DISK, NETWORK, ZONE, RAIL)
    for metric in table.metrics
]
each_column = pytest.mark.parametrize(
    ("table", "metric"), COLUMNS, ids=[f"{table.name}.{metric.column}" for table, metric in COLUMNS]
)


def value(metric: Metric) -> float | int:
    """A number that float32 could not hold."""
    place = 3 + [column for _, column in COLUMNS].index(metric)
    return place * 1_000_003 if metric.unit.storage == "int64" else place + 1 / 3


def full_row(table: Table, device: str) -> Row:
    return {"device": device, **{metric.column: value(metric) for metric in table.metrics}}


class Served:
    """A journal, and a client of the API over it."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "live.db", shared=True)
        self.follower = Follower([folder / "live.db"])
        self.current = Current(self.follower)
        server = FastAPI()
        settings = load(["--data", str(folder)])
        archive = Archive(
            History(settings.data, host_name()),
            LiveRows([folder / "live.db"], self.follower),
            settings.parsed_tiers,
        )
        server.include_router(routes.router(self.current, settings, archive))
        server.add_middleware(HeadAsGet)
        self.client = TestClient(server)

    def tick(self, rows: dict[str, list[Row]], at: int = NOW) -> None:
        self.journal.append(at, rows)
        self.follower.poll()

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client.get(f"/api/v1/system/{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    def close(self) -> None:
        self.journal.close()
        for followed in self.follower._followed:
            followed.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.close()


def note(**more: object) -> dict[str, object]:
    return {"pid": 7, "started": NOW - 5000, "interval": 1.0, "explanation": "", **more}


@pytest.fixture
def two_gpus(served: Served) -> Served:
    served.journal.put_note("recorder", note(sources=[], storage={"ok": True, "reason": ""}))
    served.journal.put_devices(
        [
            DeviceState("gpu", FIRST, facts={"index": 0, "name": "H100"}),
            DeviceState(
                "gpu", SECOND, "lost", "It fell off the bus.", {"index": 1, "name": "H100"}
            ),
        ]
    )
    served.tick({name: [full_row(TABLES[name], kind[2])] for name, kind in KINDS.items()})
    return served


def found(served: Served, table: Table) -> dict[str, Any]:
    path, key, device = KINDS[table.name]
    answer = served.get(path)
    assert answer["time"].endswith("Z")
    rows = answer[key] if isinstance(answer[key], list) else [answer[key]]
    return next(row for row in rows if row["device"] == device)


@each_column
def test_a_column_comes_out_as_it_went_in(two_gpus: Served, table: Table, metric: Metric) -> None:
    assert found(two_gpus, table)[metric.column] == value(metric)


@each_column
def test_a_column_that_is_missing_is_null(served: Served, table: Table, metric: Metric) -> None:
    served.journal.put_devices([DeviceState("gpu", FIRST, facts={"index": 0})])
    served.tick({table.name: [{"device": KINDS[table.name][2]}]})
    row = found(served, table)
    assert metric.column in row
    if metric.column != "index":
        assert row[metric.column] is None


def test_zero_is_zero(served: Served) -> None:
    served.journal.put_devices([DeviceState("gpu", FIRST, facts={"index": 0})])
    served.tick({"gpu": [{"device": FIRST, "power_watts": 0.0, "index": 0}]})
    assert served.get("gpu-metrics")["gpus"][0]["power_watts"] == 0.0


@pytest.mark.parametrize("name", ["0", FIRST])
def test_a_gpu_is_named_by_index_or_uuid(two_gpus: Served, name: str) -> None:
    assert two_gpus.get(f"gpu-info/{name}")["device"] == FIRST
    assert [gpu["device"] for gpu in two_gpus.get(f"gpu-metrics?gpu={name}")["gpus"]] == [FIRST]


def test_a_lost_gpu_keeps_its_identity_and_has_no_readings(two_gpus: Served) -> None:
    lost = two_gpus.get("gpu-list")["gpus"][1]
    assert (lost["device"], lost["status"], lost["index"]) == (SECOND, "lost", 1)
    assert "fell off the bus" in lost["reason"]
    assert two_gpus.get("gpu-metrics?gpu=1")["gpus"][0]["power_watts"] is None


def test_an_unknown_gpu_is_told_which_there_are(two_gpus: Served) -> None:
    problem = two_gpus.get("gpu-info/9", 404)
    assert problem["status"] == 404
    assert FIRST in problem["detail"]
    answer = two_gpus.client.get("/api/v1/system/gpu-metrics?gpu=9")
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_gpu_the_reason_is_told(served: Served) -> None:
    source = {"name": "nvml", "ok": False, "reason": "No driver.", "advice": "Install one."}
    served.journal.put_note("recorder", note(sources=[source]))
    served.tick({"host": [{"device": "host"}]})
    problem = served.get("gpu-metrics", 503)
    assert problem["type"].endswith("gpu-unavailable")
    assert "No driver." in problem["detail"]
    assert served.get("all")["gpus"] == []


def test_a_parameter_that_does_not_exist_is_a_problem(two_gpus: Served) -> None:
    assert "gpus" in two_gpus.get("gpu-metrics?gpus=0", 422)["detail"]


def test_an_answer_is_made_once_per_tick(two_gpus: Served) -> None:
    made = []
    for _ in range(2):
        two_gpus.current.once("counted", lambda latest: made.append(latest.sequence))
    two_gpus.tick({"host": [{"device": "host"}]}, NOW + 1000)
    two_gpus.current.once("counted", lambda latest: made.append(latest.sequence))
    assert len(made) == 2


def test_health_is_ok_then_stale(two_gpus: Served) -> None:
    now = round(time.time() * 1000)
    two_gpus.tick({"recorder": [{"device": "host", "missed_count": 3}]}, now)
    health = two_gpus.get("health")
    assert (health["status"], health["recorder"]["pid"]) == ("ok", 7)
    assert health["recorder"]["missed_count"] == 3
    assert health["storage"]["free_bytes"] > 0
    two_gpus.tick({"host": [{"device": "host"}]}, now - 60_000)
    assert two_gpus.get("health", 503)["status"] == "stale"


def test_health_before_the_first_tick(served: Served) -> None:
    assert served.get("health", 503)["status"] == "starting"
