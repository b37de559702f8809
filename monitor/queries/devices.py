"""Which devices the history has rows of, also those that went long ago."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from monitor.metrics import Table
from monitor.queries.series import Archive
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


def _words(rows: pa.Table) -> Iterator[str]:
    yield from pc.unique(rows.column("device").unify_dictionaries()).to_pylist()
