"""The recorder beside nvitop and gpustat: CPU at 1 Hz on the same GPUs, and what each reads.

All run at once, for the same seconds, on the GPUs of the NVML stub that answer every column, each
of them used by a process. The recorder does all that users have it do, host and Parquet too; GPUs
alone are measured beside. The first seconds, in which programs start, do not count. Run
`python -m benchmarks.gpu_rivals [--seconds 60] [--idle]`; no process uses an idle GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Figure, table
from benchmarks.gpu_rival_programs import Rival, install
from benchmarks.history_figures import beside
from benchmarks.processes import ask, cpu_seconds, recorder_pid, running, wait_for
from benchmarks.rivals import NotToBeHad
from benchmarks.stub_gpus import some_gpus
from benchmarks.terminal import in_terminal
from tests import nvml_stub
from tests.nvml_stub import Scenario

_COUNTS = (8, 16)
_START_SECONDS = 5
_OURS = "the recorder"
_RECORDERS = {
    _OURS: ("-m", "monitor", "record"),
    "the recorder of GPUs alone": ("-m", "benchmarks.record_gpus"),
}
# Which tick and GPU a row is of.
_KEYS = {"time", "device", "index"}


def gpu_rivals(seconds: int, *, idle: bool = False) -> list[Figure]:
    """CPU seconds of each, and those of the recorder as a share of them."""
    if nvml_stub.compiler() is None:
        print(nvml_stub.NO_COMPILER, file=sys.stderr)
        return [Figure("CPU beside nvitop and gpustat", 1, None, "×")]
    figures = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as made:
        folder = Path(made)
        try:
            rivals = install(folder / "rivals")
        except NotToBeHad as reason:
            print(reason, file=sys.stderr)
            rivals = []
        library = nvml_stub.build(folder)
        for count in _COUNTS:
            gpus = some_gpus(count, folder / f"{count}.txt")
            with contextlib.nullcontext() if idle else _used(gpus, count):
                variables = gpus.environment(library)
                cpu, values = _measured(rivals, variables, folder / str(count), seconds)
            of = f"{count} {'idle ' if idle else ''}GPUs, {seconds} s"
            figures += _figures(of, cpu, values, rivals)
    return figures


@contextlib.contextmanager
def _used(gpus: Scenario, count: int) -> Iterator[None]:
    """A real process for each GPU to be used by."""
    with contextlib.ExitStack() as processes:
        for number in range(count):
            user = processes.enter_context(subprocess.Popen(["sleep", "infinity"]))
            processes.callback(user.kill)
            gpus.set(f"gpu {number}", "compute", f"{user.pid}:{60 << 30}")
            gpus.set(f"gpu {number}", "process_use", f"{user.pid}:90:40:0:0")
        yield


def _measured(
    rivals: Sequence[Rival], variables: Mapping[str, str], folder: Path, seconds: int
) -> tuple[dict[str, float], dict[str, int]]:
    """Of each program, CPU seconds in so many seconds, and how many numbers of GPUs it has."""
    pids: dict[str, int] = {}
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as programs:
        for name, command in _RECORDERS.items():
            options = ["--data", str(folder / name), "--gpu-source", "nvml"]
            programs.enter_context(running([*command, *options], variables))
            pids[name] = wait_for(lambda data=folder / name: recorder_pid(data))
        for rival in rivals:
            started.append(programs.enter_context(in_terminal(rival.command, variables)))
            pids[rival.name] = started[-1].pid
        time.sleep(_START_SECONDS)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        cpu = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        if not all(process.poll() is None for process in started):
            raise RuntimeError("A program ended before it was measured.")
        values = {name: _recorded(folder / name) for name in _RECORDERS}
    return cpu, values | {rival.name: rival.value_count(variables) for rival in rivals}


def _recorded(data: Path) -> int:
    """How many numbers of GPUs the last tick has."""
    columns = [str(name) for (name,) in ask(data, "SELECT name FROM pragma_table_info('gpu')")]
    counts = " + ".join(f'count("{name}")' for name in columns if name not in _KEYS)
    ((found,),) = ask(data, f"SELECT {counts} FROM gpu WHERE time = (SELECT max(time) FROM gpu)")
    return int(found)


def _figures(
    of: str, cpu: Mapping[str, float], values: Mapping[str, int], rivals: Sequence[Rival]
) -> list[Figure]:
    figures: list[Figure] = []
    for name in cpu:
        figures.append(beside(f"{of}: CPU of {name}", cpu[name], "s"))
        figures.append(beside(f"{of}: readings of {name}", values[name], ""))
    for name in [rival.name for rival in rivals] or ["nvitop", "gpustat"]:
        measured = name in cpu
        ratio = cpu[_OURS] / cpu[name] if measured else None
        figures.append(Figure(f"{of}: CPU of {_OURS} ÷ {name}", 1, ratio, "×"))
        ratio = values[name] / values[_OURS] if measured else None
        figures.append(Figure(f"{of}: readings of {name} ÷ {_OURS}", 1, ratio, "×"))
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--idle", action="store_true", help="no process uses a GPU")
    given = parser.parse_args()
    print(table(gpu_rivals(given.seconds, idle=given.idle)))


if __name__ == "__main__":
    main()
