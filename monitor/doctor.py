"""`python -m monitor doctor`: what can be read here, what cannot, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable

from monitor.doctor_place import place_findings
from monitor.doctor_readings import readings_findings
from monitor.findings import Finding, report
from monitor.settings import Settings
from monitor.sources.choose import Machine, choose


def doctor(
    settings: Settings,
    out: Callable[[str], object],
    pause: Callable[[float], object] = time.sleep,
    machine: Machine | None = None,
) -> int:
    """Print a report line by line with `out`; 0 where all that is needed works, else 1."""
    sources, sentence = choose(settings, machine)
    try:
        gpus, host = readings_findings(sources, settings, pause)
    finally:
        for source in sources:
            source.close()
    sections = (
        ("GPUs", (Finding("ok", "source", sentence), *gpus)),
        ("Host", host),
        ("This place", place_findings(settings)),
    )
    return report(sections, out)
