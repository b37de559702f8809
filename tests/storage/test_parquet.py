"""Period files: there whole or not at all, readable by others, moved aside when broken."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import TABLES, Table
from monitor.storage.buffer import Columns
from monitor.storage.flush import Flusher
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import raw_schema, to_arrow
from tests.storage.made import (
    GPU,
    PROCESS,
    RAW,
    START,
    TIERS,
    add,
    columns_of,
    files_in,
    seconds,
    stored,
    tick,
)

NAME = RAW.period_of(START)


def rows(first: int, last: int, value: float = 1.0) -> pa.Table:
    """GPU rows of one device, one a second, with the value as power."""
    count = last - first
    cells = np.full((count, len(GPU.metrics)), np.nan)
    cells[:, GPU.columns.index("power_watts")] = value
    times = START + 1000 * np.arange(first, last, dtype=np.int64)
    return to_arrow(Columns(GPU, times, np.zeros(count, np.int32), cells, ["d"], {}), "node1")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_path_is_table_tier_host_period(tmp_path: Path) -> None:
    path = files_in(tmp_path).path(GPU, RAW, NAME)
    assert path == f"{tmp_path}/gpu/tier=1s/host=node1/2026-11-24T14.parquet"


@pytest.mark.parametrize("host", ["a/b", "../up", "a b", "a=b", "a\\b"])
def test_a_host_cannot_leave_its_folder(host: str, tmp_path: Path) -> None:
    files = PeriodFiles(str(tmp_path), host, lambda: 0)
    files.write(files.path(GPU, RAW, NAME), rows(0, 3))
    (written,) = tmp_path.rglob("*.parquet")
    assert len(written.relative_to(tmp_path).parts) == 4
    assert written.parent.name.startswith("host=")
    assert written.parent.name.count("=") == 1


def test_rows_are_sorted_by_device_then_time(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    mixed = to_arrow(columns_of(GPU, 40, devices=4), "node1").take(
        pa.array(np.random.default_rng(0).permutation(40))
    )
    path = files.path(GPU, RAW, NAME)
    files.write(path, mixed)
    frame = pd.read_parquet(path, partitioning=None)
    expected = frame.astype({"device": str}).sort_values(["device", "time"], ignore_index=True)
    assert frame["device"].astype(str).tolist() == expected["device"].tolist()
    assert frame["time"].tolist() == expected["time"].tolist()


@pytest.mark.parametrize("mixed_in", [1, 3, 400], ids=["at the end", "between", "everywhere"])
def test_additions_are_sorted_in_with_their_values(mixed_in: int, tmp_path: Path) -> None:
    """Few runs of rows in order are slices of what there was, many are copied."""
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    whole = to_arrow(columns_of(GPU, 4800, devices=4), "node1")
    part = np.arange(4800) * mixed_in // 4800 % 2 == (mixed_in - 1) % 2
    for mask in (~part, part):
        files.add(path, whole.filter(pa.array(mask)), GPU.keys)
    stored_rows = files.read(path).to_pylist()
    assert stored_rows == sorted(whole.to_pylist(), key=lambda row: (row["device"], row["time"]))


def test_the_new_row_stands_where_both_have_one_key(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.add(path, rows(0, 10, 1.0), GPU.keys)
    files.add(path, rows(5, 15, 2.0), GPU.keys)
    frame = pd.read_parquet(path, partitioning=None)
    assert frame["power_watts"].tolist() == [1.0] * 5 + [2.0] * 10
    assert frame["time"].is_unique


def test_devices_of_one_tick_and_processes_of_one_device_are_not_one_key(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(PROCESS, RAW, NAME)
    for pid in (1, 2, 2):
        cells = np.full((1, len(PROCESS.metrics)), np.nan)
        cells[0, PROCESS.columns.index("pid")] = pid
        words = {m.column: [] for m in PROCESS.metrics if m.unit.storage == "text"}
        one = Columns(PROCESS, np.array([START]), np.zeros(1, np.int32), cells, ["d"], words)
        files.add(path, to_arrow(one, "node1"), PROCESS.keys)
    assert pd.read_parquet(path, partitioning=None)["pid"].tolist() == [1, 2]


@given(
    batches=st.lists(
        st.sets(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1), max_size=5
    )
)
@settings(max_examples=30, deadline=None)
def test_any_additions_are_the_union_of_which_the_last_counts(
    batches: list[set[tuple[int, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = files_in(tmp_path_factory.mktemp("union"))
    path = files.path(GPU, RAW, NAME)
    expected: dict[tuple[int, str], float] = {}
    for number, batch in enumerate(batches):
        keys = sorted(batch)
        cells = np.full((len(keys), len(GPU.metrics)), np.nan)
        cells[:, GPU.columns.index("power_watts")] = number
        added = Columns(
            GPU,
            np.array([START + 1000 * second for second, _ in keys], np.int64),
            np.array([device for _, device in keys], np.int32),
            cells,
            ["a", "b", "c"],
            {},
        )
        files.add(path, to_arrow(added, "node1"), GPU.keys)
        expected |= {(START + 1000 * second, "abc"[device]): number for second, device in keys}
    stored_rows = files.read(path)
    found = stored_rows.to_pylist() if stored_rows is not None else []
    assert {
        (round(row["time"].timestamp() * 1000), row["device"]): row["power_watts"] for row in found
    } == expected
    assert len(found) == len(expected)


def test_an_older_file_gains_the_columns_it_lacks(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, rows(0, 3).drop_columns(["xid_count"]))
    files.add(path, rows(3, 6), GPU.keys)
    assert files.read(path).schema.equals(raw_schema(GPU))


# --- broken files -------------------------------------------------------------------------------


def _in_a_page(whole: bytes) -> int:
    """A place among the last values of a file's first column; a page's header has no checksum."""
    if not whole.startswith(b"PAR1"):
        return 0
    column = pq.ParquetFile(pa.BufferReader(whole)).metadata.row_group(0).column(0)
    return int(column.data_page_offset + column.total_compressed_size - 8)


def broken_in_every_way(whole: bytes) -> dict[str, bytes]:
    flipped = bytearray(whole)
    flipped[_in_a_page(whole)] ^= 0xFF
    return {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "without its end": whole[:-8],
        "zeros": bytes(len(whole)),
        "text": b"hello",
        "a bit flipped": bytes(flipped),
    }


@pytest.mark.parametrize("kind", broken_in_every_way(b"x" * 9))
def test_a_broken_file_is_moved_aside_with_one_line_and_writing_goes_on(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = files_in(tmp_path)
    path = Path(files.path(GPU, RAW, NAME))
    files.write(str(path), rows(0, 5000, 5.0))
    content = broken_in_every_way(path.read_bytes())[kind]
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        files.add(str(path), rows(5000, 5003), GPU.keys)
    assert pq.read_table(path, partitioning=None).num_rows == 3
    (aside,) = [other for other in path.parent.iterdir() if other != path]
    assert aside.read_bytes() == content
    assert "20261124T140000Z" in aside.name
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert list(files.periods(GPU, RAW)) == [NAME]


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_a_bit_that_flipped_in_the_values_is_never_read_as_a_value(
    where: float, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Parquet's checksums cover a page's values, not the few bytes of its header."""
    folder = tmp_path_factory.mktemp("flipped")
    files = files_in(folder)
    path = Path(files.path(GPU, RAW, NAME))
    at = raw_schema(GPU).get_field_index("power_watts")
    power = pa.array(np.random.default_rng(0).random(500), pa.float32())
    files.write(str(path), rows(0, 500).set_column(at, raw_schema(GPU).field(at), power))
    chunk = pq.read_metadata(path).row_group(0).column(at)
    content = bytearray(path.read_bytes())
    values = chunk.total_compressed_size - 100  # its header is shorter than that
    assert values > 1000
    content[chunk.data_page_offset + 100 + int(where * values)] ^= 1 << bit
    path.write_bytes(content)
    assert files.read(str(path)) is None


