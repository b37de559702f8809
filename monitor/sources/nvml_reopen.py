"""When a session with the driver has to give way to a new one.

A session knows the GPUs of its beginning. One that was lost may come back only in another, and
one that has come since is not in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from monitor.sources.nvml_gpu import Gpu

_LONGEST_PAUSE_SECONDS = 60.0
_LOOK_SECONDS = 10.0
# Calls that do not hang are over by then.
_DRAIN_SECONDS = 3.0


class Reopening:
    """Asked once a tick. `pause` is the seconds before the first try; each later one doubles it."""

    def __init__(self, root: Path, pause: float) -> None:
        self._folder = root / "proc/driver/nvidia/gpus"
        self._first_pause = self._pause = pause
        self._at: float | None = None
        self._taken: frozenset[str] = frozenset()
        self._look_at = float("-inf")

    def is_due(self, gpus: Sequence[Gpu], now: float, *, missing: bool) -> bool:
        """Whether to open a new session as soon as no call is under way in this one.

        `missing`: a GPU that was there before is not in this session.
        """
        if any(gpu.session_over for gpu in gpus):
            return True
        lost, come = missing or any(gpu.lost for gpu in gpus), self._has_come(now)
        if not lost and not come:
            self._at, self._pause = None, self._first_pause
            return False
        if self._at is None:
            self._at = now if come else now + self._pause
        return now >= self._at

    def begun(self, now: float) -> None:
        """A new session is being opened."""
        self._taken = self._listed()
        self._look_at = now + _LOOK_SECONDS
        if self._at is not None:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            self._at = now + self._pause

    def waits_for_calls(self, now: float) -> bool:
        """Whether nothing more should be asked, so that it can begin.

        Where a call hangs it cannot, and the other GPUs' readings go on.
        """
        if self._at is None or now < self._at + _DRAIN_SECONDS:
            return True
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._at = now + self._pause
        return False

    def _has_come(self, now: float) -> bool:
        """Whether the kernel's driver has taken a GPU since the session began."""
        if now < self._look_at:
            return False
        if self._listed() - self._taken:
            return True
        self._look_at = now + _LOOK_SECONDS
        return False

    def _listed(self) -> frozenset[str]:
        # The folder alone: what is in it cannot all be read without waking the GPU.
        with contextlib.suppress(OSError):
            return frozenset(path.name for path in self._folder.iterdir())
        return frozenset()
