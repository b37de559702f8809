"""The speed of each fan, and of the fastest. A fan that fails costs its own cell."""

from __future__ import annotations

import pynvml

from monitor.metrics import FANS
from monitor.sources.base import Value
from monitor.sources.nvml_errors import FAILURES, GONE, STABLE, code_of
from monitor.sources.nvml_reader import Handle, Reading, reading

_COLUMNS = " ".join(["fan_percent", *(f"fan_{number}_percent" for number in range(FANS))])


class _Fans:
    """The fans of one GPU in one session. How many there are is asked once."""

    def __init__(self) -> None:
        self._asked: list[int] | None = None

    def __call__(self, handle: Handle) -> tuple[Value, ...]:
        if self._asked is None:
            self._asked = list(range(pynvml.nvmlDeviceGetNumFans(handle)))
        speeds: dict[int, Value] = {}
        failed: BaseException | None = None
        for fan in tuple(self._asked):
            try:
                speeds[fan] = pynvml.nvmlDeviceGetFanSpeed_v2(handle, fan)
            except FAILURES as error:
                if code_of(error) in GONE:
                    raise
                failed = error
                if code_of(error) in STABLE:
                    self._asked.remove(fan)
        if failed is not None and not speeds:
            raise failed
        return _cells(speeds)


def _cells(speeds: dict[int, Value]) -> tuple[Value, ...]:
    numbers = [speed for speed in speeds.values() if isinstance(speed, (int, float))]
    return (max(numbers, default=None), *(speeds.get(fan) for fan in range(FANS)))


def _only(handle: Handle) -> tuple[Value, ...]:
    # A driver before 510 does not tell one fan from another.
    return (pynvml.nvmlDeviceGetFanSpeed(handle), *[None] * FANS)


def fans() -> Reading:
    """The reading of a GPU's fans."""
    return reading(_COLUMNS, _Fans(), _only)
