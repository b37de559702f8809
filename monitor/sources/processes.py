"""What a process is and what it takes of the machine, by its id. The only import of psutil.

Each reading costs one file a process, whose numbers say also whether the id is still that of the
same process; all else is asked of psutil every minute or two.
"""

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
_TOLD_SECONDS, _SPREAD_SECONDS = 60.0, 60
_FORGOTTEN_SECONDS = 30.0
_GPU_FILES = "/dev/nvidia"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# A /proc of another make (gVisor's, a folder of files) may lack what psutil takes for granted.
_UNREADABLE = (psutil.AccessDenied, OSError, ValueError, IndexError, RuntimeError)


@dataclass(frozen=True)
class _Stat:
    """What changes about a process; `began`, in ticks since the boot, tells it from others."""

    began: int
    ended: bool
    cpu_seconds: float
    memory_bytes: int


@dataclass
class _Known:
    """A process id as last read, and which process that was: ids are used again."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    began: int = -1
    told: Row = field(default_factory=dict)
    told_until: float = float("-inf")
    arguments: list[str] = field(default_factory=list)
    command: str = ""
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
        self._proc = str(root / "proc")
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
        try:
            stat = self._stat(pid)
            if stat.began != known.began:
                known.began, known.cpu = stat.began, None
                known.told, known.told_until = {}, float("-inf")
            if now >= known.told_until:
                known.told = self._told(pid, known)
                # Not all of them in the same reading.
                known.told_until = now + _TOLD_SECONDS + pid % _SPREAD_SECONDS
        except psutil.NoSuchProcess:
            known.began = -1
            return self._gone(pid, known)
        except _UNREADABLE:
            known.began = -1
            return {"visibility": "elsewhere"} if self._elsewhere else {}
        if known.told["visibility"] == "elsewhere":
            return known.told
        return {
            **known.told,
            "cpu_percent": self._cpu_percent(stat.cpu_seconds, known),
            "memory_bytes": stat.memory_bytes,
            **({"visibility": "dead"} if stat.ended else {}),
        }

    def _gone(self, pid: int, known: _Known) -> Row:
        if known.told.get("visibility") == "visible":
            return {**known.told, "visibility": "dead"}  # as it was while it was there
        if self._elsewhere:
            return {"visibility": "elsewhere"}
        return {} if self._exists(pid) else {"visibility": "dead"}

    def _stat(self, pid: int) -> _Stat:
        try:
            with open(f"{self._proc}/{pid}/stat", "rb") as file:
                content = file.read()
        except (FileNotFoundError, ProcessLookupError):
            raise psutil.NoSuchProcess(pid) from None
        # After the program's name, which may hold anything; numbers as in `man proc`, less three.
        fields = content[content.rindex(b")") + 2 :].split()
        return _Stat(
            began=int(fields[19]),
            ended=fields[0] in {b"Z", b"X"},
            cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND,
            memory_bytes=int(fields[21]) * _PAGE_BYTES,
        )

    def _told(self, pid: int, known: _Known) -> Row:
        if self._elsewhere and not self._holds_a_gpu(pid):
            # Ids of the host's namespace: here the number is that of some other process.
            return {"visibility": "elsewhere"}
        # psutil has no other way to be told; a process takes the path as it is when it is made.
        psutil.PROCFS_PATH = self._proc
        process = psutil.Process(pid)
        with process.oneshot():
            self._note_command(process, known)
            return {
                "name": masked_text(process.name()),
                "user": self._users.name(process.uids().real),
                "command": known.command or None,
                "started": round(process.create_time()),
                "container": container_of(self._files.once(f"proc/{pid}/cgroup")),
                "visibility": "visible",
            }

    def _note_command(self, process: psutil.Process, known: _Known) -> None:
        try:
            arguments = process.cmdline()
        except psutil.ZombieProcess:
            arguments = []
        if arguments != known.arguments:
            known.arguments, known.command = arguments, masked_command(arguments)

    def _cpu_percent(self, used: float, known: _Known) -> float | None:
        now = self._clock()
        before, known.cpu = known.cpu, (now, used)
        if before is None or now <= before[0]:
            return None
        return max(0.0, 100 * (used - before[1]) / (now - before[0]))

    def _holds_a_gpu(self, pid: int) -> bool:
        folder = f"{self._proc}/{pid}/fd"
        for name in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{name}").startswith(_GPU_FILES):
                    return True
            except OSError:  # closed meanwhile
                continue
        return False


@dataclass(frozen=True)
class Running:
    """Which process an id is of now: its real user, and when it began, in seconds since 1970."""

    uid: int
    started: int


def running(pid: int) -> Running | None:
    """The process of that id, None where there is none or none may be seen.

    `started` equals that column of the `process` table where it is the same process.
    """
    # Signals go by the ids of this very system, wherever readings come from.
    psutil.PROCFS_PATH = "/proc"
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Running(process.uids().real, round(process.create_time()))
    except (psutil.Error, *_UNREADABLE):
        return None
