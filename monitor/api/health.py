"""Whether recording is fresh, and all that tells why it might not be."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from monitor import __version__
from monitor.queries.latest import Latest, iso

FRESH_INTERVALS = 5
"""A last tick older than this many intervals is stale."""


class RecorderHealth(BaseModel):
    """The process that records; null in every field before there was one."""

    pid: int | None = Field(description="process id", examples=[4242])
    started: str | None = Field(
        description="when it began, UTC", examples=["2026-11-24T09:00:00.120Z"]
    )
    ended: bool = Field(description="whether it has said goodbye", examples=[False])
    interval_seconds: float | None = Field(description="seconds between ticks", examples=[1.0])
    last_tick: str | None = Field(
        description="newest tick, UTC", examples=["2026-11-24T10:00:01.000Z"]
    )
    last_tick_age_seconds: float | None = Field(description="its age, seconds", examples=[0.4])
    missed_count: int | None = Field(description="ticks skipped since it began", examples=[0])
    explanation: str | None = Field(
        description="why these sources were chosen",
        examples=["GPUs are read through NVML, the NVIDIA driver's library."],
    )


class SourceHealth(BaseModel):
    """A source of readings."""

    name: str = Field(examples=["nvml"])
    ok: bool = Field(description="whether it can read anything", examples=[True])
    reason: str = Field(description="why not", examples=[""])
    advice: str = Field(description="what to do about it", examples=[""])


class StorageHealth(BaseModel):
    """Where the history goes."""

    ok: bool | None = Field(
        description="whether everything is written; null when not known", examples=[True]
    )
    reason: str = Field(description="why not", examples=[""])
    advice: str = Field(description="what to do about it", examples=[""])
    path: str = Field(description="data folder", examples=["data"])
    free_bytes: int | None = Field(
        description="room left there; null where it is remote", examples=[412316860416]
    )


class Health(BaseModel):
    """`stale` once the newest tick is older than five intervals, `starting` before the first."""

    status: Literal["ok", "stale", "starting"] = Field(
        description="`ok` while ticks arrive", examples=["ok"]
    )
    recorder: RecorderHealth
    sources: list[SourceHealth]
    storage: StorageHealth
    clock: str = Field(description="what is odd about the machine's clock", examples=[""])
    version: str = Field(description="of this monitor", examples=["0.1.0"])


def health(latest: Latest, data: str) -> Health:
    """How recording is now. Looks at the data folder, which can block."""
    note: Mapping[str, Any] = latest.recorder
    interval = note.get("interval")
    age = last_tick_age(latest)
    return Health(
        status=_status(age, interval or 1.0),
        recorder=RecorderHealth(
            pid=note.get("pid"),
            started=iso(note.get("started")),
            ended=bool(note.get("ended", False)),
            interval_seconds=interval,
            last_tick=iso(latest.time),
            last_tick_age_seconds=age,
            missed_count=latest.table("recorder").get("host", {}).get("missed_count"),
            explanation=note.get("explanation"),
        ),
        sources=[SourceHealth(**source) for source in note.get("sources", ())],
        storage=StorageHealth(
            **{"ok": None, "reason": "", "advice": "", **note.get("storage", {})},
            path=data,
            free_bytes=_free_bytes(data),
        ),
        clock=note.get("clock", ""),
        version=__version__,
    )


def last_tick_age(latest: Latest) -> float | None:
    """Seconds since the newest tick, None before the first.

    By the wall clock, and at least the time since it arrived: a clock that was set back cannot
    make an old tick young.
    """
    if latest.time is None:
        return None
    waited = time.monotonic() - latest.arrived
    return round(max(time.time() - latest.time / 1000, waited, 0.0), 3)


def _status(age: float | None, interval: float) -> Literal["ok", "stale", "starting"]:
    if age is None:
        return "starting"
    return "ok" if age <= FRESH_INTERVALS * interval else "stale"


def _free_bytes(data: str) -> int | None:
    try:
        return shutil.disk_usage(data).free
    except OSError:
        return None
