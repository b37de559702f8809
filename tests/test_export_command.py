"""`python -m monitor export` writes a whole file or none, and refuses in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor import open_store
from monitor.__main__ import main
from monitor.export_command import export_command
from monitor.settings import Settings
from monitor.sources.base import DeviceState, Rows
from monitor.storage.store import Store
from tests.fakes import FakeClock

NOON = 1_763_985_600
SPAN = ["--start", "2025-11-24T12:00Z", "--end", "2025-11-24T12:03Z"]


def readings(second: int) -> Rows:
    return {
        "gpu": [
            {"device": "GPU-a", "index": 0, "power_watts": 100.0 + second},
            {"device": "GPU-b", "index": 1, "power_watts": 250.0},
        ],
        "disk": [{"device": "/mnt/a, b", "used_bytes": 7}],
        "process": [
            {"device": "GPU-a", "pid": pid, "command": f'run "{pid}"', "cpu_percent": 1.0}
            for pid in (11, 12)
        ],
        "recorder": [{"device": "host", "missed_count": 0}],
    }


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two minutes in files and one in live.db."""
    monkeypatch.chdir(tmp_path)
    clock = FakeClock(NOON)
    store = Store(Settings(), clock)
    for second in range(180):
        if second == 120:
            store.flush()
        store.add(round(clock.wall() * 1000), readings(second))
        clock.run(1)
    store.journals.put_devices([DeviceState("gpu", "GPU-a", facts={"index": 0})])
    store.close()


def exported(*arguments: str, status: int = 0) -> None:
    assert export_command([*SPAN, *arguments]) == status


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "json"])
def test_the_format_is_the_files_own(kind: str) -> None:
    exported("--resolution", "1s", "--metrics", "power_watts", "--gpu", "0", f"out.{kind}")
    path = Path(f"out.{kind}")
    if kind == "json":
        (line,) = orjson.loads(path.read_bytes())["series"]
        assert (line["device"], line["index"]) == ("GPU-a", 0)
        power = line["power_watts"]
    elif kind == "csv":
        power = pd.read_csv(path)["power_watts"].tolist()
    elif kind == "parquet":
        power = pq.read_table(path)["power_watts"].to_pylist()
    else:
        power = pa.ipc.open_file(path).read_all()["power_watts"].to_pylist()
    assert power == [100.0 + second for second in range(180)]


def test_a_format_that_is_named_counts_more_than_the_name() -> None:
    exported("--resolution", "1m", "--format", "csv", "out.parquet")
    assert Path("out.parquet").read_text().startswith('"time","host","device","index"')


def test_a_table_with_text_is_exported() -> None:
    exported("--table", "process", "--resolution", "1s", "out.csv")
    rows = pd.read_csv("out.csv")
    assert len(rows) == 360
    assert set(rows["command"]) == {'run "11"', 'run "12"'}


def test_a_device_is_named_as_it_is() -> None:
    exported("--table", "disk", "--device", "/mnt/a, b", "out.csv")
    assert set(pd.read_csv("out.csv")["device"]) == {"/mnt/a, b"}


def test_the_standard_output_has_the_file_and_nothing_else() -> None:
    command = [sys.executable, "-m", "monitor", "export", *SPAN, "--format", "arrow", "-"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert pa.ipc.open_file(ran.stdout).read_all().num_rows == 360
    assert ran.stderr == b""


def test_a_span_may_begin_with_a_dash() -> None:
    assert export_command(["--start", "-20y", "--end", "now", "--resolution", "1m", "a.csv"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--table", "gpus", "a.csv"], "there are gpu, host, core"),
        (["--metrics", "watts", "a.csv"], "gpu has no 'watts'; it has index, util"),
        (["--gpu", "7", "a.csv"], "there are: 0 (GPU-a), 1 (GPU-b)"),
        (["--resolution", "7m", "a.csv"], "there are 1s, 10s, 1m"),
        (["--max-points", "1000000", "a.csv"], "not between 2 and 100,000"),
        (["--max-points", "many", "a.csv"], "invalid int value"),
        (["--start", "now", "a.csv"], "now"),
        (["--start", "monday", "a.csv"], "ISO 8601"),
        (["--format", "xls", "a.csv"], "there are json, csv, parquet, arrow"),
        (["a"], "--format is one of json, csv"),
        (["--host", "elsewhere", "a.csv"], "nothing of 'elsewhere'"),
        (["--color", "a.csv"], "--help lists"),
        ([], "required: output"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *SPAN, *arguments]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.endswith(".\n")
    assert told.count("\n") == 1
    assert not list(Path().glob("a.csv"))


def test_what_cannot_be_written_is_told_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("out.csv").mkdir()
    exported("out.csv", status=1)
    exported("nowhere/out.csv", status=1)
    exported("--data", "elsewhere", "a.csv", status=1)
    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("out.csv: ")
    assert second == "nowhere/out.csv: No such file or directory."
    assert third == "elsewhere: No such folder."
    assert sorted(path.name for path in Path().iterdir()) == ["data", "out.csv"]


def test_a_file_has_its_name_only_when_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> object:
        yield type("Piece", (), {"content": b"half", "done": 0.5})()
        assert not Path("out.csv").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("monitor.export_command.written", stopped)
    with pytest.raises(KeyboardInterrupt):
        exported("out.csv")
    assert [path.name for path in Path().iterdir()] == ["data"]


def test_a_terminal_sees_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported("out.csv")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    exported("out.csv")
    assert "100%" in capsys.readouterr().err


def test_it_has_the_numbers_of_open_store() -> None:
    exported("--resolution", "1m", "--metrics", "power_watts", "out.parquet")
    ours = pq.read_table("out.parquet").to_pandas().drop(columns="host")
    theirs = open_store().series("gpu", "power_watts", start=SPAN[1], end=SPAN[3], resolution="1m")
    assert ours["power_watts_max"].tolist() == theirs["power_watts_max"].tolist()
    assert ours["device"].astype(str).tolist() == theirs["device"].tolist()
    assert len(ours) == 6
