"""An export has each row once and the numbers of a chart, whatever its format and its length."""

from __future__ import annotations

import gc
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.metrics import GPU, TABLES, Table
from monitor.queries import export as exporting
from monitor.queries import formats
from monitor.queries.archive import Archive
from monitor.queries.export import export
from monitor.queries.formats import FORMATS, Format, file_name, written
from monitor.queries.live_rows import LiveRows
from monitor.queries.question import Question, question
from monitor.storage.buffer import Columns
from monitor.storage.folders import SUFFIX
from monitor.storage.history import History
from monitor.storage.parquet import PeriodFiles
from monitor.storage.rollup import roll_up
from monitor.storage.schema import to_arrow
from monitor.storage.tiers import Tier, parse_tiers
from tests.storage.made import START, columns_of

HOST = "a host"
TIERS = parse_tiers("1s:1d,10s:6h,1m:1d,5m:7d")
RAW, TEN, MINUTE, _ = TIERS
BEGIN, SECONDS = START // 3_600_000 * 3_600_000, 2 * 3600
NEWEST = 600


class Memory(LiveRows):
    """The newest rows, as a follower would have them."""

    def __init__(self, rows: dict[str, Columns]) -> None:
        super().__init__([])
        self.rows = rows

    def columns(self, table: Table, start: int) -> Columns:
        return self.rows[table.name]

    def reaches(self, table: Table, start: int) -> bool:
        return False


def recorded(table: Table, devices: int = 3) -> Columns:
    rows = columns_of(table, devices * SECONDS, devices=devices)
    return replace_times(rows, BEGIN + 1000 * (np.arange(len(rows)) // devices))


def replace_times(rows: Columns, times: np.ndarray) -> Columns:
    return replace(rows, times=times.astype(np.int64))


def write(files: PeriodFiles, rows: Columns, tier: Tier) -> None:
    """The files of a tier, an hour or a day each, without the newest rows."""
    old = rows.between(None, BEGIN + 1000 * (SECONDS - NEWEST))
    table = to_arrow(old, HOST) if tier.raw else roll_up(old, tier.seconds, HOST)
    times = table.column("time").cast(pa.int64()).to_numpy()
    for period in sorted({tier.period_of(int(time)) for time in times}):
        mine = np.array([tier.period_of(int(time)) == period for time in times])
        files.write(f"{files.folder(rows.table, tier)}/{period}{SUFFIX}", table.filter(mine))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = str(tmp_path_factory.mktemp("export"))
    files = PeriodFiles(folder, HOST, lambda: 0.0)
    live = {}
    for name in ("gpu", "process", "disk"):
        rows = recorded(TABLES[name])
        for tier in TIERS:
            write(files, rows, tier)
        live[name] = rows.between(BEGIN + 1000 * (SECONDS - 900))
    return Archive(History(folder, HOST), Memory(live), TIERS)


def asked(archive: Archive, name: str = "gpu", tier: str | None = "1s", **more: object) -> Question:
    return question(
        archive,
        TABLES[name],
        now=BEGIN + 1000 * SECONDS,
        start="-2h",
        resolution=tier,
        **more,  # type: ignore[arg-type]
    )


def content(archive: Archive, wanted: Question, kind: Format) -> bytes:
    return b"".join(piece.content for piece in written(export(archive, wanted), kind))


def frame(archive: Archive, wanted: Question, kind: Format) -> pd.DataFrame:
    """What a person has who opens the file, sorted by device and time."""
    file = content(archive, wanted, kind)
    if kind == "json":
        blocks = orjson.loads(file)["series"]
        found = pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True)
        found["time"] = pd.to_datetime(found["time"], unit="ms", utc=True)
    elif kind == "csv":
        found = pd.read_csv(io.BytesIO(file))
        found["time"] = pd.to_datetime(found["time"], format="ISO8601")
    elif kind == "parquet":
        found = pq.read_table(io.BytesIO(file)).to_pandas()
    else:
        found = pa.ipc.open_file(file).read_all().to_pandas()
    found["device"] = found["device"].astype(str)
    keys = ["device", "time", *(["pid"] if "pid" in found else [])]
    return found.sort_values(keys, kind="stable").reset_index(drop=True)


def same(ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str]) -> None:
    assert len(ours) == len(theirs) > 0
    assert (ours["time"].astype("int64") == theirs["time"].astype("int64")).all() or (
        ours["time"] == theirs["time"]
    ).all()
    assert ours["device"].tolist() == theirs["device"].tolist()
    for column in columns:
        mine, other = ours[column], theirs[column]
        assert mine.isna().tolist() == other.isna().tolist(), column
        present = mine.notna().to_numpy()
        if pd.api.types.is_numeric_dtype(other):
            kind = np.float64 if column == "energy_joules" else np.float32
            left, right = mine[present].to_numpy(kind), other[present].to_numpy(kind)
            np.testing.assert_array_equal(left, right, err_msg=column)
        else:
            assert mine[present].astype(str).tolist() == other[present].astype(str).tolist()


