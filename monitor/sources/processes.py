"""What a process is and what it takes of the machine, by its id. The only import of psutil."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from monitor.sources.base import Row
from monitor.sources.containers import container_of
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.masking import masked_command, masked_text
from monitor.sources.pid_namespace import pid_namespace
from monitor.sources.users import Users

# Programs rename themselves, and change their command line, after they began.
_TOLD_SECONDS = 60.0
_FORGOTTEN_SECONDS = 30.0
_GPU_FILES = "/dev/nvidia"
# A /proc of another make (gVisor's, a folder of files) may lack what psutil takes for granted.
_UNREADABLE = (psutil.AccessDenied, OSError, ValueError, IndexError, RuntimeError)


@dataclass
class _Known:
    """A process id as last read, and which process that was: ids are used again."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    process: psutil.Process | None = None
    told: Row = field(default_factory=dict)
    told_at: float = float("-inf")
    cpu: tuple[float, float] | None = None  # when, seconds used till then
    read_at: float = float("-inf")
    row: Row = field(default_factory=dict)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


class Processes:
    """Processes of the machine whose /proc is below `root`.

    `exists` tells whether a process is there that /proc does not show. `clock` is monotonic.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        exists: Callable[[int], bool] = _exists,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = KernelFiles(root)
        self._users = Users(root)
        self._elsewhere = pid_namespace(root) == "own"
        self._exists = exists
        self._clock = clock
        self._known: dict[int, _Known] = {}

    def describe(self, pid: int, now: float) -> Row:
        """Columns of the `process` table that the machine tells; those it does not are absent.

        From any thread. The same process is read once at the same `now`. `visibility` is absent
        where /proc hides the processes of other users.
        """
        known = self._known.setdefault(pid, _Known())
        with known.lock:
            if known.read_at != now:
                known.row = self._read(pid, known, now)
                known.read_at = now
            return dict(known.row)

    def forget(self, now: float) -> None:
        """Let go of those not asked for lately."""
        for pid, known in list(self._known.items()):
            if now - known.read_at > _FORGOTTEN_SECONDS and not known.lock.locked():
                self._known.pop(pid, None)

    def _read(self, pid: int, known: _Known, now: float) -> Row:
        # A process takes the path as it is when it is made; no one else uses psutil here.
        psutil.PROCFS_PATH = str(self._files.root / "proc")
        try:
            process = psutil.Process(pid)
            if process != known.process:
                known.process, known.cpu, known.told_at = process, None, float("-inf")
            with process.oneshot():
                return self._columns(process, known, now)
        except psutil.NoSuchProcess:
            known.process = None
            if self._elsewhere:
                return {"visibility": "elsewhere"}
            return {} if self._exists(pid) else {"visibility": "dead"}
        except _UNREADABLE:
            known.process = None
            return {"visibility": "elsewhere"} if self._elsewhere else {}

    def _columns(self, process: psutil.Process, known: _Known, now: float) -> Row:
        if now - known.told_at >= _TOLD_SECONDS:
            known.told = self._told(process)
            known.told_at = now
        if known.told["visibility"] == "elsewhere":
            return known.told
        dead = process.status() == psutil.STATUS_ZOMBIE
        return {
            **known.told,
            "cpu_percent": self._cpu_percent(process, known),
            "memory_bytes": process.memory_info().rss,
            **({"visibility": "dead"} if dead else {}),
        }

    def _told(self, process: psutil.Process) -> Row:
        if self._elsewhere and not self._holds_a_gpu(process.pid):
            # Ids of the host's namespace: here the number is that of some other process.
            return {"visibility": "elsewhere"}
        try:
            command = masked_command(process.cmdline())
        except psutil.ZombieProcess:
            command = ""
        return {
            "name": masked_text(process.name()),
            "user": self._users.name(process.uids().real),
            "command": command or None,
            "started": round(process.create_time()),
            "container": container_of(self._files.once(f"proc/{process.pid}/cgroup")),
            "visibility": "visible",
        }

    def _cpu_percent(self, process: psutil.Process, known: _Known) -> float | None:
        times = process.cpu_times()
        now, used = self._clock(), float(times.user + times.system)
        before, known.cpu = known.cpu, (now, used)
        if before is None or now <= before[0]:
            return None
        return max(0.0, 100 * (used - before[1]) / (now - before[0]))

    def _holds_a_gpu(self, pid: int) -> bool:
        folder = self._files.root / f"proc/{pid}/fd"
        for name in os.listdir(folder):
            try:
                if os.readlink(folder / name).startswith(_GPU_FILES):
                    return True
            except OSError:  # closed meanwhile
                continue
        return False
