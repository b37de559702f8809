"""The newest tick, as one object that never changes: what the page and the API show as "now"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from monitor.sources.base import DeviceState, Row


@dataclass(frozen=True)
class Latest:
    """Everything current. `sequence` grows by one as a tick or a new state arrives.

    `time` is the newest tick in ms since 1970, None before the first. `rows` holds, by table and
    device, the rows of that tick (of the newest tick that had any, for tables read less often, and
    none once more than two such readings have had none); `ticks` is the tick they are of, by table.
    `devices` are all devices ever seen, by table. `recorder` is the recorder's own note.
    `arrived` is when it arrived here, on the monotonic clock.
    """

    sequence: int = 0
    time: int | None = None
    rows: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)
    ticks: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, DeviceState]] = field(default_factory=dict)
    recorder: Mapping[str, object] = field(default_factory=dict)
    arrived: float = 0.0

    def table(self, name: str) -> Mapping[str, Row]:
        """Rows by device; empty where the table has none."""
        return self.rows.get(name, {})

    def gpus(self) -> list[DeviceState]:
        """Every GPU ever seen, in index order, MIG instances behind their GPU."""
        return list(self._gpus)

    @cached_property
    def _gpus(self) -> tuple[DeviceState, ...]:
        return tuple(sorted(self.devices.get("gpu", {}).values(), key=_gpu_order))


def _gpu_order(gpu: DeviceState) -> tuple[int, int, str]:
    index, instance = gpu.facts.get("index"), gpu.facts.get("mig_index")
    return (
        index if isinstance(index, int) else 1 << 30,
        instance if isinstance(instance, int) else -1,
        gpu.device,
    )


def is_whole(gpu: DeviceState) -> bool:
    """Whether it is a GPU, not a MIG instance of one."""
    return gpu.facts.get("mig_index") is None


def short_name(gpu: DeviceState) -> str:
    """`GPU 3`; `GPU 0, MIG 1` for an instance."""
    index, instance = gpu.facts.get("index"), gpu.facts.get("mig_index")
    name = f"GPU {'?' if index is None else index}"
    return name if instance is None else f"{name}, MIG {instance}"


def iso(time: int | None) -> str | None:
    """`2026-11-24T10:00:01.000Z` for ms since 1970."""
    if time is None:
        return None
    moment = datetime.fromtimestamp(time / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
