"""What the API answers to each way of asking, and that its reference tells the truth about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from monitor.api.encode import encoded
from monitor.metrics import TABLES, Metric, Table
from monitor.sources.base import DeviceState
from tests.api.test_current_values import (
    FIRST,
    KINDS,
    NOW,
    SECOND,
    Served,
    each_column,
    full_row,
    note,
    served,
    two_gpus,
    value,
)

__all__ = ["served", "two_gpus"]

PROBLEM = "application/problem+json"
PATHS = (
    *("gpu-list", "gpu-info/0", "gpu-metrics", "gpu-metrics/compare", "gpu-processes"),
    *("metrics", "storage", "network", "all", "health"),
)
TOO_MANY = "gpu-metrics?" + "&".join(["gpu=0"] * 65)


each_table = pytest.mark.parametrize(
    "table", [TABLES[name] for name in KINDS], ids=lambda table: table.name
)


def row_of(answered: Any, device: str) -> dict[str, Any]:
    rows = answered if isinstance(answered, list) else [answered]
    return next(row for row in rows if row["device"] == device)


def refused(served: Served, path: str, status: int) -> dict[str, Any]:
    answer = served.client.get(f"/api/v1/system/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    return problem


def documented(reference: dict[str, Any], path: str, key: str) -> set[str]:
    """The properties that OpenAPI gives a device of this very answer."""
    schemas = reference["components"]["schemas"]
    answer = reference["paths"][f"/api/v1/system/{path}"]["get"]["responses"]["200"]
    model = answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    field = schemas[model]["properties"][key]
    inner = field.get("items") or next(kind for kind in field["anyOf"] if "$ref" in kind)
    return set(schemas[inner["$ref"].rsplit("/", 1)[-1]]["properties"])


@pytest.fixture
def others(two_gpus: Served) -> Served:
    """Two GPUs that answer, and a third that did once."""
    states = [
        DeviceState("gpu", SECOND, facts={"index": 1, "name": "H100"}),
        DeviceState("gpu", "GPU-cccc", "lost", "Gone.", {"index": 2, "serial": "S3"}),
    ]
    two_gpus.journal.put_devices(states)
    two_gpus.tick(
        {
            "gpu": [
                {"device": FIRST, "index": 0, "power_watts": 0.0},
                {"device": SECOND, "index": 1, "power_watts": 99.5},
            ]
        },
        NOW + 1000,
    )
    return two_gpus


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    made = Served(tmp_path_factory.mktemp("data"))
    yield made.client.get("/openapi.json").json()
    made.close()


@pytest.mark.parametrize("everything", [False, True], ids=["own path", "all"])
@each_column
def test_a_column_is_in_the_reference_of_its_answer(
    reference: dict[str, Any], table: Table, metric: Metric, everything: bool
) -> None:
    path, key, _ = KINDS[table.name]
    assert metric.column in documented(reference, "all" if everything else path, key)


@each_table
def test_the_reference_has_nothing_that_is_not_answered(
    two_gpus: Served, reference: dict[str, Any], table: Table
) -> None:
    path, key, device = KINDS[table.name]
    for asked in (path, "all"):
        assert documented(reference, asked, key) == set(row_of(two_gpus.get(asked)[key], device))


@each_table
def test_all_has_what_each_path_has(two_gpus: Served, table: Table) -> None:
    path, key, device = KINDS[table.name]
    row = row_of(two_gpus.get("all")[key], device)
    assert row == row_of(two_gpus.get(path)[key], device)
    assert {metric.column: row[metric.column] for metric in table.metrics} == {
        metric.column: value(metric) for metric in table.metrics
    }


@each_table
def test_a_zero_stays_a_zero(served: Served, table: Table) -> None:
    path, key, device = KINDS[table.name]
    served.journal.put_devices([DeviceState("gpu", FIRST, facts={"index": 5})])
    served.tick({table.name: [{"device": device, **dict.fromkeys(table.columns, 0)}]})
    row = row_of(served.get(path)[key], device)
    assert {column: row[column] for column in table.columns} == dict.fromkeys(table.columns, 0)


@pytest.mark.parametrize("path", ["gpu-metrics", "all"])
@pytest.mark.parametrize(
    ("query", "devices"),
    [
        ("", [FIRST, SECOND, "GPU-cccc"]),
        ("?gpu=1", [SECOND]),
        (f"?gpu={SECOND}", [SECOND]),
        ("?gpu=1&gpu=0", [FIRST, SECOND]),
        (f"?gpu=2&gpu={FIRST}", [FIRST, "GPU-cccc"]),
        (f"?gpu=0&gpu={FIRST}&gpu=0", [FIRST]),
    ],
)
def test_several_gpus_come_in_their_own_order(
    others: Served, path: str, query: str, devices: list[str]
) -> None:
    assert [gpu["device"] for gpu in others.get(path + query)["gpus"]] == devices


@pytest.mark.parametrize(
    "path", ["gpu-info/9", "gpu-metrics?gpu=9", "gpu-metrics?gpu=0&gpu=9", "all?gpu=9"]
)
def test_an_unknown_gpu_is_a_404_that_lists_those_that_exist(two_gpus: Served, path: str) -> None:
    problem = refused(two_gpus, path, 404)
    assert problem["type"] == "/problems/unknown-gpu"
    assert "'9'" in problem["detail"]
    known = [{"index": 0, "device": FIRST}, {"index": 1, "device": SECOND}]
    assert problem["gpus"] == known


@pytest.mark.parametrize(
    "path",
    [
        *("gpu-list", "gpu-info/0", "gpu-metrics", "gpu-metrics/compare"),
        *("gpu-metrics?gpu=0", "all?gpu=0"),
    ],
)
def test_no_gpu_is_a_503_with_the_reason_and_advice_of_its_source(
    served: Served, reference: dict[str, Any], path: str
) -> None:
    source = {"name": "nvml", "ok": False, "reason": "No driver.", "advice": "Install one."}
    served.journal.put_note("recorder", note(sources=[source]))
    served.tick({"host": [{"device": "host"}]})
    problem = refused(served, path, 503)
    assert problem["type"] == "/problems/gpu-unavailable"
    assert (problem["detail"], problem["advice"]) == ("No driver.", "Install one.")
    described = path.partition("?")[0].replace("gpu-info/0", "gpu-info/{gpu}")
    assert "503" in reference["paths"][f"/api/v1/system/{described}"]["get"]["responses"]


@pytest.mark.parametrize("path", PATHS)
def test_a_parameter_no_path_has_is_named(two_gpus: Served, path: str) -> None:
    problem = refused(two_gpus, f"{path}?gpus=0", 422)
    assert [error["parameter"] for error in problem["errors"]] == ["gpus"]


@pytest.mark.parametrize(
    "path",
    ["gpu-metrics?gpu=", f"gpu-metrics?gpu={'9' * 97}", f"gpu-info/{'9' * 97}", TOO_MANY],
    ids=["empty", "long", "long in the path", "many"],
)
def test_a_gpu_that_cannot_be_one_is_a_bad_parameter(two_gpus: Served, path: str) -> None:
    assert "gpu" in refused(two_gpus, path, 422)["detail"]


def test_a_path_that_does_not_exist_is_a_problem(two_gpus: Served) -> None:
    assert "gpu-lists" in refused(two_gpus, "gpu-lists", 404)["detail"]


def test_a_lost_gpu_keeps_its_status_reason_and_facts(others: Served) -> None:
    listed = others.get("gpu-list")["gpus"][2]
    assert (listed["status"], listed["reason"]) == ("lost", "Gone.")
    assert listed["facts"]["serial"] == "S3"
    assert {**others.get("gpu-info/2"), "time": 0} == {**listed, "time": 0}


def test_a_lost_gpu_has_no_readings(others: Served) -> None:
    lost = others.get("gpu-metrics")["gpus"][2]
    assert (lost["status"], lost["time"]) == ("lost", None)
    readings = {column: lost[column] for column in TABLES["gpu"].columns}
    assert readings == {**dict.fromkeys(TABLES["gpu"].columns), "index": 2}


def test_of_two_gpus_that_had_an_index_the_one_that_is_there_is_meant(others: Served) -> None:
    others.journal.put_devices([DeviceState("gpu", "GPU-0000", "lost", "Swapped.", {"index": 0})])
    others.tick({"gpu": [full_row(TABLES["gpu"], FIRST)]}, NOW + 2000)
    assert others.get("gpu-info/0")["device"] == FIRST


@pytest.mark.parametrize("answer", ["metrics", "storage", "network"])
def test_an_answer_is_the_same_bytes_until_the_next_tick(two_gpus: Served, answer: str) -> None:
    first = getattr(encoded(two_gpus.current), answer)
    two_gpus.follower.poll()
    assert getattr(encoded(two_gpus.current), answer) is first
    two_gpus.tick({"host": [full_row(TABLES["host"], "host")]}, NOW + 1000)
    assert getattr(encoded(two_gpus.current), answer) is not first


def test_gpus_and_everything_are_the_same_bytes_too(two_gpus: Served) -> None:
    made = encoded(two_gpus.current)
    assert made.everything() is encoded(two_gpus.current).everything()
    assert made.gpu_metrics([]) is encoded(two_gpus.current).gpu_metrics([])
