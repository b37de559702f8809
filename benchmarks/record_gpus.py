"""`python -m monitor record` without the host, to see what the GPUs alone cost."""

from __future__ import annotations

import sys

from monitor.recording.recorder import record
from monitor.settings import load
from monitor.sources.choose import nvml_source

if __name__ == "__main__":
    record(
        load(sys.argv[1:], prog="python -m benchmarks.record_gpus"),
        lambda settings: ((nvml_source(settings),), "GPUs alone are recorded."),
    )