@pytest.mark.parametrize("tier", ["1s", "1m"])
@pytest.mark.parametrize("name", ["gpu", "disk", "process"])
@pytest.mark.parametrize("kind", ["json", "csv", "arrow"])
def test_every_format_has_the_same_numbers(
    archive: Archive, kind: Format, name: str, tier: str
) -> None:
    wanted = asked(archive, name, tier)
    reference = frame(archive, wanted, "parquet")
    columns = [column for column in reference if column not in ("time", "host", "device", "index")]
    same(frame(archive, wanted, kind), reference, columns)


@pytest.mark.parametrize("name", ["gpu", "process"])
def test_every_row_is_there_once_as_it_was_recorded(archive: Archive, name: str) -> None:
    rows = to_arrow(recorded(TABLES[name]), HOST).to_pandas()
    rows["device"] = rows["device"].astype(str)
    keys = ["device", "time", *(["pid"] if "pid" in rows else [])]
    rows = rows.sort_values(keys, kind="stable").reset_index(drop=True)
    found = frame(archive, asked(archive, name), "parquet")
    same(found, rows, list(TABLES[name].columns))
    assert set(found["host"].astype(str)) == {HOST}


@pytest.mark.parametrize("name", ["gpu", "process"])
def test_a_rolled_export_is_the_roll_up_of_all_rows(archive: Archive, name: str) -> None:
    rows = roll_up(recorded(TABLES[name]), 60, HOST).to_pandas()
    rows["device"] = rows["device"].astype(str)
    keys = ["device", "time", *(["pid"] if "pid" in rows else [])]
    rows = rows.sort_values(keys, kind="stable").reset_index(drop=True)
    found = frame(archive, asked(archive, name, "1m"), "parquet")
    assert list(found) == list(rows)
    same(found, rows, list(rows)[3:])


def test_fewer_points_have_the_numbers_of_a_chart(archive: Archive) -> None:
    wanted = asked(archive, tier="1s", max_points=50)
    series = archive.series(GPU, wanted.columns, wanted.start, wanted.end, tier=RAW, max_points=50)
    assert max(map(len, series.lines)) <= 50
    same(frame(archive, wanted, "parquet"), series.frame(), series.columns)
    assert export(archive, wanted).resolution == f"{series.step // 1000}s"


@pytest.mark.parametrize("cells", [10_000, 100_000])
def test_reading_in_smaller_parts_changes_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    wanted = asked(archive)
    whole = {kind: frame(archive, wanted, kind) for kind in ("json", "parquet")}
    monkeypatch.setattr(exporting, "_CELLS", cells)
    for kind, found in whole.items():
        same(frame(archive, wanted, kind), found, GPU_COLUMNS)


GPU_COLUMNS = [column for column in GPU.columns if column != "index"]


def test_only_the_devices_and_metrics_asked_for_come(archive: Archive) -> None:
    for name in ("gpu", "process"):
        column = TABLES[name].columns[4]
        wanted = asked(archive, name, metrics=[column], devices=["device 1"])
        found = frame(archive, wanted, "parquet")
        assert list(found) == ["time", "host", "device", column]
        assert set(found["device"]) == {"device 1"}


