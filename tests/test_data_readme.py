"""What data/README.md says of the files holds, recipe by recipe."""

import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from monitor.settings import Settings
from monitor.sources.base import Rows
from monitor.storage.store import Store
from monitor.storage.tiers import parse_tiers
from tests.fakes import FakeClock

README = (Path(__file__).parents[1] / "data/README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SQL = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
NOON = 1_795_521_600


def readings(second: int) -> Rows:
    """Two GPUs: one at 100 W with a peak of 700 W, whose driver restarts; one at 250 W."""
    used = 100.0 * second
    return {
        "gpu": [
            {
                "device": "GPU-a",
                "power_watts": 700.0 if second == 30 else 100.0,
                "energy_joules": used if second < 90 else used - 9000.0,
                "temperature_celsius": 60 + second % 3,
                "utilization_percent": 50.0,
            },
            {"device": "GPU-b", "power_watts": 250.0, "energy_joules": 250.0 * second},
        ],
        "host": [{"device": "host", "cpu_percent": 12.5}],
        "recorder": [{"device": "host", "missed_count": 0}],
    }


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that a recorder has just written, across the end of an hour."""
    monkeypatch.chdir(tmp_path)
    clock = FakeClock(NOON - 60)
    store = Store(Settings(state_dir=tmp_path / "state"), clock)
    for second in range(180):
        store.add(round(clock.wall() * 1000), readings(second))
        clock.run(1)
    clock.run(5)
    store.flush()
    store.close()
    # What a kill and a broken disk leave beside the files.
    for folder in tmp_path.glob("data/*/*/*"):
        (folder / "2026-11-24T09.parquet.17.writing").write_bytes(b"PAR1")
        (folder / "2026-11-24T08.parquet.broken-20261124T080000Z").write_bytes(b"")


def test_the_pandas_recipes_hold() -> None:
    names: dict[str, pd.Series] = {}
    for recipe in PYTHON:
        exec(recipe, names)
    assert names["peaks"].to_dict() == {"GPU-a": 700.0, "GPU-b": 250.0}
    # 90 s before the restart, and what was counted since.
    assert names["kwh"]["GPU-a"] == pytest.approx(100 * 178 / 3.6e6)
    assert names["kwh"]["GPU-b"] == pytest.approx(250 * 179 / 3.6e6)


def test_the_duckdb_recipes_hold() -> None:
    hottest, beside = (duckdb.sql(query).fetchall() for query in SQL)
    assert hottest == [("GPU-a", 62.0, 50.0), ("GPU-b", None, None)]
    assert [row[1:] for row in beside] == [
        (950.0 if at == 30 else 350.0, 12.5) for at in range(180)
    ]


def test_each_path_is_as_described() -> None:
    line = r"data/\w+/tier=\w+/host=[\w.-]+/(\d{4}-\d\d(-\d\d(T\d\d)?)?)\.parquet"
    files = [path.as_posix() for path in Path("data").rglob("*.parquet")]
    periods = {}
    for file in files:
        match = re.fullmatch(line, file)
        assert match, file
        periods[file.split("tier=")[1].split("/")[0]] = len(match[1])
    assert periods == {"1s": 13, "10s": 13, "1m": 10, "5m": 10, "15m": 7, "1h": 7}


def test_each_tier_is_named_in_both_readmes() -> None:
    main = (Path(__file__).parents[1] / "README.md").read_text()
    for tier in parse_tiers(Settings().tiers):
        assert f"`{tier.name}`" in README
        assert f"| `{tier.name}` |" in main
