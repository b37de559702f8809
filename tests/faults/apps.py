"""A real `python app.py` for a test."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.faults.recorders import ROOT, wait_for


class WebProcess:
    """`python app.py --port 0` on a data folder; `url` is what it printed."""

    def __init__(self, data: Path, *options: str) -> None:
        self.lines: list[str] = []
        self._arrived: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--data", str(data), "--port", "0", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = ""
        while not self.url:
            line = self._arrived.get(timeout=20)
            _, found, address = line.partition("http://")
            self.url = f"http://{address.strip()}" if found else ""

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line)
                self._arrived.put(line)

    def get(self, path: str) -> Any:
        """The JSON at `path`, None while the server does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return None

    def recorder_pid(self) -> int:
        """The pid of the recorder whose ticks it shows."""

        def fresh() -> Any:
            health = self.get("api/v1/system/health")
            return health and health.get("recorder") and health["recorder"].get("pid")

        return int(wait_for(fresh))

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._reader.join(10)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self._reader.join(10)
