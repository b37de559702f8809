"""The processes on the GPUs: their order, their number, and memory that none of them holds."""

from __future__ import annotations

import pytest

from monitor.metrics import TABLES
from monitor.queries.latest import Latest
from monitor.queries.processes import GpuProcesses, gpu_processes, steady_memory
from monitor.sources.base import DeviceState, Row
from monitor.storage.buffer import Buffer
from tests.queries.ticks import GIB, GPU, HOST, TICK, gpu_state, latest

TWO = [{**GPU, "device": name, "index": at} for at, name in enumerate(("GPU-a", "GPU-b"))]


def process(pid: int, memory: int | None = GIB, device: str = "GPU-a", **more: object) -> Row:
    row: Row = {"device": device, "pid": pid, "gpu_memory_bytes": memory, "visibility": "visible"}
    return {**row, **more}  # type: ignore[dict-item]


def tick(*rows: Row, gpus: list[Row] | None = None, **more: object) -> Latest:
    made = latest(gpus=[GPU] if gpus is None else gpus, **more)
    table = {f"{row['device']}/{row['pid']}": row for row in rows}
    return Latest(**{**vars(made), "rows": {**made.rows, "process": table}})


def found(*rows: Row, used: float | None = 40 * GIB, **more: object) -> GpuProcesses:
    return gpu_processes(tick(*rows, **more), {} if used is None else {"GPU-a": used})


def said(*rows: Row, used: float | None = 40 * GIB, **more: object) -> list[tuple]:
    unaccounted = found(*rows, used=used, **more).unaccounted
    return [(held.cause, held.bytes, held.reason) for held in unaccounted]


def test_whoever_holds_most_comes_first_and_what_is_not_reported_last():
    rows = [process(1, 2 * GIB), process(2, None), process(3, 0), process(4, 9 * GIB)]
    assert [row["pid"] for row in found(*rows).rows] == [4, 1, 3, 2]


def test_a_process_on_two_gpus_has_two_rows_and_counts_once():
    rows = [process(7, GIB, "GPU-b"), process(7, GIB, "GPU-a"), process(8, 2 * GIB, "GPU-b")]
    every = found(*rows, gpus=TWO)
    assert [(row["pid"], row["device"]) for row in every.rows] == [
        (8, "GPU-b"),
        (7, "GPU-a"),
        (7, "GPU-b"),
    ]
    assert every.active == 2
    assert [row["pid"] for row in every.of({"GPU-a"}).rows] == [7]
    assert every.of({"GPU-a"}).active == 1


def test_a_process_that_has_ended_is_listed_but_not_active():
    rows = [process(1), process(2, visibility="dead"), process(3, visibility="elsewhere")]
    assert len(found(*rows).rows) == 3
    assert found(*rows).active == 2


def test_memory_of_no_process_is_told_from_its_threshold_on():
    listed = process(1, 40 * GIB - (600 << 20))
    assert said(listed) == []
    [(cause, held, reason)] = said({**listed, "gpu_memory_bytes": 40 * GIB - (601 << 20)})
    assert (cause, held) == ("unlisted", 601 << 20)
    assert reason == "GPU 0: 601.0 MiB are held by no process that the driver lists."
    assert said(used=0.0) == []


def test_an_old_driver_has_its_own_share_in_what_is_used():
    old = {name: value for name, value in GPU.items() if name != "memory_reserved_bytes"}
    assert said(used=0.03 * 80 * GIB, gpus=[old]) == []
    assert said(used=0.03 * 80 * GIB + 1, gpus=[old])[0][0] == "unlisted"


def test_in_a_pid_namespace_of_its_own_the_monitor_cannot_see_whose_it_is():
    made = tick()
    host = DeviceState("host", "host", facts={"pid_namespace": "own"})
    inside = Latest(**{**vars(made), "devices": {**made.devices, "host": {"host": host}}})
    [held] = gpu_processes(inside, {"GPU-a": 40.0 * GIB}).unaccounted
    assert (held.cause, held.bytes) == ("elsewhere", 40 * GIB)
    assert "in another PID namespace: this monitor runs in one of its own" in held.reason


