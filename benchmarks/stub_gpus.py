"""Some of the sixteen GPUs of the NVML stub, which answer every column."""

from __future__ import annotations

from pathlib import Path

from tests.nvml_stub import Scenario

_MOST = 16


def some_gpus(count: int, path: Path) -> Scenario:
    """A world of the first `count` GPUs (16 at most), written to `path`."""
    scenario = Scenario("sixteen_gpus", path)
    if count < _MOST:
        scenario.unset(f"gpu {count}", "uuid")
    # Else the stub looks at the file at each call, as no driver does.
    scenario.set("", "check_every_ms", 1000)
    return scenario
