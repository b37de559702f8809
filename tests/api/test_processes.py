"""GPU processes over the API: every column, the filter, memory of nobody, and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.api.encode import encoded
from monitor.metrics import PROCESS
from monitor.sources.base import Row
from tests.api.test_answers import documented, reference, refused
from tests.api.test_current_values import FIRST, NOW, SECOND, Served, served, two_gpus

__all__ = ["reference", "served", "two_gpus"]

GIB = 1 << 30
PATH = "gpu-processes"


def process(pid: int, memory: int | None = GIB, device: str = FIRST, **more: object) -> Row:
    row: Row = {"device": device, "pid": pid, "gpu_memory_bytes": memory, "visibility": "visible"}
    return {**row, **more}  # type: ignore[dict-item]


def whole_row() -> Row:
    """A row with another value in each column."""
    return {
        "device": FIRST,
        **{
            metric.column: f"{metric.column} ü"
            if metric.unit.storage == "text"
            else 1_000_003 * at
            if metric.unit.storage == "int64"
            else at + 1 / 3
            for at, metric in enumerate(PROCESS.metrics)
        },
    }


@pytest.fixture
def busy(two_gpus: Served) -> Served:
    """The first GPU has 10 GiB in use, of which processes hold 6; one runs on both."""
    gpu = {"device": FIRST, "index": 0, "memory_used_bytes": 10 * GIB}
    gpu |= {"memory_total_bytes": 80 * GIB, "memory_reserved_bytes": GIB}
    rows = [process(2, GIB), process(1, 5 * GIB), process(1, 3 * GIB, SECOND)]
    two_gpus.tick({"gpu": [gpu], "process": rows}, NOW + 9000)
    return two_gpus


def test_every_column_comes_out_as_it_went_in(two_gpus: Served) -> None:
    row = whole_row()
    two_gpus.tick({"process": [row]}, NOW + 1000)
    assert two_gpus.get(PATH)["processes"] == [{**row, "index": 0}]
    assert two_gpus.get("all")["processes"] == [{**row, "index": 0}]


def test_what_is_missing_is_null_and_a_zero_is_a_zero(two_gpus: Served) -> None:
    two_gpus.tick({"process": [{"device": FIRST, "pid": 5, "sm_percent": 0.0}]}, NOW + 1000)
    [row] = two_gpus.get(PATH)["processes"]
    assert (row["sm_percent"], row["gpu_memory_bytes"], row["name"]) == (0.0, None, None)
    assert set(row) == {"device", "index", *PROCESS.columns}


def test_they_come_by_memory_are_counted_once_and_what_nobody_holds_is_told(busy: Served) -> None:
    answer = busy.get(PATH)
    rows = [(row["pid"], row["device"], row["index"]) for row in answer["processes"]]
    assert rows == [(1, FIRST, 0), (1, SECOND, 1), (2, FIRST, 0)]
    assert answer["active"] == 2
    assert answer["unaccounted"] == [
        {
            "device": FIRST,
            "index": 0,
            "bytes": 4 * GIB,
            "cause": "unlisted",
            "reason": "GPU 0: 4.00 GiB are held by no process that the driver lists.",
        }
    ]


@pytest.mark.parametrize("gpu", ["1", SECOND])
def test_a_gpu_is_asked_for_by_index_or_uuid(busy: Served, gpu: str) -> None:
    answer = busy.get(f"{PATH}?gpu={gpu}")
    assert [(row["pid"], row["device"]) for row in answer["processes"]] == [(1, SECOND)]
    assert (answer["active"], answer["unaccounted"]) == (1, [])
    assert busy.get(f"all?gpu={gpu}")["processes"] == answer["processes"]


def test_errors_are_those_of_every_path(two_gpus: Served) -> None:
    assert refused(two_gpus, f"{PATH}?gpu=9", 404)["type"] == "/problems/unknown-gpu"
    assert "gpus" in refused(two_gpus, f"{PATH}?gpus=0", 422)["detail"]


def test_without_a_gpu_the_reason_is_told(served: Served) -> None:
    assert refused(served, PATH, 503)["type"] == "/problems/gpu-unavailable"


def test_an_answer_is_encoded_once_a_tick(busy: Served) -> None:
    first = encoded(busy.current)
    assert first.gpu_processes(()) is encoded(busy.current).gpu_processes(())
    assert busy.current.processes() is busy.current.processes()


def test_the_reference_has_what_is_answered(busy: Served, reference: dict[str, Any]) -> None:
    answer = busy.get(PATH)
    for path in (PATH, "all"):
        assert documented(reference, path, "processes") == set(answer["processes"][0])
    assert documented(reference, PATH, "unaccounted") == set(answer["unaccounted"][0])
    answers = reference["paths"][f"/api/v1/system/{PATH}"]["get"]["responses"]
    assert {"404", "422", "503"} <= set(answers)
    properties = reference["components"]["schemas"]["Process"]["properties"]
    assert properties["name"]["examples"] == ["python"]
