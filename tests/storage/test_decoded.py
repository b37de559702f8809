"""Columns that were read lately are not read again, as long as they fit and are the same file's."""

import numpy as np
import pyarrow as pa

from monitor.storage.decoded import DecodedColumns


class Reader:
    """A file of two devices, two rows each, that counts what is read of it."""

    def __init__(self, rows: int = 4) -> None:
        self.rows = rows
        self.read: list[list[str]] = []

    def __call__(self, names: list[str]) -> pa.Table:
        self.read.append(list(names))
        half = self.rows // 2
        columns = {
            "time": pa.array(np.tile(np.arange(half) * 1000, 2), pa.timestamp("ms", "UTC")),
            "device": pa.array(["b"] * half + ["c"] * half).dictionary_encode(),
            "power_watts": pa.array([None, *range(1, self.rows)], pa.float32()),
            "index": pa.array(range(self.rows), pa.int64()),
        }
        return pa.table({name: columns[name] for name in names})


def test_each_column_is_read_once():
    kept, reader = DecodedColumns(), Reader()
    kept.get("file", ["power_watts"], reader)
    kept.get("file", ["power_watts"], reader)
    found = kept.get("file", ["power_watts", "index"], reader)
    assert reader.read == [["time", "device", "power_watts"], ["index"]]
    assert found.stretches == [("b", 0, 2), ("c", 2, 4)]
    assert found.times.tolist() == [0, 1000, 0, 1000]
    assert np.isnan(found.columns["power_watts"][0])
    assert found.columns["power_watts"].dtype == np.float32
    assert found.columns["index"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert found.columns["index"].dtype == np.float64


def test_another_file_is_read_for_itself():
    kept, reader = DecodedColumns(), Reader()
    kept.get("file", ["index"], reader)
    kept.get("the file that replaced it", ["index"], reader)
    assert len(reader.read) == 2


def test_what_was_used_least_lately_goes_when_there_is_no_room():
    reader = Reader(rows=1000)
    kept = DecodedColumns(most_bytes=40_000)  # two of these have room, three do not
    for key in ("first", "second", "first", "third"):
        kept.get(key, ["index"], reader)
    assert len(reader.read) == 3
    kept.get("first", ["index"], reader)
    assert len(reader.read) == 3
    kept.get("second", ["index"], reader)
    assert len(reader.read) == 4


def test_a_further_column_takes_no_more_room_than_it_has():
    reader = Reader(rows=1000)
    kept = DecodedColumns(most_bytes=40_000)  # of times and two columns 20,000, of another 16,000
    kept.get("first", ["index"], reader)
    kept.get("first", ["power_watts"], reader)
    kept.get("second", ["index"], reader)
    kept.get("first", ["index", "power_watts"], reader)
    assert len(reader.read) == 3


def test_without_any_room_nothing_is_kept():
    kept, reader = DecodedColumns(most_bytes=0), Reader()
    for _ in range(2):
        assert len(kept.get("file", ["index"], reader).times) == 4
    assert len(reader.read) == 2


def test_what_cannot_be_read_has_no_rows_and_is_tried_again():
    kept, reader = DecodedColumns(), Reader()
    broken = pa.table({"time": pa.array([], pa.timestamp("ms", "UTC")), "device": pa.array([])})
    found = kept.get("file", ["index"], lambda names: broken)
    assert (len(found.times), found.stretches, len(found.columns["index"])) == (0, (), 0)
    assert len(kept.get("file", ["index"], reader).times) == 4


def test_a_further_column_that_cannot_be_read_takes_none_of_the_others():
    kept, reader = DecodedColumns(), Reader()
    kept.get("file", ["index"], reader)
    broken = pa.table({"power_watts": pa.array([], pa.float32())})
    assert len(kept.get("file", ["power_watts"], lambda names: broken).times) == 0
    assert len(kept.get("file", ["index"], reader).times) == 4
    assert len(reader.read) == 1
