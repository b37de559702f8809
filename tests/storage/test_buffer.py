"""Rows in memory: what was appended is what is read, and a snapshot never changes."""

from __future__ import annotations

import math
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.base import Row
from monitor.storage.buffer import Buffer, Columns
from tests.storage.made import GPU, PROCESS

Stored = tuple[int, Row]


def rows_of(columns: Columns) -> list[Stored]:
    """Times and rows as they were appended: words spelt out, missing cells left out."""
    found: list[Stored] = []
    for time, code, cells in zip(columns.times, columns.device_codes, columns.cells, strict=True):
        row: Row = {"device": columns.devices[code]}
        for metric, cell in zip(columns.table.metrics, cells.tolist(), strict=True):
            if not math.isnan(cell):
                words = columns.words.get(metric.column)
                row[metric.column] = words[int(cell)] if words is not None else cell
        found.append((int(time), row))
    return found


def process(device: str, name: str | None = None, pid: float = 1.0) -> Row:
    row: Row = {"device": device, "pid": pid}
    if name is not None:
        row["name"] = name
    return row


def filled(rows: list[Stored]) -> Buffer:
    buffer = Buffer(PROCESS)
    for time, row in rows:
        buffer.append(time, [row])
    return buffer


def test_it_grows_as_rows_come() -> None:
    buffer = Buffer(GPU)
    for time in range(1000):
        buffer.append(time, [{"device": f"GPU-{n}", "power_watts": time + n} for n in range(3)])
    columns = buffer.columns()
    assert len(buffer) == len(columns) == 3000
    assert columns.times.tolist() == [time for time in range(1000) for _ in range(3)]
    assert columns["power_watts"].tolist() == [t + n for t in range(1000) for n in range(3)]
    assert columns.device_codes.tolist() == [0, 1, 2] * 1000


def test_missing_stays_missing_and_zero_is_zero() -> None:
    buffer = Buffer(GPU)
    buffer.append(0, [{"device": "GPU-1", "power_watts": 0.0, "temperature_celsius": None}])
    columns = buffer.columns()
    assert columns["power_watts"].tolist() == [0.0]
    assert np.isnan(columns["temperature_celsius"]).all()
    assert np.isnan(columns["utilization_percent"]).all()


def test_extend_translates_the_codes_of_devices_and_words() -> None:
    ours = [(1, process("GPU-b", "train")), (2, process("GPU-a", "serve"))]
    theirs = [
        (3, process("GPU-a", "train")),
        (4, process("GPU-c", "notebook")),
        (5, process("GPU-b")),
    ]
    buffer = filled(ours)
    buffer.extend(filled(theirs).columns())
    assert rows_of(buffer.columns()) == ours + theirs
    assert buffer.columns().devices == ["GPU-b", "GPU-a", "GPU-c"]


def test_extend_by_nothing_or_by_very_much() -> None:
    buffer = filled([(1, process("GPU-a", "train"))])
    buffer.extend(Buffer(PROCESS).columns())
    assert len(buffer) == 1
    many = [(time, process("GPU-a", f"name {time % 7}")) for time in range(5000)]
    buffer.extend(filled(many).columns())
    assert rows_of(buffer.columns())[1:] == many


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [(2, 4, [0, 1, 4, 5]), (0, 1, [1, 2, 3, 4, 5]), (0, 6, []), (3, 3, [0, 1, 2, 3, 4, 5])],
)
def test_drop_takes_its_start_and_leaves_its_end(start: int, end: int, left: list[int]) -> None:
    buffer = filled([(time, process("GPU-a")) for time in range(6)])
    buffer.drop(start, end)
    assert buffer.columns().times.tolist() == left


def test_drop_before_leaves_what_is_as_old_as_that() -> None:
    buffer = filled([(time, process("GPU-a", str(time))) for time in range(1000)])
    buffer.drop_before(997)
    buffer.append(1000, [process("GPU-b", "new")])
    assert rows_of(buffer.columns()) == [
        (997, process("GPU-a", "997")),
        (998, process("GPU-a", "998")),
        (999, process("GPU-a", "999")),
        (1000, process("GPU-b", "new")),
    ]


