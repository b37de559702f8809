"""Which sources this machine gets, and why, in a sentence."""

from __future__ import annotations

import time
from collections.abc import Sequence

from monitor.settings import Settings
from monitor.sources.base import Source
from monitor.sources.demo import DemoSource
from monitor.sources.host import HostSource
from monitor.sources.none import NoSource


def choose(settings: Settings) -> tuple[Sequence[Source], str]:
    """The sources to read, and a sentence that says what was picked and why."""
    gpus, explanation = _gpu_source(settings)
    return (HostSource(settings.root, settings.mounts, time.monotonic()), gpus), explanation


def _gpu_source(settings: Settings) -> tuple[Source, str]:
    if settings.gpu_source == "demo":
        return DemoSource(), "GPU readings are simulated (--gpu-source demo)."
    if settings.gpu_source == "none":
        return NoSource(), "GPU readings are switched off (--gpu-source none)."
    return NoSource(), "NVML is not wired yet."
