"""All of a recorder's storage behind one door: live.db at once, Parquet in its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.settings import Settings
from monitor.sources.base import DeviceState, Rows
from monitor.storage.journal import Journal
from monitor.storage.locations import live_db


class Store:
    """What the sampler and the recorder's jobs write to."""

    def __init__(self, settings: Settings, on_change: Callable[[], None]) -> None:
        path = live_db(settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.journals = Journal(path, shared=True)

    def covers(self, time: int) -> bool:
        return False

    def add(self, time: int, rows: Rows) -> None:
        self.journals.append(time, rows)

    def put_devices(self, states: Sequence[DeviceState]) -> None:
        self.journals.put_devices(states)

    def recover(self) -> None: ...

    def flush(self, *, final: bool = False) -> None:
        self.journals.checkpoint()

    def prune(self, now: float) -> None: ...

    def state(self) -> dict[str, object]:
        return {"ok": True, "reason": ""}

    def close(self) -> None:
        self.journals.close()
