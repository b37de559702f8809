"""A tier of too many points is rolled up as it is read: no spike is lost, nothing is invented."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import TABLES, RollUp
from tests.queries.recorded import COLUMNS, GPU, METRICS, Recording, answered, assert_answer, plain
from tests.storage.made import HOUR, START

TIERS = "1s:10d,10s:10d,1m:30d,1h:2y"
WATTS = ["power_watts"]


def readings(seed: int, count: int, missing: float) -> list[list[dict[str, object]]]:
    random = np.random.default_rng(seed)

    def reading() -> dict[str, object]:
        values = {
            "memory_used_bytes": int(random.integers(1 << 40)),
            "power_watts": float(random.integers(8000) / 8),
            "energy_joules": float(random.integers(1 << 40)),
            "clock_event_reasons": int(1 << random.integers(8)),
            "xid_count": int(random.integers(99)),
        }
        return {name: value for name, value in values.items() if random.random() >= missing}

    return [[reading() for _ in range(random.integers(3))] for _ in range(count)]


def by_samples(fine: pd.DataFrame, step: int) -> pd.DataFrame:
    """Rolled rows of a finer step as rows of this one: a mean counts by its samples."""
    rows = fine.reset_index()
    rows["time"] = rows["time"] // step * step
    groups = rows.groupby(["device", "time"])
    found: dict[str, pd.Series] = {}
    for name in (metric.column for metric in METRICS if metric.roll_up is RollUp.MEAN):
        weight = rows["samples"].where(rows[name].notna(), 0)
        keys = [rows["device"], rows["time"]]
        total = (rows[name].astype("float64") * weight).groupby(keys).sum()
        found[name] = total / weight.groupby(keys).sum()
        found[f"{name}_min"] = groups[f"{name}_min"].min()
        found[f"{name}_max"] = groups[f"{name}_max"].max()
    return pd.DataFrame({**found, "samples": groups["samples"].sum()})


@given(
    seed=st.integers(0, 1 << 30),
    runs=st.lists(
        st.tuples(st.integers(1, 90), st.integers(0, 400), st.booleans()), min_size=1, max_size=5
    ),
    missing=st.sampled_from([0.0, 0.0, 0.3, 0.9]),
    most=st.integers(2, 40),
    before=st.integers(0, 100),
)
@settings(max_examples=40, deadline=None)
def test_fewer_points_are_what_pandas_makes_of_all(seed, runs, missing, most, before) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording(Path(folder), TIERS, start=START + HOUR - 60_000)
        for at, (count, gap, flush) in enumerate(runs):
            for ticked in readings(seed + at, count, missing):
                recording.tick(*ticked)
            recording.clock.ms += 1000 * gap
            if flush:
                recording.flush()
        archive, raw = recording.archive(), recording.raw()
        start, end = START + HOUR - 60_000 - 1000 * before, recording.newest + 1
        for tier in recording.tiers:
            found = archive.series(GPU, COLUMNS, start, end, tier=tier, max_points=most)
            assert all(len(line) <= most for line in found.lines)
            fine = tier.seconds * 1000
            if found.step == fine and tier.raw:
                continue
            assert found.start == start // found.step * found.step
            last = -(-end // found.step) * found.step
            expected = plain(raw, found.step, start, last)
            exact = tier.raw or missing == 0 or found.step == fine
            means = [m.column for m in METRICS if m.roll_up is RollUp.MEAN]
            others = [name for name in expected.columns if name not in means]
            assert_answer(found, expected, None if exact else others, within=0 if tier.raw else 1)
            if found.step > fine and not tier.raw and found.lines:
                whole = archive.series(GPU, COLUMNS, found.start, last, tier=tier, max_points=None)
                assert_answer(found, by_samples(answered(whole), found.step), means, within=1)
        recording.store.close()


def test_a_spike_and_a_gap_survive_the_coarsest_of_answers(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked([100.0] * 100 + [900.0] + [100.0] * 99)
    recording.clock.ms += 600_000
    recording.ticked([None] * 100)
    found = recording.archive().series(
        GPU, WATTS, START, START + 900_000, tier=recording.tiers[0], max_points=9
    )
    assert (found.step, found.rolled) == (120_000, True)
    (line,) = found.lines
    assert line.columns["power_watts_max"].tolist()[:2] == [900.0, 100.0]
    assert ((line.times - START) // 120_000).tolist() == [0, 1, 6, 7]
    assert np.isnan(line.columns["power_watts"][2:]).all()
    assert line.columns["samples"].tolist() == [120, 80, 40, 60]


def test_a_step_that_is_asked_for_is_kept_to(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.ticked(np.arange(60.0))
    found = recording.archive().series(
        GPU, WATTS, START + 5000, START + 45_000, tier=recording.tiers[0], step=30_000
    )
    assert (found.step, found.start) == (30_000, START)
    assert found.lines[0].columns["power_watts"].tolist() == [14.5, 44.5]


def test_numbers_are_as_precise_in_memory_as_in_the_file(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.tick({"power_watts": 1 / 3, "energy_joules": 1 / 3, "memory_used_bytes": 5})
    (live,) = recording.archive().series(GPU, COLUMNS, START, START + 1).lines
    recording.flush()
    (stored,) = recording.archive(follows=False).series(GPU, COLUMNS, START, START + 1).lines
    for line in (live, stored):
        assert {name: column.dtype.name for name, column in line.columns.items()} == {
            "memory_used_bytes": "float64",
            "power_watts": "float32",
            "energy_joules": "float64",
            "clock_event_reasons": "float64",
            "xid_count": "float64",
        }
        assert line.columns["power_watts"][0] == np.float32(1 / 3)
        assert line.columns["energy_joules"][0] == 1 / 3


# --- what is asked for ------------------------------------------------------------------------


def test_only_the_devices_and_columns_asked_for_are_answered_in_the_catalogue_s_order(
    tmp_path: Path,
) -> None:
    recording = Recording(tmp_path)
    for flush in (True, False):
        for _ in range(3):
            recording.tick(*({"power_watts": float(gpu)} for gpu in range(3)))
        if flush:
            recording.flush()
    archive = recording.archive(follows=False)

    def ask(columns: list[str], devices: list[str] | None):
        return archive.series(GPU, columns, START, START + 6000, devices=devices)

    asked = ask(["xid_count", "power_watts"], ["GPU-2", "GPU-0", "GPU-9"])
    assert [(line.device, len(line)) for line in asked.lines] == [("GPU-0", 6), ("GPU-2", 6)]
    assert asked.columns == ["power_watts", "xid_count"]
    frame = asked.frame()
    assert frame.columns.tolist() == ["time", "device", "power_watts", "xid_count"]
    assert frame["power_watts"].tolist() == [0.0] * 6 + [2.0] * 6
    assert str(frame["time"].dtype) == "datetime64[ms, UTC]"
    assert len(ask(WATTS, None).lines) == 3
    assert ask(WATTS, []).lines == []
    assert len(ask(WATTS, []).frame()) == 0
    assert ask([], None).columns == []
    with pytest.raises(KeyError, match=r"gpu\.watts"):
        ask(["watts"], None)


def test_processes_are_no_lines(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="several rows of one device"):
        Recording(tmp_path).archive().series(TABLES["process"], ["sm_percent"], START, START + 1)


def test_a_broken_file_whose_rows_are_in_memory_leaves_no_hole(tmp_path: Path, caplog) -> None:
    recording = Recording(tmp_path)
    recording.ticked([1.0] * 30)
    recording.flush()
    (path,) = (tmp_path / "data/gpu/tier=1s").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[10:300] = bytes(290)
    path.write_bytes(content)
    ask = (GPU, WATTS, START - 3 * HOUR, START + HOUR)
    found = recording.archive().series(*ask, tier=recording.tiers[0], max_points=None)
    assert [len(line) for line in found.lines] == [30]
    assert str(path) in caplog.text
