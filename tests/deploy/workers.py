"""The real gunicorn with deploy/gunicorn.conf.py, on a Unix socket of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.faults.recorders import ROOT, ticks_in_live_db, wait_for

CONFIGURATION = ROOT / "deploy/gunicorn.conf.py"
# Starting four interpreters on two slow cores that others use too.
PATIENCE = 60.0


class Workers:
    """Started when made. `socket` is where they serve, once they listen."""

    def __init__(self, folder: Path, data: Path, count: int = 3, **settings: str) -> None:
        self.data = data
        self.socket = folder / "web.sock"
        self.log = folder / "gunicorn.log"
        environment = {f"MONITOR_{name.upper()}": value for name, value in settings.items()}
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--config", str(CONFIGURATION)),
                    *("--bind", f"unix:{self.socket}", "--workers", str(count)),
                    *("--access-logfile", "-", "app:server"),
                ],
                cwd=folder,
                env={
                    "PYTHONPATH": str(ROOT),
                    **os.environ,
                    "MONITOR_DATA": str(data),
                    "MONITOR_GPU_SOURCE": "demo",
                    # nginx lets in whom it lets in.
                    "MONITOR_PROXY_ACCESS": "operator",
                    **environment,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pids(self) -> set[int]:
        """The workers that there are."""
        return set(_children(self._process.pid))

    def until_listening(self, count: int = 3) -> Workers:
        """Wait until so many workers in all have begun to serve."""
        wait_for(lambda: self.said("ASGI server listening") >= count, PATIENCE)
        return self

    def said(self, words: str) -> int:
        """How often the log has these words."""
        return self.log.read_text().count(words)

    def recorders(self) -> dict[int, int]:
        """Each recorder that runs, and the worker that owns it."""
        return {
            child: worker
            for worker in self.pids()
            for child in _children(worker)
            if _is_recorder(child)
        }

    def ticks(self) -> list[int]:
        """The times of all ticks recorded, in ms."""
        return ticks_in_live_db(self.data)

    def until_ticks(self, more: int) -> None:
        """Wait until so many more have been recorded."""
        before = len(self.ticks())
        wait_for(lambda: len(self.ticks()) >= before + more, PATIENCE)

    def reload(self) -> None:
        """As `systemctl reload` does; returns when only new workers are left."""
        old, listening = self.pids(), self.said("ASGI server listening")
        self._process.send_signal(signal.SIGHUP)
        self.until_listening(listening + len(old))
        wait_for(lambda: not old & self.pids(), PATIENCE)

    def stop(self) -> int:
        """As `systemctl stop` does; the exit status."""
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise


def _children(pid: int) -> list[int]:
    """The processes that any of its threads has started."""
    found: list[int] = []
    for children in Path("/proc").glob(f"{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text().split())
    return found


def _is_recorder(pid: int) -> bool:
    try:
        return b"\0record\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
