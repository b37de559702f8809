"""No GPU readings: a person said so, or the binding to the driver is missing."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.base import DeviceState, Rows, SourceState

_OFF = "GPU readings are switched off (--gpu-source none)."
_ON_AGAIN = "Start with --gpu-source auto to record GPUs."


class NoSource:
    """Gives nothing, and says why."""

    name = "none"

    def __init__(self, reason: str = _OFF, advice: str = _ON_AGAIN) -> None:
        self._state = SourceState(self.name, ok=False, reason=reason, advice=advice)

    def sample(self, monotonic: float) -> Rows:
        """No rows."""
        return {}

    def devices(self) -> Sequence[DeviceState]:
        """No devices."""
        return ()

    def state(self) -> SourceState:
        """Off."""
        return self._state

    def close(self) -> None:
        """Nothing to let go of."""
