"""The real `python app.py`, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from monitor.metrics import HOST
from monitor.storage.journal import Journal

ROOT = Path(__file__).parents[2]


class App:
    """Started when made; `url` is the address that it printed."""

    def __init__(
        self, data: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        with (data / "log.txt").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py", "--data", str(data), "--port", "0", *arguments],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip().rpartition(" ")[2]
        assert self.url.startswith("http"), (data / "log.txt").read_text()

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def recorder_pid(self) -> int:
        """The recorder's process, by its own note in live.db."""
        with closing(Journal(self.data / "live.db", readonly=True)) as journal:
            return int(str(journal.note("recorder")["pid"]))

    def ticks(self) -> int:
        """How many ticks have been recorded."""
        with closing(Journal(self.data / "live.db", readonly=True)) as journal:
            return journal.newest(HOST)[1]

    def signal_recorder(self, number: signal.Signals) -> None:
        os.kill(self.recorder_pid(), number)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
