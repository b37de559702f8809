"""A process to do something to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

Child = subprocess.Popen[bytes]


def waiting_process() -> Child:
    """A process of this user's that waits for its input."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


@pytest.fixture
def child() -> Iterator[Child]:
    """One that is gone after the test."""
    process = waiting_process()
    yield process
    process.kill()
    process.communicate()
