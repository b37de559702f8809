"""The API's answers about the past: the same numbers as were recorded, or a sentence why not."""

from __future__ import annotations

import asyncio
import gc
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from monitor.api import history, routes
from monitor.api.head import HeadAsGet
from monitor.api.history_models import HISTORY_TABLES
from monitor.metrics import GPU, TABLES, RollUp, Table
from monitor.queries.archive import Archive
from monitor.queries.current import Current
from monitor.queries.formats import FORMATS, Piece
from monitor.queries.latest import Latest, iso
from monitor.queries.live_rows import LiveRows
from monitor.recording.follower import Follower
from monitor.settings import load
from monitor.sources.base import DeviceState, Row, Rows
from monitor.storage.history import History
from monitor.storage.locations import host_name
from monitor.storage.store import Store
from tests.fakes import FakeClock

FIRST, SECOND, GONE = "GPU-aaaa", "GPU-bbbb", "GPU-gone"
# A whole hour of the past, so that the span is one for the server's own clock.
BEGIN = (round(time.time()) // 3600 - 30) * 3600
FLUSHED, TICKS = 400, 500
PROBLEM = "application/problem+json"


def row(table: Table, device: str, second: int) -> Row:
    """A row that differs from tick to tick, with a metric missing now and then."""
    cells: dict[str, object] = {}
    for at, metric in enumerate(table.metrics):
        value = at * 1000 + second % 97 + 1 / 3
        if (second + at) % 11:
            whole = metric.unit.storage == "int64"
            cells[metric.column] = int(value) if whole else value
    return {"device": device, **cells}


def rows(second: int) -> Rows:
    gpus = [FIRST, SECOND] if second >= 60 else [FIRST, GONE]
    found = {table.name: [row(table, "0", second)] for table in HISTORY_TABLES.values()}
    return {
        **found,
        "gpu": [row(GPU, device, second) for device in gpus],
        "host": [row(TABLES["host"], "host", second)],
        "recorder": [{"device": "host", "missed_count": 0}],
    }


class Past:
    """A folder with files up to `FLUSHED` and live.db from there on, and a client over it."""

    def __init__(self, folder: Path, gpus: bool = True) -> None:
        self.settings = load(["--data", str(folder / "data"), "--state-dir", str(folder)])
        clock = FakeClock(BEGIN)
        self.store = Store(self.settings, clock)
        for second in range(TICKS):
            if second == FLUSHED:
                self.store.flush()
            self.store.add(round(clock.wall() * 1000), rows(second) if gpus else {})
            clock.run(1)
        if gpus:
            self.store.journals.put_devices(
                [
                    DeviceState("gpu", FIRST, facts={"index": 0}),
                    DeviceState("gpu", SECOND, facts={"index": 1}),
                ]
            )
        live = [folder / "live.db"]
        self.follower = Follower(live)
        self.follower.poll()
        self.follower.poll()
        self.archive = Archive(
            History(self.settings.data, host_name()),
            LiveRows(live, self.follower),
            self.settings.parsed_tiers,
        )
        server = FastAPI()
        server.include_router(routes.router(Current(self.follower), self.settings, self.archive))
        server.add_middleware(HeadAsGet)
        self.client = TestClient(server)

    def get(self, path: str, **parameters: object) -> Any:
        answer = self.client.get(f"/api/v1/system/{path}", params=_whole(parameters))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, status: int, **parameters: object) -> Any:
        answer = self.client.get(f"/api/v1/system/{path}", params=_whole(parameters))
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
        return answer.json()

    def close(self) -> None:
        self.store.close()
        for followed in self.follower._followed:
            followed.close()


def _whole(parameters: dict[str, object]) -> dict[str, Any]:
    return {"start": iso(1000 * BEGIN), "end": iso(1000 * (BEGIN + TICKS)), **parameters}


def expected(table: Table, device: str, column: str) -> list[float | None]:
    """What was recorded, tick by tick, as precisely as it is stored."""
    found = []
    for second in range(TICKS):
        for one in rows(second)[table.name]:
            if one["device"] == device:
                value = one.get(column)
                exact = table[column].unit.storage == "int64" or value is None
                found.append(value if exact else table[column].unit.storage)
                if not exact:
                    found[-1] = np.dtype(table[column].unit.storage).type(value)
    return found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Past(tmp_path_factory.mktemp("past"))
    yield made
    made.close()


GPU_COLUMNS = [column for column in GPU.columns if column != "index"]


