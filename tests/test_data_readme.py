"""What data/README.md says of the files holds, recipe by recipe."""

import re
import shlex
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from monitor.__main__ import main
from monitor.settings import Settings
from monitor.sources.base import Rows
from monitor.storage.store import Store
from monitor.storage.tiers import parse_tiers
from tests.fakes import FakeClock

README = (Path(__file__).parents[1] / "data/README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
SQL = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
NOON = 1_763_985_600  # 2025-11-24T12:00Z


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
        (folder / "2025-11-24T09.parquet.17.writing").write_bytes(b"PAR1")
        (folder / "2025-11-24T08.parquet.broken-20251124T080000Z").write_bytes(b"")


@pytest.fixture
def names() -> dict[str, Any]:
    """What all recipes in Python, run one after another, leave."""
    left: dict[str, Any] = {}
    for recipe in PYTHON:
        exec(recipe, left)
    return left


def test_the_pandas_recipes_hold(names: dict[str, Any]) -> None:
    assert names["peaks"].to_dict() == {"GPU-a": 700.0, "GPU-b": 250.0}
    # 90 s before the restart, and what was counted since.
    assert names["kwh"]["GPU-a"] == pytest.approx(100 * 178 / 3.6e6)
    assert names["kwh"]["GPU-b"] == pytest.approx(250 * 179 / 3.6e6)


def test_the_duckdb_recipes_hold() -> None:
    hottest, beside, _ = (duckdb.sql(query).fetchall() for query in SQL)
    assert hottest == [("GPU-a", 62.0, 50.0), ("GPU-b", None, None)]
    assert [row[1:] for row in beside] == [
        (950.0 if at == 30 else 350.0, 12.5) for at in range(180)
    ]


SPAN = ["time", "device", "power_watts", "power_watts_max"]
# The spike is in the first of two minutes.
EXPECTED = [
    ("GPU-a", 0, 110.0, 700.0),
    ("GPU-a", 1, 100.0, 100.0),
    ("GPU-b", 0, 250.0, 250.0),
    ("GPU-b", 1, 250.0, 250.0),
]


def plain(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """The rows of the span, with numbers as they are."""
    frame = frame[SPAN].sort_values(["device", "time"])
    times = pd.to_datetime(frame["time"], utc=True)
    minutes = (
        (times - pd.Timestamp(NOON - 60, unit="s", tz="UTC")) // pd.Timedelta("1min")
    ).tolist()
    devices = frame["device"].astype(str)
    watts = (frame[column].astype("float64").tolist() for column in SPAN[2:])
    return list(zip(devices, minutes, *watts, strict=True))


def test_a_span_has_identical_numbers_everywhere(names: dict[str, Any]) -> None:
    found = {
        "open_store": plain(names["span"]),
        "pandas": plain(names["minutes"]),
        "polars": plain(pd.DataFrame(names["in_polars"].to_dict(as_series=False))),
        "duckdb": plain(duckdb.sql(SQL[2]).df()),
    }
    (command,) = SHELL
    _, _, module, *arguments = shlex.split(command)
    assert module == "monitor"
    assert main(arguments) == 0
    found["export"] = plain(pd.read_csv("power.csv"))
    for program, rows in found.items():
        assert rows == EXPECTED, program


def test_open_store_has_the_columns_that_are_named(names: dict[str, Any]) -> None:
    columns = ["time", "device", "power_watts", "power_watts_min", "power_watts_max", "samples"]
    assert list(names["span"]) == columns


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
