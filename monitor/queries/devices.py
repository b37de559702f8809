"""Which devices the history has rows of, also those that went long ago."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from monitor.metrics import GPU, Table
from monitor.queries.archive import Archive
from monitor.storage.history import columns_of

_EVER = 1 << 62


def recorded_devices(
    archive: Archive, table: Table, start: int = 0, end: int = _EVER, tier: str | None = None
) -> list[str]:
    """Every device with a row in the span, in files or in memory, sorted; of one tier or of all."""
    found: set[str] = set()
    for stored in archive.tiers:
        if tier in (None, stored.name):
            for opened in archive.history.open(table, stored, start, end):
                groups = opened.groups(start, end, None)
                found.update(_words(opened.read(groups, columns_of(table, stored, ()))))
    rows = archive.live.columns(table, start).between(start, end)
    found.update(rows.devices[code] for code in set(rows.device_codes.tolist()))
    return sorted(found)


def has_recorded(archive: Archive, table: Table, device: str) -> bool:
    """Whether there is a row of this device. Opens only files that may have one."""
    for tier in reversed(archive.tiers):
        schema = columns_of(table, tier, ())
        for opened in archive.history.open(table, tier, 0, _EVER):
            groups = opened.groups(0, _EVER, [device])
            if groups and device in _words(opened.read(groups, schema)):
                return True
    return device in archive.live.columns(table, 0).devices


def recorded_indices(archive: Archive) -> dict[str, str]:
    """GPUs by the index each had last; of two that had one index, the newest."""
    newest: dict[str, tuple[int, str]] = {}
    for tier in reversed(archive.tiers):
        if newest:
            break
        for opened in archive.history.open(GPU, tier, 0, _EVER)[-1:]:
            groups = opened.groups(0, _EVER, None)
            rows = opened.read(groups, columns_of(GPU, tier, ("index",)))
            last = rows.group_by(["device", "index"]).aggregate([("time", "max")])
            for row in last.to_pylist():
                _note(
                    newest, row["index"], round(row["time_max"].timestamp() * 1000), row["device"]
                )
    rows = archive.live.columns(GPU, 0)
    seen = zip(rows["index"].tolist(), rows.times.tolist(), rows.device_codes.tolist(), strict=True)
    for index, time, code in seen:
        _note(newest, None if index != index else int(index), time, rows.devices[code])
    return {index: device for index, (_, device) in newest.items()}


def _note(newest: dict[str, tuple[int, str]], index: int | None, time: int, device: str) -> None:
    if index is not None and newest.get(str(index), (0, ""))[0] < time:
        newest[str(index)] = time, device


def _words(rows: pa.Table) -> Iterator[str]:
    yield from pc.unique(rows.column("device").unify_dictionaries()).to_pylist()
