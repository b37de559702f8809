"""A real Prometheus that scrapes one target each second, and what it answers to a query."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0

_CONFIG = """\
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: system-monitor
    {options}
    static_configs:
      - targets: ["{target}"]
{more}
"""

Series = Sequence[tuple[Mapping[str, str], float]]


class Prometheus:
    """Started when made, in a folder of its own; `target` is `host:port`."""

    def __init__(self, folder: Path, target: str, options: str = "", more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(
            _CONFIG.format(target=target, options=options, more=more)
        )
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "log.txt"
        program = shutil.which("prometheus")
        assert program, "Prometheus is not installed: make prometheus"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=log,
            )
        wait_for(self._is_ready, self._log.read_text)

    def query(self, expression: str) -> Series:
        """The series of an instant query, now."""
        found = self._ask("query", query=expression)["result"]
        if found and isinstance(found[0], float):  # a scalar
            return [({}, float(found[1]))]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def wait_for(self, expression: str, count: int = 1) -> Series:
        """The same, as soon as it has that many series."""
        wait_for(
            lambda: len(self.query(expression)) >= count,
            lambda: f"{expression}: {self.query(expression)}",
        )
        return self.query(expression)

    def targets(self) -> Sequence[Mapping[str, Any]]:
        """What it scrapes, and how that went."""
        return self._ask("targets")["activeTargets"]  # type: ignore[no-any-return]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _ask(self, what: str, **parameters: str) -> Any:
        asked = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {json.load(error)['error']}") from None


def wait_for(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Until it holds; fails with what `otherwise` says."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
