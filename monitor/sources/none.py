"""No GPU readings, because a person said so."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.base import DeviceState, Rows, SourceState


class NoSource:
    """Gives nothing, and says why."""

    name = "none"

    def sample(self, monotonic: float) -> Rows:
        """No rows."""
        return {}

    def devices(self) -> Sequence[DeviceState]:
        """No devices."""
        return ()

    def state(self) -> SourceState:
        """Off."""
        return SourceState(
            self.name,
            ok=False,
            reason="GPU readings are switched off (--gpu-source none).",
            advice="Start with --gpu-source auto to record GPUs.",
        )

    def close(self) -> None:
        """Nothing to let go of."""
