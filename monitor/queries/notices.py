"""What the page's banner says: the kind of trouble, a sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from monitor.queries.latest import Latest

Kind = Literal["gpu", "storage", "clock", "recorder", "general"]

# How long the page tells that a recorder took over from one that did not say goodbye.
_TAKEOVER_MS = 120_000


class Notice(TypedDict):
    """One line of the banner."""

    kind: Kind
    text: str
    advice: str


def notices(latest: Latest) -> list[Notice]:
    """Everything a person should know now, the most pressing first."""
    recorder = latest.recorder
    found: list[Notice] = []
    storage = recorder.get("storage")
    if isinstance(storage, Mapping) and not storage.get("ok", True):
        found.append(
            Notice(
                kind="storage", text=str(storage["reason"]), advice=str(storage.get("advice", ""))
            )
        )
    if recorder.get("clock"):
        found.append(Notice(kind="clock", text=str(recorder["clock"]), advice=""))
    found += [
        Notice(kind="gpu", text=f"{_name(gpu.facts, gpu.device)}: {gpu.reason}", advice="")
        for gpu in latest.gpus()
        if gpu.status not in {"ok", "asleep"}
    ]
    if latest.gpus():
        found += [
            Notice(kind="gpu", text=reason, advice=advice)
            for reason, advice in _gpu_source_troubles(latest)
        ]
    takeover = _takeover(latest)
    if takeover:
        found.append(takeover)
    return found


def gpu_trouble(latest: Latest) -> tuple[str, str]:
    """(reason, advice) where no GPU can be read; two empty texts where one can."""
    if latest.gpus():
        return "", ""
    return next(iter(_gpu_source_troubles(latest)), ("", ""))


def _gpu_source_troubles(latest: Latest) -> list[tuple[str, str]]:
    sources = latest.recorder.get("sources")
    return [
        (str(source.get("reason", "")), str(source.get("advice", "")))
        for source in (sources if isinstance(sources, list) else ())
        if source.get("name") != "host" and not source.get("ok")
    ]


def _takeover(latest: Latest) -> Notice | None:
    previous, started = latest.recorder.get("previous"), latest.recorder.get("started")
    if not isinstance(previous, Mapping) or not previous or previous.get("ended"):
        return None
    if not isinstance(started, int) or (latest.time or 0) - started > _TAKEOVER_MS:
        return None
    return Notice(
        kind="recorder",
        text=f"The recorder (pid {previous.get('pid')}) ended without a word; another records now.",
        advice="Its log says why; nothing that it had recorded is lost.",
    )


def _name(facts: Mapping[str, object], device: str) -> str:
    index = facts.get("index")
    return f"GPU {index}" if index is not None else device
