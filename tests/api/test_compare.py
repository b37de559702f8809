"""`gpu-metrics/compare` against a real live.db."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.api.compare import GpuComparison
from monitor.queries.compare import COMPARED
from monitor.sources.base import DeviceState
from tests.api.test_current_values import FIRST, NOW, SECOND, Served, served, two_gpus

__all__ = ["served", "two_gpus"]

PATH = "gpu-metrics/compare"
LOST, PART = "GPU-cccc", "MIG-bbbb"


@pytest.fixture
def uneven(two_gpus: Served) -> Served:
    """Two GPUs that answer, one of them in parts, and a third that did once."""
    two_gpus.journal.put_devices(
        [
            DeviceState("gpu", SECOND, facts={"index": 1, "name": "H100"}),
            DeviceState("gpu", PART, facts={"index": 1, "mig_index": 0, "parent": SECOND}),
            DeviceState("gpu", LOST, "lost", "Gone.", {"index": 2}),
        ]
    )
    rows = [(FIRST, 0, 100.0), (SECOND, 1, 300.0), (PART, 1, 25.0), (LOST, 2, 900.0)]
    two_gpus.tick(
        {
            "gpu": [
                {"device": device, "index": index, "power_watts": watts, "xid_count": 0}
                for device, index, watts in rows
            ]
        },
        NOW + 1000,
    )
    return two_gpus


def by_device(answer: dict[str, Any], column: str) -> dict[str, Any]:
    return {gpu["device"]: gpu["metrics"][column] for gpu in answer["gpus"]}


def test_each_gpu_says_how_far_it_is_from_the_mean_and_the_extremes_are_named(uneven: Served):
    answer = uneven.get(PATH)
    assert answer["metrics"]["power_watts"] == {
        "mean": 200.0,
        "highest": [SECOND],
        "lowest": [FIRST],
    }
    nothing = {"value": None, "from_mean": None}
    assert by_device(answer, "power_watts") == {
        FIRST: {"value": 100.0, "from_mean": -100.0},
        SECOND: {"value": 300.0, "from_mean": 100.0},
        PART: {"value": 25.0, "from_mean": None},
        LOST: nothing,
    }
    assert answer["metrics"]["xid_count"] == {"mean": 0.0, "highest": [], "lowest": []}
    assert answer["metrics"]["fan_percent"] == {"mean": None, "highest": [], "lowest": []}
    assert by_device(answer, "fan_percent") == dict.fromkeys((FIRST, SECOND, PART, LOST), nothing)
    assert [(gpu["device"], gpu["parent"], gpu["status"]) for gpu in answer["gpus"]] == [
        (FIRST, None, "ok"),
        (SECOND, None, "ok"),
        (PART, SECOND, "ok"),
        (LOST, None, "lost"),
    ]


def test_the_imbalance_is_told_in_sentences(two_gpus: Served):
    states = [
        DeviceState("gpu", device, facts={"index": at, "name": "H100"})
        for at, device in enumerate((FIRST, SECOND))
    ]
    two_gpus.journal.put_devices(states)
    rows = [
        {"device": FIRST, "utilization_percent": 99, "sm_clock_mhz": 1780},
        {
            "device": SECOND,
            "utilization_percent": 98,
            "sm_clock_mhz": 1640,
            "clock_event_reasons": 0x20,
        },
    ]
    # After everything that the fixture recorded has passed out of the ten seconds.
    two_gpus.tick({"gpu": rows}, NOW + 20_000)
    assert two_gpus.get(PATH)["imbalance"] == [
        "GPU 1 runs 140 MHz below the other: thermal slowdown."
    ]


def test_the_answer_and_the_example_are_what_the_reference_says(uneven: Served):
    answer = uneven.get(PATH)
    assert GpuComparison.model_validate(answer).model_dump() == answer
    reference = uneven.client.get("/openapi.json").json()
    described = reference["components"]["schemas"]["GpuComparison"]
    GpuComparison.model_validate(described["example"])
    assert set(described["properties"]) == set(answer)
    columns = [metric.column for metric in COMPARED]
    assert list(answer["metrics"]) == columns
    assert all(list(gpu["metrics"]) == columns for gpu in answer["gpus"])
    assert list(reference["components"]["schemas"]["Relatives"]["properties"]) == columns


def test_an_answer_is_made_once_per_tick(uneven: Served):
    made = uneven.current.comparison()
    uneven.get(PATH)
    assert uneven.current.comparison() is made
    uneven.tick({"gpu": [{"device": FIRST, "power_watts": 5.0}]}, NOW + 2000)
    assert by_device(uneven.get(PATH), "power_watts")[FIRST]["value"] == 5.0


def test_history_is_still_the_path_beside_it(uneven: Served):
    assert uneven.get("gpu-metrics/history?metrics=power_watts&start=-1h&resolution=1s")["series"]
