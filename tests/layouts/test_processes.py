"""The section of GPU processes: its place, the grid's rows in words, and whose are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from layouts import ids
from layouts.panels.process_grid import ProcessView, load_late, process_grid, process_view
from layouts.panels.process_rows import GridRow, grid_rows
from layouts.panels.processes import process_notes, processes_section, size
from layouts.theme import gpu_colour
from monitor.queries.latest import Latest
from monitor.queries.processes import gpu_processes
from monitor.sources.base import Row
from tests.queries.test_processes import TWO, process, tick
from tests.queries.ticks import GIB, GPU, gpu_state

SHOWN: Row = process(
    40211,
    72 * GIB,
    name="python",
    user="alice",
    command="torchrun train.py",
    sm_percent=92.6,
    encoder_percent=0.0,
    decoder_percent=12.0,
    cpu_percent=412.4,
    memory_bytes=38 * GIB,
    started=1_795_514_400,
    container="docker 4be1f27a90c3",
)


def properties(part: Component) -> dict[str, Any]:
    return part.to_plotly_json()["props"]


def by_id(tree: Component, identity: str) -> dict[str, Any]:
    parts: Iterator[Component] = (part for part in tree._traverse() if isinstance(part, Component))
    [found] = [p for p in map(properties, parts) if p.get("id") == identity]
    return found


def view(*rows: Row, only: str | None = None, **more: object) -> ProcessView:
    processes = gpu_processes(tick(*rows, **more), {})
    return process_view(processes, grid_rows(processes), only)


def grid_row(row: Row, **more: object) -> GridRow:
    [made] = grid_rows(gpu_processes(tick(row, **more), {}))
    return made


def fields(shown: ProcessView) -> list[str]:
    return [column["field"] for column in shown.columns if not column.get("hide")]


@pytest.mark.parametrize(
    ("machine", "hidden"),
    [(tick(gpus=[]), True), (tick(), False), (Latest(), False)],
    ids=["no GPU", "one", "before the first tick"],
)
def test_the_section_is_hidden_where_there_is_known_to_be_no_gpu(machine: Latest, hidden: bool):
    assert properties(processes_section(machine))["hidden"] is hidden


@pytest.mark.parametrize(("gpus", "hidden"), [([GPU], True), (TWO, False)])
def test_the_choice_of_one_gpu_is_there_where_there_are_several(gpus: list[Row], hidden: bool):
    assert by_id(processes_section(tick(gpus=gpus)), ids.PROCESS_SCOPE_BOX)["hidden"] is hidden


def test_the_place_has_the_height_of_the_rows_before_the_grid_is_there():
    section = processes_section(tick(*[process(pid) for pid in range(5)]))
    assert by_id(section, ids.PROCESS_PLACE)["style"] == size(5) == {"--rows": 5}
    assert [size(rows)["--rows"] for rows in (0, 1, 10, 200)] == [2, 1, 10, 10]


def test_a_row_is_told_in_units_that_people_read():
    row = grid_row(SHOWN)
    assert row["id"] == "GPU-a/40211"
    assert row["text"] == {
        "gpu": "0",
        "name": "python",
        "memory": "72.0 GiB",
        "sm": "93 %",
        "video": "0 / 12 %",
        "cpu": "412 %",
        "ram": "38.0 GiB",
    }
    shown = ("alice", "docker 4be1f27a90c3", "torchrun train.py")
    assert (row["user"], row["container"], row["command"]) == shown
    assert (row["memory"], row["sm"], row["video"]) == (72 * GIB, 92.6, 12.0)
    assert (row["dot"], row["state"]) == (gpu_colour(0), "visible")


def test_what_is_not_reported_is_no_zero():
    row = grid_row(process(1, None))
    assert row["text"]["memory"] == "not reported"
    absent = ("name", "sm", "video", "cpu", "ram")
    assert {row["text"][field] for field in absent} == {"–"}
    raw = (*absent, "memory", "started", "user", "container", "command")
    assert {row[field] for field in raw} == {None}
    zero = process(1, 0, sm_percent=0.0, cpu_percent=0.0, encoder_percent=0.0)
    row = grid_row(zero)
    assert [row["text"][field] for field in ("memory", "sm", "cpu")] == ["0 B", "0 %", "0 %"]
    assert row["text"]["video"] == "0 / – %"


@pytest.mark.parametrize(
    ("state", "name", "text", "command"),
    [
        ("dead", "python", "python · ended", "Has ended; its memory is still held"),
        ("elsewhere", None, "elsewhere", "Runs in another PID namespace"),
        (None, None, "–", "Belongs to another user"),
    ],
)
def test_a_process_that_is_not_seen_says_so_in_words(state, name, text, command):
    row = grid_row(process(1, name=name, visibility=state))
    assert row["text"]["name"] == text
    assert row["command"].startswith(command)
    assert row["state"] == (state or "hidden")


def test_a_mig_instance_is_told_apart_from_its_gpu():
    states = [gpu_state(), gpu_state("MIG-1", parent="GPU-a", mig_index=2)]
    row = process(1, device="MIG-1")
    told = grid_row(row, gpus=[GPU, {**GPU, "device": "MIG-1"}], states=states)
    assert told["text"]["gpu"] == "0 · MIG 2"


def test_a_gpu_that_is_chosen_has_the_processes_of_its_mig_instances_too():
    states = [gpu_state(), gpu_state("MIG-1", parent="GPU-a", mig_index=1), gpu_state("GPU-b")]
    gpus = [{**GPU, "device": name} for name in ("GPU-a", "MIG-1", "GPU-b")]
    rows = [process(1, device="MIG-1"), process(2, device="GPU-b")]
    assert [row["pid"] for row in view(*rows, gpus=gpus, states=states, only="GPU-a").rows] == [1]
    assert view(*rows, gpus=gpus, states=states, only="GPU-a").count == "1 active on GPU 0"
    assert view(*rows, gpus=gpus, states=states, only="MIG-1").count == "1 active on GPU 0, MIG 1"


def test_all_gpus_or_one_of_them():
    rows = [process(1), process(1, device="GPU-b"), process(2, device="GPU-b")]
    states = [gpu_state("GPU-a", index=0), gpu_state("GPU-b", index=1)]
    every = view(*rows, gpus=TWO, states=states)
    assert (len(every.rows), every.count) == (3, "2 active on 2 GPUs")
    one = view(*rows, gpus=TWO, states=states, only="GPU-b")
    assert (len(one.rows), one.count) == (2, "2 active on GPU 1")
    assert "gpu" in fields(every)
    assert "gpu" not in fields(one)
    # A GPU that is gone is no reason to show nothing.
    assert view(*rows, gpus=TWO, states=states, only="GPU-gone").count == every.count


def test_with_one_gpu_no_gpu_is_named_and_a_container_only_where_there_is_one():
    assert view(process(1)).count == "1 active"
    assert not {"gpu", "container"} & set(fields(view(process(1))))
    assert "container" in fields(view(process(1), SHOWN))


def test_numbers_are_sorted_by_value_from_the_highest():
    columns = {column["field"]: column for column in view(SHOWN).columns if "field" in column}
    assert [name for name, column in columns.items() if "initialSort" in column] == ["memory"]
    [row] = view(SHOWN).rows
    for name in ("memory", "sm", "video", "cpu", "ram"):
        assert isinstance(row[name], int | float)
        assert columns[name]["sortingOrder"] == ["desc", "asc"]
    assert set(columns) <= set(row)


def test_the_grid_keeps_its_rows_apart_and_its_library_out_of_the_page():
    grid = process_grid(view(SHOWN))
    assert properties(grid)["getRowId"] == "params.data.id"
    load_late()
    eager = [f for f in grid._js_dist if not f.get("dynamic") and "async" not in f]
    assert eager == []


def test_of_many_sentences_those_of_most_memory_are_said_and_the_rest_is_folded_away():
    gpus = [{**GPU, "device": f"GPU-{at}", "index": at} for at in range(5)]
    states = [gpu_state(f"GPU-{at}", index=at) for at in range(5)]
    machine = tick(gpus=gpus, states=states)
    found = gpu_processes(machine, {f"GPU-{at}": (9.0 + at) * GIB for at in range(5)}).unaccounted
    told = {
        at: f"GPU {at}: {9 + at}.0{'0' if at == 0 else ''} GiB are held by no process that the "
        "driver lists."
        for at in range(5)
    }

    def said(first: str | None) -> tuple[list[object], list[object]]:
        summary, *rest = process_notes(found, first)
        *lines, more = properties(summary)["children"][1].children
        assert more.children == "2 more"
        return [line.children for line in lines], [line.children for line in rest]

    assert said(None) == ([told[4], told[3], told[2]], [told[1], told[0]])
    # Of the GPU that a person looks at, first.
    assert said("GPU-0") == ([told[0], told[4], told[3]], [told[2], told[1]])
    [summary] = process_notes(found[:2])
    assert len(properties(summary)["children"][1].children) == 2
    assert process_notes([]) == []
