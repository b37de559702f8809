"""The simulated processes: a rank on each training GPU, a forgotten notebook on GPU 7."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.base import Row, Value
from monitor.sources.demo_run import IDLE

_GIB = 1 << 30
_TRAINING = "python train.py --config configs/llama-70b.yaml --data /data/tokens --api-key ***"
_NOTEBOOK = "python -m ipykernel_launcher -f kernel-8f2c.json"
_NOTEBOOK_AGE = 11 * 86_400


def process_rows(gpus: Sequence[Row], run_began: int) -> list[Row]:
    """A row for each GPU whose memory a process holds. `run_began` is in seconds since 1970."""
    rows: list[Row] = []
    for gpu in gpus:
        index, held = _number(gpu["index"]), _number(gpu["memory_used_bytes"])
        if held < _GIB:
            continue
        idle = index == IDLE
        busy = _number(gpu["utilization_percent"])
        rows.append(
            {
                "device": gpu["device"],
                "pid": 3917 if idle else 48_211 + 7 * int(index) + run_began % 1000,
                "name": "python",
                "user": "mira" if idle else "train",
                "command": _NOTEBOOK if idle else f"{_TRAINING} --rank {index:.0f}",
                "gpu_memory_bytes": int(held) - (0 if idle else 514 << 20),
                "sm_percent": busy,
                "encoder_percent": 0.0,
                "decoder_percent": 0.0,
                "cpu_percent": 0.3 if idle else 100.0 + busy / 8,
                "memory_bytes": 3 * _GIB if idle else 21 * _GIB + int(index) * (96 << 20),
                "started": run_began - run_began % _NOTEBOOK_AGE if idle else run_began + 2,
                "type": "compute",
                "container": "pod mira-notebook-0" if idle else "docker 4be1f27a90c3",
                "visibility": "visible",
            }
        )
    return rows


def _number(value: Value) -> float:
    return value if isinstance(value, (int, float)) else 0.0
