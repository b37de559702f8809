"""Every column of the catalogue, to a file and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.metrics import TABLES, Metric, RollUp, Table
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.rollup import roll_up
from monitor.storage.schema import SCHEMA_VERSION, from_arrow, raw_schema, rolled_schema, to_arrow
from tests.storage.made import GPU, RAW, START, columns_of, files_in

each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
each_metric = pytest.mark.parametrize(
    ("table", "metric"),
    [(table, metric) for table in TABLES.values() for metric in table.metrics],
    ids=[f"{t.name}.{m.column}" for t in TABLES.values() for m in t.metrics],
)
ARROW = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "text": pa.dictionary(pa.int32(), pa.string()),
}


@each_table
def test_files_begin_with_the_keys_and_say_what_they_are(table: Table) -> None:
    for schema in (raw_schema(table), rolled_schema(table)):
        assert schema.names[:3] == ["time", "host", "device"]
        assert schema.field("time").type == pa.timestamp("ms", "UTC")
        assert schema.metadata[b"schema_version"] == SCHEMA_VERSION.encode()
        assert schema.metadata[b"table"] == table.name.encode()


@each_table
def test_a_raw_file_has_the_columns_of_the_catalogue_in_its_order(table: Table) -> None:
    assert raw_schema(table).names[3:] == [metric.column for metric in table.metrics]


@each_metric
def test_a_column_has_the_type_of_its_unit(table: Table, metric: Metric) -> None:
    field = raw_schema(table).field(metric.column)
    assert field.type == ARROW[metric.unit.storage]
    assert field.metadata[b"unit"] == metric.unit.name.encode()
    assert field.metadata[b"label"] == metric.label.encode()
    assert field.nullable


@each_metric
def test_a_rolled_file_has_mean_lowest_and_highest_or_one_value(
    table: Table, metric: Metric
) -> None:
    names = set(rolled_schema(table).names)
    extremes = {f"{metric.column}_min", f"{metric.column}_max"}
    assert metric.column in names
    assert (extremes <= names) == (metric.roll_up is RollUp.MEAN)
    assert extremes <= names or not extremes & names
    for name in {metric.column, *extremes} & names:
        assert rolled_schema(table).field(name).type == ARROW[metric.unit.storage]


@each_table
def test_samples_stands_in_rolled_files_only(table: Table) -> None:
    assert rolled_schema(table).names[-1] == "samples"
    assert "samples" not in raw_schema(table).names


@each_metric
def test_a_value_survives_the_file(table: Table, metric: Metric, tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(table, RAW, RAW.period_of(START))
    values = ["a", None, "ä b"] if metric.unit.storage == "text" else [0, None, 3]
    buffer = Buffer(table)
    for at, value in enumerate(values):
        buffer.append(START + 1000 * at, [{"device": "d", metric.column: value}])
    files.write(path, to_arrow(buffer.columns(), "node1"))
    frame = pd.read_parquet(path, partitioning=None)
    assert [None if pd.isna(v) else v for v in frame[metric.column]] == values
    others = [c for c in table.columns if c != metric.column]
    assert frame[others].isna().all(axis=None)
    back = from_arrow(files.read(path), table)
    cells = back[metric.column]
    assert np.isnan(cells).tolist() == [value is None for value in values]
    if metric.unit.storage == "text":
        assert [back.words[metric.column][int(c)] for c in cells[[0, 2]]] == ["a", "ä b"]
    else:
        assert cells[[0, 2]].tolist() == [0, 3]


@each_table
def test_rows_come_back_as_they_went(table: Table) -> None:
    rows = columns_of(table, 50)
    back = from_arrow(to_arrow(rows, "node1"), table)
    pd.testing.assert_frame_equal(
        back.frame().astype({"device": str}),
        rows.frame().astype({"device": str}),
        check_categorical=False,
        rtol=1e-7,
    )


def test_no_rows_are_a_table_too() -> None:
    none = Buffer(GPU).columns()
    assert to_arrow(none, "node1").num_rows == 0
    assert len(from_arrow(to_arrow(none, "node1"), GPU)) == 0
    assert roll_up(none, 60, "node1").schema == rolled_schema(GPU)


def test_what_an_older_file_lacks_is_missing_and_what_it_has_more_is_left() -> None:
    rows = columns_of(GPU, 10)
    older = to_arrow(rows, "node1").drop_columns(["xid_count"])
    older = older.append_column("withdrawn_percent", pa.nulls(10, pa.float32()))
    back = from_arrow(older, GPU)
    assert np.isnan(back["xid_count"]).all()
    np.testing.assert_array_equal(back["index"], rows["index"])


def test_energy_keeps_its_millijoules_for_years() -> None:
    """As float32 it would lose whole joules within a day."""
    ten_years = 700.0 * 86_400 * 3650 + 0.125
    at = GPU.columns.index("energy_joules")
    cells = np.full((1, len(GPU.metrics)), np.nan)
    cells[0, at] = ten_years
    rows = Columns(GPU, np.array([START]), np.zeros(1, np.int32), cells, ["d"], {})
    assert to_arrow(rows, "n").column("energy_joules")[0].as_py() == ten_years


def test_the_mean_of_whole_numbers_is_whole() -> None:
    buffer = Buffer(GPU)
    for at, used in enumerate((10, 11, 11)):
        buffer.append(START + 1000 * at, [{"device": "d", "memory_used_bytes": used}])
    rolled = roll_up(buffer.columns(), 10, "node1")
    assert rolled.column("memory_used_bytes").to_pylist() == [11]


def test_text_written_by_others_as_plain_strings_is_read(tmp_path: Path) -> None:
    process = TABLES["process"]
    arrow = to_arrow(columns_of(process, 6), "node1")
    plain = arrow.set_column(
        arrow.schema.get_field_index("device"), "device", arrow.column("device").cast(pa.string())
    )
    pq.write_table(plain, tmp_path / "f.parquet", store_schema=False)
    back = from_arrow(pq.read_table(tmp_path / "f.parquet", partitioning=None), process)
    assert [back.devices[code] for code in back.device_codes] == plain["device"].to_pylist()
