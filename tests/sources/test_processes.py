"""What is told of a process: by the real /proc, and by made ones where it must be another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.sources.processes import Processes
from monitor.sources.users import Users
from tests.nvml_stub.fixtures import within
from tests.sources.made_processes import SECRET, Child, in_namespace, made_process


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.end()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made_process(tmp_path, 42)
    return tmp_path


def processes(root: Path, clock: list[float] | None = None, *, hidden: bool = False) -> Processes:
    seconds = clock or [0.0]
    return Processes(root, exists=lambda pid: hidden, clock=lambda: seconds[0])


# ---- a real process ----


def test_a_real_process_is_described(child: Child) -> None:
    row = Processes().describe(child.pid, 0.0)
    stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    (booted,) = (
        int(line.split()[1])
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith("btime")
    )
    assert str(row["name"]).startswith("python")
    assert row["user"] == Users(Path("/")).name(os.getuid())
    assert row["started"] == round(booted + int(stat[19]) / os.sysconf("SC_CLK_TCK"))
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
    )
    resident = int(status["VmRSS"].split()[0]) * 1024
    assert row["memory_bytes"] == pytest.approx(resident, rel=0.2)
    assert row["cpu_percent"] is None
    assert row["visibility"] == "visible"


def test_its_secrets_are_masked(child: Child) -> None:
    command = str(Processes().describe(child.pid, 0.0)["command"])
    assert command.endswith("--api-key ***")
    assert SECRET not in command


def test_cpu_is_that_of_the_time_between_two_readings(child: Child) -> None:
    seconds = [0.0]
    told = Processes(clock=lambda: seconds[0])
    used = [_cpu_seconds(child.pid)]
    told.describe(child.pid, 0.0)
    used.append(_cpu_seconds(child.pid))
    child.work()
    used.append(_cpu_seconds(child.pid))
    seconds[0] = 2.0
    percent = told.describe(child.pid, 2.0)["cpu_percent"]
    used.append(_cpu_seconds(child.pid))
    # It is read between the inner two, and not outside of the outer two.
    assert 0 < used[2] - used[1] <= percent / 50 + 1e-6 <= used[3] - used[0] + 2e-6
    seconds[0] = 1e6
    assert told.describe(child.pid, 1e6)["cpu_percent"] == pytest.approx(0.0, abs=1e-3)


def _cpu_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def test_a_process_that_has_ended_is_dead_and_keeps_its_name(child: Child) -> None:
    told = Processes()
    before = told.describe(child.pid, 0.0)
    child.end()
    row = told.describe(child.pid, 2.0)
    assert row["visibility"] == "dead"
    assert (row["name"], row["command"]) == (before["name"], before["command"])
    assert not {"cpu_percent", "memory_bytes"} & set(row)
    assert Processes().describe(child.pid, 2.0) == {"visibility": "dead"}


def test_a_process_that_no_one_has_waited_for_is_dead_and_named(child: Child) -> None:
    told = Processes()
    child.process.kill()
    stat = Path(f"/proc/{child.pid}/stat")
    assert within(5, lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    row = told.describe(child.pid, 0.0)
    assert (row["visibility"], row["command"]) == ("dead", None)
    assert str(row["name"]).startswith("python")


@pytest.mark.parametrize("pid", [2**32 - 1, 2**31, 0x3FFFFFFF])
def test_a_number_that_is_no_process_is_dead(pid: int) -> None:
    assert Processes().describe(pid, 0.0) == {"visibility": "dead"}


# ---- a /proc of files ----


def test_all_is_read_below_the_root(root: Path) -> None:
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/:\nmira:x:1007:7::/:\n")
    assert processes(root).describe(42, 0.0) == {
        "name": "python",
        "user": "mira",
        "command": "python train.py --lr 1",
        "cpu_percent": None,
        "memory_bytes": 512 * os.sysconf("SC_PAGE_SIZE"),
        "started": 1_700_000_060,
        "container": "docker 4be1f27a90c3",
        "visibility": "visible",
    }
    assert processes(root).describe(os.getpid(), 0.0) == {"visibility": "dead"}


def test_a_user_without_a_name_is_a_number(root: Path) -> None:
    assert processes(root).describe(42, 0.0)["user"] == "1007"


def test_an_id_used_again_is_another_process(root: Path) -> None:
    clock = [0.0]
    told = processes(root, clock)
    told.describe(42, 0.0)
    made_process(root, 42, utime=100, starttime=9000, comm="other")
    clock[0] = 2.0
    row = told.describe(42, 2.0)
    assert (row["name"], row["cpu_percent"], row["started"]) == ("other", None, 1_700_000_090)


def test_an_ended_process_has_not_the_name_of_one_before_it(root: Path) -> None:
    told = processes(root)
    told.describe(42, 0.0)
    made_process(root, 42, starttime=9000)
    (root / "proc/42/status").unlink()
    assert told.describe(42, 2.0) == {}
    (root / "proc/42/stat").unlink()
    assert told.describe(42, 4.0) == {"visibility": "dead"}


def test_one_reading_reads_a_process_once(root: Path) -> None:
    clock = [0.0]
    told = processes(root, clock)
    told.describe(42, 0.0)
    made_process(root, 42, utime=400)
    clock[0] = 2.0
    first = told.describe(42, 2.0)
    assert first["cpu_percent"] == pytest.approx(50.0)
    made_process(root, 42, utime=500)
    clock[0] = 2.001
    assert told.describe(42, 2.0) == first


def test_a_program_that_renames_itself_is_renamed_within_two_minutes(root: Path) -> None:
    told = processes(root)
    told.describe(42, 0.0)
    made_process(root, 42, comm="ray::train")
    assert told.describe(42, 60.0 + 41.9)["name"] == "python"
    assert told.describe(42, 60.0 + 42.0)["name"] == "ray::train"


def test_processes_no_one_asks_for_are_forgotten(root: Path) -> None:
    told = processes(root)
    made_process(root, 43)
    for at in range(0, 40, 2):
        told.describe(42, float(at))
        if at < 4:
            told.describe(43, float(at))
        told.forget(float(at))
    assert set(told._known) == {42}


def test_another_users_process_that_proc_hides_is_not_called_dead(root: Path) -> None:
    assert processes(root, hidden=True).describe(77, 0.0) == {}
    assert processes(root).describe(77, 0.0) == {"visibility": "dead"}


@pytest.mark.parametrize("missing", ["status", "cmdline"])
def test_a_proc_of_another_make_costs_the_process_its_columns(root: Path, missing: str) -> None:
    (root / "proc/42" / missing).unlink()
    assert processes(root).describe(42, 0.0) == {}


def test_a_stat_of_another_make_costs_the_process_its_columns(root: Path) -> None:
    (root / "proc/42/stat").write_text("42 python\n")
    assert processes(root).describe(42, 0.0) == {}


# ---- namespaces ----


def test_in_the_hosts_namespace_a_process_is_named(root: Path) -> None:
    in_namespace(root, 4026531836)
    assert processes(root).describe(42, 0.0)["name"] == "python"


def test_in_a_namespace_of_our_own_a_number_may_be_someone_elses(root: Path) -> None:
    in_namespace(root, 4026532999)
    (root / "proc/42/fd/0").symlink_to("/dev/null")
    told = processes(root)
    assert told.describe(42, 0.0) == {"visibility": "elsewhere"}
    assert told.describe(77, 0.0) == {"visibility": "elsewhere"}


def test_in_a_namespace_of_our_own_one_that_uses_a_gpu_is_ours(root: Path) -> None:
    in_namespace(root, 4026532999)
    (root / "proc/42/fd/0").symlink_to("/dev/null")
    (root / "proc/42/fd/7").symlink_to("/dev/nvidia0")
    row = processes(root).describe(42, 0.0)
    assert (row["name"], row["visibility"]) == ("python", "visible")


def test_in_a_namespace_of_our_own_what_cannot_be_looked_into_is_elsewhere(root: Path) -> None:
    in_namespace(root, 4026532999)
    (root / "proc/42/fd").rmdir()
    assert processes(root).describe(42, 0.0) == {"visibility": "elsewhere"}