@pytest.mark.parametrize("column", GPU_COLUMNS)
def test_each_tick_comes_out_as_it_was_recorded(past: Past, column: str) -> None:
    answer = past.get("gpu-metrics/history", gpu=1, metrics=column, resolution="1s")
    assert (answer["tier"], answer["resolution_seconds"]) == ("1s", 1.0)
    (line,) = answer["series"]
    assert (line["device"], line["index"]) == (SECOND, 1)
    assert line["time"] == [1000 * (BEGIN + second) for second in range(60, TICKS)]
    values = [None if value is None else as_stored(column, value) for value in line[column]]
    assert values == expected(GPU, SECOND, column)
    assert None in values
    assert answer["units"] == {column: GPU[column].unit.name}


def as_stored(column: str, value: float) -> Any:
    """The number at the precision of its column; a whole number must be one on the wire."""
    storage = GPU[column].unit.storage
    if storage == "int64":
        assert isinstance(value, int)
        return value
    return np.dtype(storage).type(value)


@pytest.mark.parametrize("name", HISTORY_TABLES)
def test_every_table_and_metric_has_a_history(past: Past, name: str) -> None:
    answer = past.get("metrics/history", table=name, resolution="1s")
    (line,) = answer["series"]
    assert set(line) == {"device", "time", *TABLES[name].columns}
    assert len(line["time"]) == TICKS


def test_the_host_is_what_metrics_history_means(past: Past) -> None:
    (line,) = past.get("metrics/history", metrics="cpu_percent", resolution="1s")["series"]
    assert line["device"] == "host"
    assert np.float32(line["cpu_percent"][1]) == np.float32(1 + 1 / 3)


