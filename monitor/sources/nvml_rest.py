"""When to let go of a laptop's GPU. A session with the driver keeps it awake, at 5 to 25 watts.

So an idle GPU that may be suspended is left alone for a while. Where it falls asleep, it is not
asked until something else wakes it; where it does not, it is let go less and less often.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.nvml_gpu import Gpu
from monitor.sources.nvml_power import RuntimePower

REST_SECONDS = 20.0
_IDLE_SECONDS = 60.0
_LONGEST_IDLE_SECONDS = 3600.0
_PROCESSES_SECONDS = 10.0
_WORK = ("utilization_percent", "encoder_percent", "decoder_percent")


class Rest:
    """Counts how long every GPU has been idle."""

    def __init__(self, power: RuntimePower) -> None:
        self._power = power
        self._idle_since: float | None = None
        self._patience = _IDLE_SECONDS

    def is_due(self, gpus: Sequence[Gpu], now: float) -> bool:
        """Whether to let go of all GPUs now. Call once a tick, after the reading."""
        awake = [gpu for gpu in gpus if not gpu.asleep]
        if not awake or not all(_is_idle(gpu, now) for gpu in awake):
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = now
        if now - self._idle_since < self._patience:
            return False
        if all(self._power.may_sleep(gpu.bus_id) for gpu in awake):
            return True
        self._idle_since = now
        return False

    def ended(self, *, slept: bool) -> None:
        """What came of a rest decides how long GPUs have to be idle for the next."""
        self._idle_since = None
        self._patience = _IDLE_SECONDS if slept else min(2 * self._patience, _LONGEST_IDLE_SECONDS)


def _is_idle(gpu: Gpu, now: float) -> bool:
    if gpu.answered != now or not gpu.rows:
        return False
    # No GPU is suspended in which a program computes, even one that pauses.
    lists = {row.get("type") for row in gpu.processes.rows(now, _PROCESSES_SECONDS)}
    if lists & {"compute", "both"}:
        return False
    use = [gpu.rows[0].get(column) for column in _WORK]
    # What does not tell its use at all is not known to be idle.
    return use[0] == 0 and not any(use)