def test_pieces_are_the_files_rows(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    assert list(files.pieces(path)) == []
    files.write(path, rows(0, 9000))
    pieces = list(files.pieces(path))
    assert len(pieces) > 1
    assert pa.concat_tables(pieces).equals(files.read(path))


def test_pieces_of_a_broken_file_end_and_it_is_moved_aside(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = Path(files.path(GPU, RAW, NAME))
    files.write(str(path), rows(0, 9000))
    for content in broken_in_every_way(path.read_bytes()).values():
        path.write_bytes(content)
        assert sum(piece.num_rows for piece in files.pieces(str(path))) < 9000
        assert not path.exists()


def test_a_file_that_is_not_there_is_none_and_not_an_error(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    assert files.read(files.path(GPU, RAW, NAME)) is None
    assert files.periods(GPU, RAW) == {}
    files.delete(files.path(GPU, RAW, NAME))


# --- atomic -------------------------------------------------------------------------------------


def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, rows(0, 100, 1.0))
    with pq.ParquetFile(path) as opened:
        files.write(path, rows(0, 200, 2.0))
        assert opened.read().column("power_watts").to_pylist() == [1.0] * 100
    assert files.read(path).num_rows == 200


def test_a_failed_write_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, rows(0, 10))
    before = Path(path).read_bytes()
    bad = pa.table({"device": pa.array(["a"]), "time": [1], "x": [{"not": "stored"}]})
    with pytest.raises((pa.ArrowException, OSError, TypeError)):
        files.write(path, bad)
    assert Path(path).read_bytes() == before
    assert names(tmp_path) == [f"{NAME}.parquet"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    Path(path).parent.mkdir(parents=True)
    (Path(path).parent / f".{NAME}.parquet.{os.getpid()}.writing").symlink_to("/dev/full")
    with pytest.raises(OSError, match="space left"):
        files.write(path, rows(0, 10))
    assert names(tmp_path) == []


def test_what_a_dead_writer_left_is_seen_by_nobody_and_swept(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, rows(0, 10))
    stray = Path(f"{path}.4711.writing")
    stray.write_bytes(b"PAR1 and no more")
    assert list(files.periods(GPU, RAW)) == [NAME]
    assert [p.name for p in tmp_path.rglob("*.parquet")] == [f"{NAME}.parquet"]
    files.sweep(GPU, RAW)
    assert names(tmp_path) == [f"{NAME}.parquet"]


# --- encoding -----------------------------------------------------------------------------------


def hour(devices: int) -> pa.Table:
    count = 3600 * devices
    random = np.random.default_rng(0)
    cells = np.full((count, len(GPU.metrics)), np.nan)
    at = GPU.columns.index
    cells[:, at("power_watts")] = random.normal(300, 50, count)
    cells[:, at("graphics_clock_mhz")] = random.choice([345.0, 1965.0, 1980.0], count)
    cells[:, at("memory_used_bytes")] = 1 << 30
    cells[:, at("xid_count")] = np.arange(count)
    times = START + 1000 * np.repeat(np.arange(3600, dtype=np.int64), devices)
    codes = np.tile(np.arange(devices, dtype=np.int32), 3600)
    names = [f"GPU-{n}" for n in range(devices)]
    return to_arrow(Columns(GPU, times, codes, cells, names, {}), "node1")


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> pq.FileMetaData:
    files = files_in(tmp_path_factory.mktemp("encoded"))
    path = files.path(GPU, RAW, NAME)
    files.write(path, hour(2))
    return pq.read_metadata(path)


@pytest.mark.parametrize(
    ("column", "encoding"),
    [
        ("time", "DELTA_BINARY_PACKED"),
        ("device", "RLE_DICTIONARY"),
        ("host", "RLE_DICTIONARY"),
        ("power_watts", "BYTE_STREAM_SPLIT"),
        ("graphics_clock_mhz", "RLE_DICTIONARY"),
        ("memory_used_bytes", "RLE_DICTIONARY"),
        ("xid_count", "DELTA_BINARY_PACKED"),
    ],
)
def test_a_column_has_the_encoding_that_suits_it(
    metadata: pq.FileMetaData, column: str, encoding: str
) -> None:
    group = metadata.row_group(0)
    chunks = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert encoding in chunks[column].encodings
    assert chunks[column].compression == "ZSTD"


@pytest.mark.parametrize(
    ("hours", "groups"), [(1, [7200]), (3, [10_800, 10_800]), (0, [])], ids=["1 h", "3 h", "none"]
)
def test_a_device_has_a_row_group_of_its_own_where_it_has_ten_thousand_rows(
    hours: int, groups: list[int], tmp_path: Path
) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, pa.concat_tables([hour(2)] * hours) if hours else hour(2).slice(0, 0))
    read = pq.read_metadata(path)
    found = [read.row_group(n).num_rows for n in range(read.num_row_groups)]
    assert [rows for rows in found if rows] == groups


# --- others read it -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of every tier, as a recorder writes them."""
    data = tmp_path_factory.mktemp("data")
    flusher = Flusher(files_in(data), TIERS)
    add(flusher, seconds(0, 7200, 30))
    flusher.flush(START + 7_300_000)
    return data


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_pandas_reads_a_tier_with_its_keys(folder: Path, tier: object) -> None:
    frame = pd.read_parquet(folder / "gpu" / f"tier={tier.name}")
    assert set(frame["host"].astype(str)) == {"node1"}
    assert set(frame["device"].astype(str)) == {"GPU-a", "GPU-b"}
    assert str(frame["time"].dt.tz) == "UTC"


def test_pandas_reads_all_tiers_of_a_table_and_tells_them_apart(folder: Path) -> None:
    frame = pd.read_parquet(folder / "gpu")
    assert set(frame["tier"].astype(str)) == {tier.name for tier in TIERS}
    one_hour = frame[frame["tier"].astype(str) == "1h"]
    assert one_hour.groupby("device", observed=True).size().tolist() == [2, 2]


@pytest.mark.parametrize("table", [TABLES[n] for n in ("gpu", "process")], ids=lambda t: t.name)
def test_duckdb_reads_what_pandas_reads(folder: Path, table: Table) -> None:
    with duckdb.connect() as duck:
        counted = duck.sql(
            f"SELECT tier, host, count(*) AS n, min(time) AS first FROM read_parquet("
            f"'{folder}/{table.name}/tier=*/host=*/*.parquet', hive_partitioning = true, "
            "union_by_name = true) GROUP BY ALL"
        ).fetchall()
    files = files_in(folder)
    assert {(tier, n) for tier, _, n, _ in counted} == {
        (tier.name, len(stored(files, table, tier))) for tier in TIERS
    }
    assert {host for _, host, _, _ in counted} == {"node1"}
    assert all(round(first.timestamp() * 1000) == START for *_, first in counted)


def test_energy_by_gpu_in_one_line_of_sql(folder: Path) -> None:
    """What the README promises of the files."""
    with duckdb.connect() as duck:
        ((peak,),) = duck.sql(
            f"SELECT max(power_watts_max) FROM '{folder}/gpu/tier=1m/*/*.parquet'"
        ).fetchall()
    assert peak == max(row["power_watts"] for t in seconds(0, 3600, 30) for row in tick(t)["gpu"])


@pytest.mark.parametrize("left", ["temporary", "broken"])
def test_a_folder_can_be_read_whole_beside_what_is_not_for_readers(
    left: str, tmp_path: Path
) -> None:
    files = files_in(tmp_path)
    path = files.path(GPU, RAW, NAME)
    files.write(path, rows(0, 10))
    if left == "broken":
        other = files.path(GPU, RAW, RAW.period_of(START + 3_600_000))
        Path(other).write_bytes(b"not Parquet")
        assert files.read(other) is None
    else:
        (Path(path).parent / f".{Path(path).name}.{os.getpid()}.writing").write_bytes(
            b"PAR1 and no more"
        )
    assert len(pd.read_parquet(tmp_path / "gpu")) == 10


def test_rolled_rows_carry_how_many_they_were_made_of(folder: Path) -> None:
    frame = stored(files_in(folder), GPU, TIERS[-1])
    assert frame["samples"].tolist() == [120] * 4
    assert roll_up(columns_of(GPU, 8), 60, "n").column("samples").to_pylist() == [4, 4]