def test_a_minute_has_mean_lowest_highest_and_samples(past: Past) -> None:
    answer = past.get("gpu-metrics/history", gpu=0, metrics="power_watts", resolution="60s")
    assert (answer["tier"], answer["resolution_seconds"]) == ("1m", 60.0)
    (line,) = answer["series"]
    values = pd.Series(expected(GPU, FIRST, "power_watts"), dtype="float64")
    minutes = values.groupby(np.arange(TICKS) // 60)
    for column, wanted in {
        "power_watts": minutes.mean(),
        "power_watts_min": minutes.min(),
        "power_watts_max": minutes.max(),
    }.items():
        np.testing.assert_allclose(line[column], wanted, rtol=3e-7)
    assert line["samples"] == minutes.size().tolist()
    assert all(isinstance(count, int) for count in line["samples"])


def test_counters_keep_their_last_value_in_a_bucket(past: Past) -> None:
    counters = [metric.column for metric in GPU.metrics if metric.roll_up is RollUp.LAST]
    answer = past.get(
        "gpu-metrics/history", gpu=0, metrics=",".join(counters), resolution="1s", max_points=5
    )
    (line,) = answer["series"]
    assert set(line) == {"device", "index", "time", "samples", *counters}
    last = [v for v in expected(GPU, FIRST, "xid_count")[:120] if v is not None][-1]
    assert line["xid_count"][0] == last


def test_fewer_points_keep_the_highest(past: Past) -> None:
    answer = past.get(
        "gpu-metrics/history", gpu=0, metrics="power_watts", resolution="1s", max_points=3
    )
    (line,) = answer["series"]
    assert len(line["time"]) <= 3
    recorded = [value for value in expected(GPU, FIRST, "power_watts") if value is not None]
    assert np.float32(max(line["power_watts_max"])) == max(recorded)
    assert np.float32(min(line["power_watts_min"])) == min(recorded)
    assert sum(line["samples"]) == TICKS


def test_a_gpu_that_only_the_history_knows_is_answered(past: Past) -> None:
    (line,) = past.get("gpu-metrics/history", gpu=GONE, metrics="power_watts")["series"]
    assert (line["device"], line["index"], len(line["time"])) == (GONE, None, 60)


def test_all_gpus_that_have_rows_come_where_none_is_named(past: Past) -> None:
    answer = past.get("gpu-metrics/history", metrics="power_watts")
    assert [line["device"] for line in answer["series"]] == [FIRST, SECOND, GONE]


def test_metrics_may_be_repeated_and_separated_by_commas(past: Past) -> None:
    asked = ["power_watts, fan_percent", "sm_clock_mhz"]
    answer = past.get("gpu-metrics/history", gpu=0, metrics=asked)
    assert list(answer["units"]) == ["power_watts", "fan_percent", "sm_clock_mhz"]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_device_that_never_was_is_told_which_there_are(past: Past, kind: str) -> None:
    asked = {"table": "disk", "device": ["0", "/nowhere"], "format": kind}
    problem = past.refused("metrics/history", 422, **asked)
    assert problem["errors"][0]["parameter"] == "device"
    assert problem["detail"] == "device: disk has no '/nowhere'; there are: 0."


def test_a_device_of_the_past_is_answered_and_no_line_where_it_has_no_row(past: Past) -> None:
    latest, past.follower.latest = past.follower.latest, Latest()
    (line,) = past.get("metrics/history", table="disk", device="0")["series"]
    before = {"start": iso(1000 * BEGIN - 60_000), "end": iso(1000 * BEGIN)}
    assert past.get("metrics/history", table="disk", device="0", **before)["series"] == []
    past.follower.latest = latest
    assert line["device"] == "0"


@pytest.mark.parametrize(
    ("parameters", "parameter", "says"),
    [
        ({"start": "now", "end": "-1h"}, "start", " now"),
        ({"start": "-1h", "end": "-2h"}, "start", "is not before end"),
        ({"start": "2091-01-01", "end": "2092-01-01"}, "start", " now"),
        ({"start": "yesterday"}, "start", "ISO 8601"),
        ({"metrics": "power,power_watts"}, "metrics", "gpu has no 'power'; it has index, util"),
        ({"resolution": "7m"}, "resolution", "there are 1s, 10s, 1m, 5m, 15m, 1h"),
        ({"max_points": 10_000_000}, "max_points", "10000000 is not between 2 and 100,000"),
        ({"max_points": 1}, "max_points", "1 is not between 2 and 100,000"),
        ({"max_points": "abc"}, "max_points", "'abc' is no whole number between 2 and 100,000"),
        ({"max_points": 10**40}, "max_points", "is not between 2 and 100,000"),
        ({"max_points": [3, 4]}, "max_points", "more than once"),
        ({"start": ["-1h", "-2h"]}, "start", "more than once; it takes one value"),
        ({"format": "xlsx"}, "format", "'json'"),
        ({"step": "5"}, "step", "takes gpu, metrics, start, end, resolution, max_points, format"),
        ({"gpu": ""}, "gpu", "it is empty"),
        ({"gpu": "a" * 97}, "gpu", "more than 96 characters"),
        ({"gpu": "a\x01"}, "gpu", "a control character"),
        ({"gpu": ["0"] * 65}, "gpu", "given 65 times; 64 may be"),
    ],
)
def test_bad_input_is_told_what_is_allowed(
    past: Past, parameters: dict[str, Any], parameter: str, says: str
) -> None:
    problem = past.refused("gpu-metrics/history", 422, **parameters)
    assert problem["type"] == "/problems/bad-parameters"
    assert problem["errors"][0]["parameter"].startswith(parameter)
    assert says in problem["detail"]
    assert "\n" not in problem["detail"]


def test_a_table_that_there_is_not_is_told_which_there_are(past: Past) -> None:
    problem = past.refused("metrics/history", 422, table="gpu")
    assert "there are host, core, disk, network, zone, rail, recorder" in problem["detail"]


def test_an_unknown_gpu_is_a_404_as_elsewhere(past: Past) -> None:
    problem = past.refused("gpu-metrics/history", 404, gpu="9")
    assert problem["type"] == "/problems/unknown-gpu"
    assert [gpu["device"] for gpu in problem["gpus"]] == [FIRST, SECOND]


def test_a_machine_without_gpus_says_why(tmp_path: Path) -> None:
    none = Past(tmp_path, gpus=False)
    for parameters in ({}, {"gpu": "0"}):
        problem = none.refused("gpu-metrics/history", 503, **parameters)
        assert problem["type"] == "/problems/gpu-unavailable"
    none.close()


def test_a_machine_that_lost_its_gpus_still_shows_their_past(tmp_path: Path) -> None:
    made = Past(tmp_path)
    made.follower.latest = Latest()
    answer = made.get("gpu-metrics/history", metrics="power_watts")
    assert [line["device"] for line in answer["series"]] == [FIRST, SECOND, GONE]
    problem = made.refused("gpu-metrics/history", 404, gpu="7")
    assert [gpu["device"] for gpu in problem["gpus"]] == [FIRST, SECOND, GONE]
    made.close()


@pytest.mark.parametrize("path", ["gpu-metrics/history", "metrics/history"])
def test_a_folder_that_cannot_be_read_is_a_503_with_the_reason(past: Past, path: str) -> None:
    class Unreadable:
        def __getattr__(self, name: str) -> Any:
            raise PermissionError(13, "Permission denied")

    history, past.archive.history = past.archive.history, Unreadable()  # type: ignore[assignment]
    problem = past.refused(path, 503)
    past.archive.history = history
    assert problem["type"] == "/problems/storage-unavailable"
    assert "permission denied" in problem["detail"]


def as_frame(answer: bytes, kind: str) -> pd.DataFrame:
    if kind == "csv":
        found = pd.read_csv(io.BytesIO(answer))
        found["time"] = pd.to_datetime(found["time"], format="ISO8601")
        return found
    if kind == "parquet":
        return pq.read_table(io.BytesIO(answer)).to_pandas()
    return pa.ipc.open_file(answer).read_all().to_pandas()


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("more", [{"resolution": "1s"}, {"resolution": "1m"}, {"max_points": 20}])
def test_a_file_has_the_numbers_of_the_json(past: Past, kind: str, more: dict[str, Any]) -> None:
    asked = _whole({"gpu": 0, "metrics": "power_watts,memory_used_bytes", **more})
    path = "/api/v1/system/gpu-metrics/history"
    answer = past.client.get(path, params={**asked, "format": kind})
    assert answer.headers["content-type"] == FORMATS[kind]
    found = as_frame(answer.content, kind)
    (line,) = past.client.get(path, params=asked).json()["series"]
    assert list(found) == ["time", "host", "device", *list(line)[3:]]
    assert (found["time"].astype("int64") == np.array(line["time"]) * factor(found)).all()
    for column in list(line)[3:]:
        values = pd.Series(line[column], dtype="float64").to_numpy(np.float32)
        np.testing.assert_array_equal(found[column].to_numpy(np.float32), values)


def factor(frame: pd.DataFrame) -> int:
    return {"ms": 1, "us": 1000, "ns": 1_000_000}[frame["time"].dt.unit]


def test_a_file_says_its_name_and_about_how_long_it_is(past: Past) -> None:
    asked = _whole({"format": "csv", "resolution": "1s"})
    answer = past.client.get("/api/v1/system/gpu-metrics/history", params=asked)
    begin = pd.Timestamp(BEGIN, unit="s").strftime("%Y-%m-%dT%H%MZ")
    assert f'filename="gpu-{begin}-' in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith('-1s.csv"')
    assert 0.5 < int(answer.headers["estimated-length"]) / len(answer.content) < 2


@pytest.mark.parametrize("more", [{"resolution": "1s"}, {"resolution": "1m"}, {"max_points": 20}])
def test_a_short_json_is_named_as_the_file_of_it(past: Past, more: dict[str, Any]) -> None:
    def disposition(kind: str) -> str:
        asked = _whole({"format": kind, **more})
        answer = past.client.get("/api/v1/system/gpu-metrics/history", params=asked)
        return str(answer.headers["content-disposition"])

    named = disposition("csv").replace("attachment", "inline").replace(".csv", ".json")
    assert disposition("json") == named


def test_a_long_json_is_made_in_pieces_and_is_the_same(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    for parameters in ({"resolution": "1s"}, {"resolution": "1m"}):
        whole = past.get("gpu-metrics/history", **parameters)
        monkeypatch.setattr(history, "_MANY_VALUES", 0)
        asked = _whole(parameters)
        answer = past.client.get("/api/v1/system/gpu-metrics/history", params=asked)
        monkeypatch.undo()
        assert "estimated-length" in answer.headers
        assert answer.json() == whole


def test_an_export_stops_when_who_asked_is_gone(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, closed = [], []

    def endless(*_: object) -> Iterator[Piece]:
        try:
            while True:
                made.append(1)
                yield Piece(b"x" * 1_000_000, 0.5)
        finally:
            closed.append(1)

    monkeypatch.setattr(history, "written", endless)
    sent = asyncio.Event()

    async def receive() -> dict[str, object]:
        if not made:
            return {"type": "http.request", "body": b"", "more_body": False}
        await sent.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if len(made) > 3:
            sent.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/api/v1/system/gpu-metrics/history",
        "query_string": f"format=csv&start={iso(1000 * BEGIN)}".encode(),
        "headers": [],
    }

    async def ask() -> None:
        await asyncio.wait_for(past.client.app(scope, receive, send), 30)

    asyncio.run(ask())
    gc.collect()
    assert closed == [1]


@pytest.mark.parametrize("table", [GPU, *HISTORY_TABLES.values()], ids=lambda table: table.name)
def test_every_column_of_an_answer_is_in_the_reference(past: Past, table: Table) -> None:
    reference = past.client.get("/openapi.json").json()
    line = reference["components"]["schemas"]["GpuLine" if table is GPU else "Line"]
    described = line["properties"]
    path = "gpu-metrics/history" if table is GPU else "metrics/history"
    parameters = {} if table is GPU else {"table": table.name}
    for resolution in ("1s", "1m"):
        answer = past.get(path, resolution=resolution, **parameters)
        answered = answer["series"][0]
        assert set(answered) <= set(described)
        assert set(answer["units"]) == set(answered) - {"device", "index", "time", "samples"} | (
            {"index"} if table is GPU else set()
        )
        for column, unit in answer["units"].items():
            if column != "index":
                assert described[column]["unit"] == unit