def test_a_snapshot_never_changes() -> None:
    before = [(time, process("GPU-a", "train")) for time in range(200)]
    buffer = filled(before)
    snapshot = buffer.columns()
    for time in range(200, 1000):
        buffer.append(time, [process("GPU-b", "other")])
    buffer.extend(snapshot)
    buffer.drop_before(999)
    buffer.append(0, [process("GPU-c", "last")])
    assert rows_of(snapshot) == before
    assert snapshot.devices == ["GPU-a"]
    assert snapshot.words["name"] == ["train"]


def test_another_thread_reads_whole_rows_while_one_appends() -> None:
    buffer = Buffer(GPU)
    done = threading.Event()

    def append() -> None:
        for time in range(20_000):
            buffer.append(time, [{"device": "GPU-1", "power_watts": time}])
            if time % 1000 == 0:
                buffer.drop_before(time - 500)
        done.set()

    writer = threading.Thread(target=append)
    writer.start()
    while not done.is_set():
        columns = buffer.columns()
        assert (columns["power_watts"] == columns.times).all()
    writer.join()


def test_a_frame_has_typed_columns() -> None:
    buffer = filled([(1_795_528_800_123, process("GPU-a", "train")), (2000, process("GPU-b"))])
    frame = buffer.frame()
    assert list(frame.columns) == ["time", "device", *PROCESS.columns]
    assert frame["time"].dtype == "datetime64[ms, UTC]"
    assert frame["time"].iloc[0] == pd.Timestamp("2026-11-24T14:00:00.123Z")
    assert isinstance(frame["device"].dtype, pd.CategoricalDtype)
    assert isinstance(frame["name"].dtype, pd.CategoricalDtype)
    assert frame["pid"].dtype == "float64"
    assert frame["device"].tolist() == ["GPU-a", "GPU-b"]
    assert frame["name"].iloc[0] == "train"
    assert frame["name"].isna().tolist() == [False, True]
    empty = buffer.frame(3000, 4000)
    assert empty.empty
    assert list(empty.dtypes) == list(frame.dtypes)


def test_an_unknown_column_is_a_key_error_and_adds_no_row() -> None:
    buffer = Buffer(GPU)
    for value in (1.0, "word"):
        with pytest.raises(KeyError, match="speed"):
            buffer.append(0, [{"device": "GPU-1", "speed": value}])
    assert len(buffer) == 0


times = st.integers(0, 50)
processes = st.builds(
    process,
    st.sampled_from(["GPU-a", "GPU-b", "GPU-c"]),
    st.none() | st.sampled_from(["train", "serve", ""]),
    st.floats(allow_nan=False, width=32),
)
stored = st.lists(st.tuples(times, processes), max_size=400)
steps = st.one_of(
    st.tuples(st.just("append"), stored),
    st.tuples(st.just("extend"), stored),
    st.tuples(st.just("drop"), st.tuples(times, times)),
    st.tuples(st.just("drop_before"), times),
)


@given(st.lists(steps, max_size=8), times, times)
def test_it_is_a_list_of_rows(steps: list[tuple[str, object]], start: int, end: int) -> None:
    buffer, model = Buffer(PROCESS), list[Stored]()
    for step, value in steps:
        if step == "append":
            for time, row in value:
                buffer.append(time, [row])
            model += value
        elif step == "extend":
            buffer.extend(filled(value).columns())
            model += value
        elif step == "drop":
            buffer.drop(*value)
            model = [stored for stored in model if not value[0] <= stored[0] < value[1]]
        else:
            buffer.drop_before(value)
            model = [stored for stored in model if stored[0] >= value]
    assert len(buffer) == len(model)
    assert rows_of(buffer.columns()) == model
    within = [stored for stored in model if start <= stored[0] < end]
    assert rows_of(buffer.columns(start, end)) == within
