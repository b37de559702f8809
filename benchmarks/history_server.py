"""The program over a data folder, as a person would start it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks.processes import free_port, running, wait_for

_HEALTH = "/api/v1/system/health"


@contextlib.contextmanager
def serving(data: Path, tiers: str) -> Iterator[int]:
    """The port of a program that shows the folder and records nothing."""
    port = free_port()
    command = ["app.py", "--data", str(data), "--tiers", tiers, "--no-record"]
    with running([*command, "--port", str(port)], os.environ):
        wait_for(lambda: _answers(port))
        yield port


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{_HEALTH}", timeout=5):
            return True
    except HTTPError:  # It says that nothing is being recorded.
        return True
    except OSError:
        return False
