"""A roll-up is what pandas makes of the same raw rows, whatever they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor import units
from monitor.metrics import PROCESS, TABLES, Metric, RollUp, Table
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from tests.storage.made import GPU, START, assert_same_rows, columns_of, plain_aggregate


def metric(column: str, unit: units.Unit, roll_up: RollUp = RollUp.MEAN) -> Metric:
    return Metric(column, unit, column, "", "", roll_up)


KINDS = Table(
    "kinds",
    "",
    "",
    (
        metric("share_percent", units.PERCENT),
        metric("used_bytes", units.BYTES),
        metric("energy_joules", units.JOULES, RollUp.LAST),
        metric("error_count", units.COUNT, RollUp.LAST),
        metric("reasons", units.BITS, RollUp.ANY),
        metric("name", units.TEXT, RollUp.LAST),
        metric("xid", units.NUMBER, RollUp.WORST),
    ),
)
MISSING = st.just(np.nan)
WHOLE = st.integers(0, 1 << 40).map(float)
CELLS = [
    st.floats(0, 1e6, width=32) | MISSING,
    WHOLE | MISSING,
    st.floats(0, 1e12) | MISSING,
    WHOLE | MISSING,
    st.integers(0, 1 << 45).map(float) | MISSING,
    st.integers(0, 2).map(float) | MISSING,
    st.sampled_from([13.0, 31.0, 48.0, 63.0, 79.0, 999.0]) | MISSING,
]


@st.composite
def arrivals(draw: st.DrawFn) -> Columns:
    """Rows of three devices within some minutes, with gaps, in any order of arrival."""
    keys = draw(
        st.lists(
            st.tuples(st.integers(0, 700), st.integers(0, 2)), unique=True, min_size=1, max_size=40
        )
    )
    count = len(keys)
    cells = [draw(arrays(np.float64, count, elements=kind, fill=st.nothing())) for kind in CELLS]
    return Columns(
        KINDS,
        np.array([START + 500 * half_second for half_second, _ in keys], np.int64),
        np.array([device for _, device in keys], np.int32),
        np.array(cells).T.reshape(count, -1),
        ["c", "a", "b"],
        {"name": ["x", "y", "z"]},
    )


@given(rows=arrivals(), bucket=st.sampled_from([10, 60, 300]))
@settings(max_examples=150, deadline=None)
def test_it_equals_pandas_on_the_raw_rows(rows: Columns, bucket: int) -> None:
    raw = to_arrow(rows, "node1").to_pandas()
    rolled = roll_up(rows, bucket, "node1").to_pandas()
    assert_same_rows(rolled, plain_aggregate(raw, KINDS, bucket), KINDS)


@given(rows=arrivals())
@settings(max_examples=30, deadline=None)
def test_the_order_of_arrival_does_not_matter(rows: Columns) -> None:
    backwards = rows.take(np.arange(len(rows))[::-1])
    one, other = (
        roll_up(r, 10, "node1").to_pandas().astype({"device": str}) for r in (rows, backwards)
    )
    pd.testing.assert_frame_equal(one, other, check_categorical=False)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_rolls_up_as_pandas_does(table: Table) -> None:
    rows = columns_of(table, 400)
    raw = to_arrow(rows, "node1").to_pandas()
    if len(table.keys) > 1:
        raw = raw.drop_duplicates(["time", *table.keys])
        assert len(raw) == len(rows)
    rolled = roll_up(rows, 60, "node1").to_pandas()
    assert_same_rows(rolled, plain_aggregate(raw, table, 60), table)


def test_processes_of_one_gpu_stay_apart() -> None:
    buffer = Buffer(PROCESS)
    for at in range(10):
        buffer.append(
            START + 1000 * at,
            [
                {"device": "d", "pid": 1, "name": "a", "sm_percent": 10.0},
                {"device": "d", "pid": 2, "name": "b", "sm_percent": 30.0},
            ],
        )
    rolled = roll_up(buffer.columns(), 10, "node1").to_pandas()
    assert rolled["pid"].tolist() == [1, 2]
    assert rolled["sm_percent"].tolist() == [10, 30]
    assert rolled["samples"].tolist() == [10, 10]


def test_a_spike_survives_and_a_missing_value_is_no_zero() -> None:
    buffer = Buffer(GPU)
    for at, watts in enumerate((100.0, None, 700.0, 100.0)):
        buffer.append(START + 1000 * at, [{"device": "d", "power_watts": watts}])
    (row,) = roll_up(buffer.columns(), 10, "node1").to_pylist()
    assert row["power_watts"] == 300.0
    assert (row["power_watts_min"], row["power_watts_max"]) == (100.0, 700.0)
    assert row["samples"] == 4
    assert row["temperature_celsius"] is None
    assert row["temperature_celsius_max"] is None


def test_a_bucket_without_rows_is_no_row() -> None:
    buffer = Buffer(GPU)
    for second in (0, 25):
        buffer.append(START + 1000 * second, [{"device": "d", "power_watts": 1.0}])
    rolled = roll_up(buffer.columns(), 10, "node1").to_pandas()
    assert (rolled["time"].astype("int64") - START).tolist() == [0, 20_000]


def test_bits_are_joined_and_missing_only_if_all_are() -> None:
    buffer = Buffer(GPU)
    for second, bits in ((0, 0x4), (1, None), (2, 0x20), (10, None)):
        buffer.append(START + 1000 * second, [{"device": "d", "clock_event_reasons": bits}])
    rolled = roll_up(buffer.columns(), 10, "node1")
    assert rolled.column("clock_event_reasons").to_pylist() == [0x24, None]