def test_a_dead_process_is_named_with_its_memory():
    rows = [process(1, 30 * GIB), process(4242, 10 * GIB, name="python", visibility="dead")]
    assert said(*rows) == [
        ("dead", 10 * GIB, "GPU 0: 10.0 GiB are held by process 4242 (python), which has ended.")
    ]


def test_what_is_left_over_is_the_dead_ones_where_their_memory_is_not_reported():
    rows = [process(1, 30 * GIB), process(5, None, visibility="dead")]
    assert said(*rows) == [
        ("dead", 10 * GIB, "GPU 0: 10.0 GiB are held by process 5, which has ended.")
    ]
    [(_, held, reason)] = said(process(5, None, visibility="dead"), used=None)
    assert (held, reason) == (None, "GPU 0: Memory is held by process 5, which has ended.")


def test_processes_of_another_namespace_are_named_and_of_many_the_first():
    rows = [process(pid, GIB, visibility="elsewhere") for pid in range(1, 6)]
    [(cause, held, reason)] = said(*rows, used=5 * GIB)
    assert (cause, held) == ("elsewhere", 5 * GIB)
    assert reason == (
        "GPU 0: 5.00 GiB are held by processes 1, 2, 3 and 2 more in another PID namespace."
    )


def test_nothing_is_said_where_the_memory_of_a_visible_process_is_not_reported():
    assert said(process(1, None)) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"memory_kind": "shared", "process_list": "reported"},
        {"memory_kind": "shared"},
        {"process_list": "Not Supported"},
        {"process_list": "Insufficient Permissions"},
    ],
)
def test_nobody_is_missed_in_a_list_that_has_not_everyone(facts: dict[str, str]):
    states = [gpu_state(**facts)]
    assert said(states=states) == []
    assert said(process(1), states=states) == []
    # One that was listed is told all the same.
    assert [held[0] for held in said(process(5, visibility="dead"), states=states)] == ["dead"]


@pytest.mark.parametrize("used", [None, 40.0 * GIB])
def test_nothing_is_said_of_a_gpu_that_does_not_answer(used: float | None):
    assert said(used=used, gpus=[GPU], states=[gpu_state(status="lost")]) == []


def test_each_mig_instance_speaks_for_itself_and_their_gpu_for_none():
    instance = {**GPU, "device": "MIG-1"}
    states = [gpu_state(), gpu_state("MIG-1", parent="GPU-a", mig_index=1)]
    split = tick(gpus=[GPU, instance], states=states)
    unaccounted = gpu_processes(split, {"GPU-a": 40.0 * GIB, "MIG-1": 9.0 * GIB}).unaccounted
    assert [held.reason for held in unaccounted] == [
        "GPU 0, MIG 1: 9.00 GiB are held by no process that the driver lists."
    ]


def memory(*ticks: tuple[int, float | None], interval: float = 1.0) -> dict[str, float]:
    buffer = Buffer(TABLES["gpu"])
    for before, used in ticks:
        buffer.append(TICK - before, [{"device": "GPU-a", "memory_used_bytes": used}])
    return steady_memory(latest(host=HOST, recorder={"interval": interval}), buffer)


def test_what_was_taken_since_the_processes_were_read_is_not_held_by_nobody():
    assert memory((6000, 1.0), (5000, 4.0), (1000, 5.0), (0, 70.0)) == {"GPU-a": 4.0}
    assert memory((20_000, 1.0), (10_000, 4.0), (0, 70.0), interval=5.0) == {"GPU-a": 4.0}


def test_a_gap_leaves_it_unknown():
    assert memory((1000, None), (0, 70.0)) == {}
    assert memory() == {}
    assert steady_memory(Latest(), Buffer(TABLES["gpu"])) == {}
