"""What a source of readings is, and what it says about its devices and itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol
from zlib import crc32

Value = float | int | str | None
Row = dict[str, Value]
"""One device at a tick: `device`, then catalogue columns. An absent column is missing."""

Rows = Mapping[str, Sequence[Row]]
"""Rows by table name."""

DeviceStatus = Literal["ok", "late", "asleep", "lost", "denied", "failed"]


@dataclass(frozen=True)
class DeviceState:
    """A device as last known. It outlives the device: a lost GPU keeps its facts."""

    table: str
    device: str
    status: DeviceStatus = "ok"
    reason: str = ""
    facts: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def facts_checksum(self) -> int:
        """Another number for other facts: a driver tells some of them only after a while."""
        return crc32(repr(sorted(self.facts.items())).encode())


@dataclass(frozen=True)
class SourceState:
    """How a source is: `reason` is a sentence, `advice` what a person can do about it."""

    name: str
    ok: bool
    reason: str = ""
    advice: str = ""


class Source(Protocol):
    """One interface to hardware. All calls come from one thread; none of them raises."""

    name: str

    def sample(self, monotonic: float) -> Rows:
        """The rows of this tick. `monotonic` is its time in seconds, for rates."""
        ...

    def devices(self) -> Sequence[DeviceState]:
        """Every device seen since the start, lost ones too. The same object while unchanged."""
        ...

    def state(self) -> SourceState:
        """Whether the source can read anything, and if not, why."""
        ...

    def close(self) -> None:
        """Let go of the hardware. Never waits for a call that hangs."""
        ...
