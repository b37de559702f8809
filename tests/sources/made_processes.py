"""Processes to be read: a real one, and some made of files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SECRET = "Zq8vXw2LmN7pRt4K"
# Announces itself, then works till a line comes, then idles till the next.
PROGRAM = """
import sys
print("begun", flush=True)
for line in sys.stdin:
    if line == "work\\n":
        for _ in range(3_000_000): pass
        print("done", flush=True)
"""


class Child:
    """A real process that works when it is told to."""

    def __init__(self) -> None:
        self.arguments = ["-c", PROGRAM, "--api-key", SECRET]
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.hear()

    def hear(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline()

    def work(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("work\n")
        self.process.stdin.flush()
        self.hear()

    def end(self) -> None:
        """End, and be gone from /proc."""
        self.process.kill()
        self.process.communicate()


def made_process(root: Path, pid: int, **changes: object) -> None:
    """A process in a folder of files: begun 60 s after a boot at 1,700,000,000."""
    values = {"comm": "python", "state": "R", "utime": 300, "starttime": 6000, "rss": 512} | changes
    folder = root / f"proc/{pid}"
    (folder / "fd").mkdir(parents=True, exist_ok=True)
    (root / "proc/stat").write_text("cpu  1 2 3\nbtime 1700000000\n")
    rest = [0] * 49
    rest[10], rest[18], rest[20] = values["utime"], values["starttime"], values["rss"]
    numbers = " ".join(map(str, rest))
    (folder / "stat").write_text(f"{pid} ({values['comm']}) {values['state']} {numbers}\n")
    (folder / "status").write_text(f"Name:\t{values['comm']}\nUid:\t1007\t1007\t1007\t1007\n")
    (folder / "cmdline").write_text("python\0train.py\0--lr\0" + "1\0")
    (folder / "cgroup").write_text(f"0::/system.slice/docker-{'4be1f27a90c3' + 'd' * 52}.scope\n")


def in_namespace(root: Path, inode: int) -> None:
    (root / "proc/self/ns").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/ns/pid").symlink_to(f"pid:[{inode}]")
