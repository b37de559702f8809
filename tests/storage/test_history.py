"""What a reader sees of the files, while a recorder writes, merges and deletes them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.storage.buffer import Buffer
from monitor.storage.history import History, columns_of
from monitor.storage.parquet import PeriodFiles
from monitor.storage.retention import merge_days
from monitor.storage.rollup import roll_up
from monitor.storage.tiers import parse_tiers
from tests.storage.hours import EVER, MINUTES, WATTS, watts, write
from tests.storage.made import GPU, HOUR, RAW, START, add, files_in, seconds, store_in
from tests.storage.made import StillClock as Clock

# --- which files ----------------------------------------------------------------------------


def test_only_files_and_row_groups_of_the_span_are_read(files, history) -> None:
    for hour in range(3):
        write(files, 3600 * hour, 3600 * hour + 10)
    assert watts(history) == [*range(10), *range(3600, 3610), *range(7200, 7210)]
    assert len(history.open(GPU, RAW, START + HOUR, START + 2 * HOUR)) == 1
    assert len(history.open(GPU, RAW, START + HOUR - 1, START + 2 * HOUR + 1)) == 3
    (file,) = history.open(GPU, RAW, START, START + HOUR)
    assert file.groups(START + 10_000, START + HOUR, None) == []
    assert file.groups(START + 9000, START + HOUR, ["GPU-a"]) == [0]
    assert file.groups(*EVER, ["GPU-c", "GPU-"]) == []
    assert file.last == START + 9000


def test_nothing_recorded_is_no_file_and_no_first_row(history) -> None:
    assert history.open(GPU, RAW, *EVER) == []
    assert history.first(GPU, RAW) is None


def test_the_first_row_is_that_of_the_oldest_file_or_since_a_moment(files, history) -> None:
    write(files, 3600, 3610)
    write(files, 120, 130)
    assert history.first(GPU, RAW) == START + 120_000
    assert history.first(GPU, RAW, START + 124_500) == START + 125_000
    assert history.first(GPU, RAW, START + 129_001) == START + HOUR
    assert history.first(GPU, RAW, START + HOUR + 9001) is None


def test_a_first_row_in_the_middle_of_a_long_file_is_found_behind_its_gap(files, history) -> None:
    rows = Buffer(GPU)
    for minute in (0, 1, 300, 301):
        rows.append(START + 60_000 * minute, [{"device": "d", "power_watts": 1.0}])
    path = files.path(GPU, MINUTES, MINUTES.period_of(START))
    files.write(path, roll_up(rows.columns(), 60, "node1"))
    assert history.first(GPU, MINUTES, START + 120_000) == START + 300 * 60_000


def test_a_day_that_has_been_merged_makes_its_hours_void(tmp_path, files, history) -> None:
    for hour in range(3):
        write(files, 3600 * hour, 3600 * hour + 10)
    before = watts(history)
    hours = {path: Path(path).read_bytes() for path in files.periods(GPU, RAW).values()}
    assert merge_days(files, parse_tiers("1s:3d"), START + 48 * HOUR) == 1
    assert len(history.open(GPU, RAW, *EVER)) == 1
    assert watts(history) == before
    for path, content in hours.items():  # as a kill in the middle of a merge leaves them
        Path(path).write_bytes(content)
    assert watts(history) == before
    assert watts(history, START + HOUR, START + HOUR + 5000) == before


@pytest.mark.parametrize("host", ["node 1/ü..x", "a=b%20c", "..", "höst", "x" * 60])
def test_a_host_of_any_name_is_found_where_the_recorder_put_it(tmp_path: Path, host: str) -> None:
    files = PeriodFiles(str(tmp_path), host, lambda: 0.0)
    write(files, 0, 3)
    write(files_in(tmp_path), 0, 5)
    assert watts(History(str(tmp_path), host)) == [0, 1, 2]
    assert len(watts(History(str(tmp_path), "node1"))) == 5


def test_a_folder_given_as_an_address_is_read_as_well(tmp_path: Path, files) -> None:
    write(files, 0, 3)
    history = History(f"file://{tmp_path}", "node1")
    assert watts(history) == [0, 1, 2]
    history._local = False  # as on any other file system
    assert watts(history) == [0, 1, 2]
    assert history.open(GPU, MINUTES, *EVER) == []


def test_other_things_in_the_folder_are_passed_over(files, history, caplog) -> None:
    folder = Path(write(files, 0, 3)).parent
    for name in (
        ".2026-11-24T14.parquet.7.writing",
        "_2026-11-24T13.parquet.broken-1",
        "x.parquet",
    ):
        (folder / name).write_bytes(b"PAR1")
    assert watts(history) == [0, 1, 2]
    assert not caplog.records


# --- broken and old files -------------------------------------------------------------------


def _no_bytes(content: bytes) -> bytes:
    return b""


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _no_footer(content: bytes) -> bytes:
    return content[:-20] + bytes(20)


def _bad_footer(content: bytes) -> bytes:
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return content[:begin] + bytes(150) + content[begin + 150 :]


def _bad_page(content: bytes) -> bytes:
    return content[:10] + bytes(byte ^ 255 for byte in content[10:300]) + content[300:]


@pytest.mark.parametrize("broken", [_no_bytes, _cut, _no_footer, _bad_footer, _bad_page])
def test_a_broken_file_is_passed_over_with_one_line_in_the_log(
    files, history, caplog, broken
) -> None:
    write(files, 0, 5)
    path = Path(write(files, 3600, 3605))
    write(files, 7200, 7205)
    path.write_bytes(broken(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert watts(history) == [*range(5), *range(7200, 7205)]
    assert [str(path) in record.getMessage() for record in caplog.records] == [True]
    write(files, 3600, 3605)
    assert len(watts(history)) == 15


def test_a_byte_that_the_disk_got_wrong_is_no_value(files, history, caplog) -> None:
    path = Path(write(files, 0, 5))
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = [group.column(at) for at in range(group.num_columns)]
    (chunk,) = [chunk for chunk in chunks if chunk.path_in_schema == "power_watts"]
    last = chunk.data_page_offset + chunk.total_compressed_size - 1
    content = bytearray(path.read_bytes())
    content[last] ^= 1
    path.write_bytes(content)
    assert watts(history) == []
    assert len(caplog.records) == 1


def test_a_folder_of_a_file_s_name_is_passed_over(files, history, caplog) -> None:
    write(files, 0, 5)
    folder = Path(files.folder(GPU, RAW))
    (folder / "2026-11-24T15.parquet").mkdir()
    assert watts(history) == [*range(5)]
    assert len(caplog.records) == 1


def test_a_file_without_statistics_is_passed_over(files, history, caplog) -> None:
    path = write(files, 0, 5)
    pq.write_table(pq.ParquetFile(path).read(), path, write_statistics=False)
    assert watts(history) == []
    assert "does not say which times" in caplog.text


def test_a_column_that_an_older_file_lacks_is_null(files, history) -> None:
    path = write(files, 0, 3)
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["power_watts"]), path)
    (file,) = history.open(GPU, RAW, *EVER)
    schema = columns_of(GPU, RAW, ("memory_used_bytes", "power_watts"))
    rows = file.read([0], schema)
    assert rows.schema.equals(schema)
    assert rows.column("power_watts").null_count == rows.num_rows == 6


def test_a_column_of_another_type_and_place_in_an_older_file_is_read(files, history) -> None:
    path = write(files, 0, 3)
    stored = pq.ParquetFile(path).read()
    at = stored.schema.get_field_index("power_watts")
    stored = stored.set_column(at, "power_watts", stored.column(at).cast(pa.float64()))
    pq.write_table(stored.select(list(reversed(stored.schema.names))), path)
    (file,) = history.open(GPU, RAW, *EVER)
    rows = file.read([0], WATTS)
    assert rows.schema.equals(WATTS)
    assert rows.column("power_watts").to_pylist() == [0, 1, 2, 0, 1, 2]


def test_what_a_store_flushed_is_read_whole(tmp_path: Path) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    add(store, seconds(0, 7300, 7))
    clock.ms = START + 7300_000
    store.flush()
    store.close()
    history = History(str(tmp_path / "data"), "node1")
    expected = 100.0 + np.arange(0, 7300, 7) % 3600
    assert watts(history) == expected.tolist()
    assert history.first(GPU, RAW) == START