def test_parquet_and_arrow_keep_unit_and_label(archive: Archive) -> None:
    wanted = asked(archive, tier="1m", metrics=["power_watts"])
    parquet = pq.read_schema(io.BytesIO(content(archive, wanted, "parquet")))
    arrow = pa.ipc.open_file(content(archive, wanted, "arrow")).schema
    for schema in (parquet, arrow):
        assert schema.metadata[b"table"] == b"gpu"
        for column in ("power_watts", "power_watts_max"):
            metadata = schema.field(column).metadata
            assert (metadata[b"unit"], metadata[b"label"]) == (b"watts", b"GPU power")


def test_csv_times_are_utc_and_say_so(archive: Archive) -> None:
    header, first, *_ = content(archive, asked(archive), "csv").decode().splitlines()
    assert header.startswith('"time","host","device","index","utilization_percent"')
    assert first.startswith(f'"{pd.Timestamp(BEGIN, unit="ms").isoformat()}.000Z","a host",')


def test_duckdb_reads_the_same_from_csv_and_parquet(archive: Archive, tmp_path: Path) -> None:
    wanted = asked(archive, tier="1m", metrics=["power_watts"])
    sums = []
    for kind in ("csv", "parquet"):
        path = tmp_path / f"out.{kind}"
        path.write_bytes(content(archive, wanted, kind))  # type: ignore[arg-type]
        query = f"SELECT count(*), max(power_watts_max)::FLOAT, min(time) FROM '{path}'"
        sums.append(duckdb.sql(query).fetchall())
    assert sums[0] == sums[1]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_span_without_rows_is_a_whole_file_without_rows(archive: Archive, kind: Format) -> None:
    wanted = replace(asked(archive), devices=["nobody"])
    file = content(archive, wanted, kind)
    if kind == "json":
        assert orjson.loads(file)["series"] == []
    elif kind == "csv":
        assert len(file.splitlines()) == 1
    else:
        assert len(frame(archive, wanted, kind)) == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_done_grows_to_one(
    archive: Archive, kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (exporting, formats):
        monkeypatch.setattr(module, "_CELLS", 200_000)
    done = [piece.done for piece in written(export(archive, asked(archive)), kind)]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert len(set(done)) > 2


def test_a_name_says_what_is_in_the_file(archive: Archive) -> None:
    exported = export(archive, asked(archive, tier="1m"))
    begin = pd.Timestamp(BEGIN, unit="ms")
    end = begin + pd.Timedelta(hours=2)
    span = f"{begin:%Y-%m-%dT%H%MZ}-{end:%Y-%m-%dT%H%MZ}"
    assert file_name(exported, "csv") == f"gpu-{span}-1m.csv"


def days(folder: Path, count: int) -> Archive:
    """So many days of 5 m rows, the same each day, of eight devices."""
    files = PeriodFiles(str(folder), HOST, lambda: 0.0)
    tier = TIERS[3]
    rows = columns_of(GPU, 8 * 288, devices=8)
    for day in range(count):
        times = BEGIN // 86_400_000 * 86_400_000 + 86_400_000 * day
        moved = replace_times(rows, times + 300_000 * (np.arange(len(rows)) // 8))
        path = f"{files.folder(GPU, tier)}/{tier.period_of(times)}{SUFFIX}"
        files.write(path, roll_up(moved, 300, HOST), lasting=False)
    empty = rows.take(np.empty(0, np.int64))
    return Archive(History(str(folder), HOST), Memory({"gpu": empty}), TIERS)


def most_memory(archive: Archive, kind: Format) -> int:
    """The most bytes that Arrow, numpy and Python had at once while a file was made."""
    begin = BEGIN // 86_400_000 * 86_400_000
    end = begin + 86_400_000 * 400
    wanted = Question(GPU, GPU.columns, None, begin, end, TIERS[3], None)
    gc.collect()
    tracemalloc.start()
    arrow = 0
    before = pa.total_allocated_bytes()
    for _ in written(export(archive, wanted), kind):
        arrow = max(arrow, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak + arrow


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_long_export_takes_no_more_memory_than_a_short_one(
    tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A part is less than a day, so that both consist of many.
    for module in (exporting, formats):
        monkeypatch.setattr(module, "_CELLS", 100_000)
    short = most_memory(days(tmp_path / "short", 4), kind)
    long = most_memory(days(tmp_path / "long", 40), kind)
    assert long < 1.5 * short
