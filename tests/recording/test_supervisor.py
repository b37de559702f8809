"""There is a recorder as long as there is a supervisor, and none after it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock

from monitor.recording import supervisor as supervisor_module
from monitor.recording.lock import acquire, is_held, owned
from monitor.recording.supervisor import Supervisor, record_command
from tests.faults.recorders import wait_for

# Each writes its pid and the time into the file `started`, then plays its part.
_SAY = """
import os, sys, time
from pathlib import Path
from monitor.recording.lock import acquire, owned
data = Path(sys.argv[1])
{first}
with open(data / "started", "a") as file:
    print(os.getpid(), time.monotonic(), file=file)
{then}
"""
OBEDIENT = _SAY.format(
    first='lock = acquire(data / "recorder.lock")',
    then='sys.stdin.read(); (data / "ended").touch()',
)
DEAF = OBEDIENT.replace("sys.stdin.read()", "time.sleep(60)")
SLOW = _SAY.format(
    first="",
    then='time.sleep(1); lock = acquire(data / "recorder.lock"); (data / "holds").touch();'
    " sys.stdin.read()",
)
OWNED = _SAY.format(
    first="",
    then='lock = data / "recorder.lock"; locks = acquire(lock, 60), acquire(owned(lock));'
    ' (data / "holds").write_text(str(os.getpid())); sys.stdin.read()',
)
SHORT_LIVED = _SAY.format(first="", then="sys.exit(3)")

Start = Callable[..., Supervisor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Supervisor] = []

    def begin(code: str = OBEDIENT, command: Sequence[str] = ()) -> Supervisor:
        supervisor = Supervisor(
            tmp_path / "recorder.lock",
            command or [sys.executable, "-c", code, str(tmp_path)],
        )
        started.append(supervisor)
        supervisor.start()
        return supervisor

    yield begin
    for supervisor in started:
        supervisor.stop(0)


def children(data: Path, count: int = 1, seconds: float = 10) -> list[tuple[int, float]]:
    """(pid, start on the monotonic clock) of the children so far, once there are `count`."""

    def lines() -> list[str]:
        file = data / "started"
        return file.read_text().splitlines() if file.exists() else []

    wait_for(lambda: len(lines()) >= count, seconds)
    return [(int(pid), float(at)) for pid, at in map(str.split, lines())]


def test_a_recorder_is_started_where_nobody_records(tmp_path: Path, start: Start) -> None:
    supervisor = start()
    [(pid, _)] = children(tmp_path)
    assert supervisor.owned_pid == pid
    assert is_held(tmp_path / "recorder.lock")


def test_none_is_started_while_somebody_records(tmp_path: Path, start: Start) -> None:
    lock = acquire(tmp_path / "recorder.lock")
    supervisor = start()
    time.sleep(0.5)  # nothing happens, and that takes time
    assert supervisor.owned_pid is None
    assert not (tmp_path / "started").exists()
    lock.release()
    children(tmp_path)


def test_of_three_that_find_nobody_one_starts_a_recorder(tmp_path: Path, start: Start) -> None:
    for _ in range(3):
        start(SLOW)
    # Not by the lock itself: whoever looks at it holds it for an instant.
    holds = tmp_path / "holds"
    wait_for(holds.exists)
    [(pid, _)] = children(tmp_path)
    holds.unlink()
    os.kill(pid, signal.SIGKILL)
    _, (second, _) = children(tmp_path, 2)
    wait_for(holds.exists)
    assert [pid for pid, _ in children(tmp_path)] == [pid, second]


def test_a_turn_is_given_back_where_somebody_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "is_held", lambda path: path.suffix == ".lock")
    supervisor = Supervisor(tmp_path / "recorder.lock", [sys.executable, "-c", "raise SystemExit"])
    supervisor._look()
    assert supervisor.owned_pid is None
    with FileLock(tmp_path / "recorder.starting", timeout=0):
        pass  # whoever comes next has the turn


def test_one_that_retires_keeps_its_recorder_and_starts_no_other(
    tmp_path: Path, start: Start
) -> None:
    retired, other = start(), start(OBEDIENT)
    [(first, _)] = children(tmp_path)
    if retired.owned_pid is None:
        retired, other = other, retired
    retired.retire()
    wait_for(lambda: not retired._thread.is_alive())
    assert is_held(tmp_path / "recorder.lock")
    os.kill(first, signal.SIGKILL)
    _, (second, _) = children(tmp_path, 2)
    assert other.owned_pid == second
    assert retired.owned_pid is None


def test_while_an_owned_recorder_ends_the_next_one_loads(tmp_path: Path, start: Start) -> None:
    ending = acquire(tmp_path / "recorder.lock"), acquire(owned(tmp_path / "recorder.lock"))
    supervisor = start(OWNED)
    [(pid, _)] = children(tmp_path)
    assert supervisor.owned_pid == pid
    assert not (tmp_path / "holds").exists()
    for lock in ending:
        lock.release()
    wait_for((tmp_path / "holds").exists)


def test_one_that_retires_has_a_successor_while_its_recorder_goes_on(
    tmp_path: Path, start: Start
) -> None:
    holds = tmp_path / "holds"
    retired = start(OWNED)
    [(first, _)] = children(tmp_path)
    wait_for(lambda: holds.exists() and holds.read_text() == str(first))
    others = [start(OWNED), start(OWNED)]
    retired.retire()
    _, (second, _) = children(tmp_path, 2)
    assert [other.owned_pid for other in others if other.owned_pid] == [second]
    assert retired.owned_pid == first
    assert holds.read_text() == str(first)
    retired.stop()
    wait_for(lambda: holds.read_text() == str(second))
    assert len(children(tmp_path)) == 2


def test_a_killed_recorder_is_replaced_within_two_seconds(tmp_path: Path, start: Start) -> None:
    supervisor = start()
    [(first, _)] = children(tmp_path)
    killed = time.monotonic()
    os.kill(first, signal.SIGKILL)
    _, (second, at) = children(tmp_path, 2)
    assert at - killed < 2.0
    assert supervisor.owned_pid == second != first


def test_one_that_dies_at_once_is_tried_less_and_less_often(
    tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start(SHORT_LIVED)
    times = [at for _, at in children(tmp_path, 4)]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[0] < pauses[1] < pauses[2]
    assert "ended with status 3" in caplog.text


def test_a_command_that_cannot_be_run_is_tried_again(
    tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "program"
    supervisor = start(command=[str(program), "-c", OBEDIENT, str(tmp_path)])
    wait_for(lambda: "cannot be started" in caplog.text)
    program.symlink_to(sys.executable)
    wait_for(lambda: supervisor.owned_pid)
    assert caplog.text.count("cannot be started") == 1


def test_stop_closes_the_pipe_and_the_recorder_ends_by_itself(tmp_path: Path, start: Start) -> None:
    supervisor = start()
    children(tmp_path)
    supervisor.stop()
    assert (tmp_path / "ended").exists()
    assert supervisor.owned_pid is None
    assert not is_held(tmp_path / "recorder.lock")


def test_one_that_does_not_end_is_killed(
    tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = start(DEAF)
    children(tmp_path)
    supervisor.stop(0.2)
    assert supervisor.owned_pid is None
    assert not (tmp_path / "ended").exists()
    assert not is_held(tmp_path / "recorder.lock")
    assert "was killed" in caplog.text


def test_a_recorder_is_started_with_the_options_given() -> None:
    command = record_command(["--data", "somewhere"])
    assert command[0] == sys.executable
    assert command[1:] == ["-m", "monitor", "record", "--until-stdin-closes", "--data", "somewhere"]


def test_one_that_never_began_can_be_stopped(tmp_path: Path) -> None:
    Supervisor(tmp_path / "recorder.lock", ["false"]).stop()
