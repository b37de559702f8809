"""What a data folder holds, for notebooks and scripts: `from monitor import open_store`.

It reads what any recorder wrote, here or on another machine, while it runs or long after.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import fs

from monitor.metrics import GPU, TABLES, Table
from monitor.queries.archive import Archive
from monitor.queries.devices import recorded_devices, recorded_indices
from monitor.queries.export import export
from monitor.queries.live_rows import LiveRows
from monitor.queries.question import BadQuestion, Question, chosen_table, question
from monitor.queries.series import SAMPLES
from monitor.queries.span import ALLOWED
from monitor.settings import DEFAULT_TIERS, load
from monitor.storage.folders import file_system, folder_name
from monitor.storage.history import History
from monitor.storage.locations import host_name, live_db, overflow_db
from monitor.storage.schema import raw_schema
from monitor.storage.tiers import Tier, parse_tiers

if TYPE_CHECKING:
    import pandas as pd

_HOST_FOLDER = re.compile(r"/tier=(?P<tier>[^/]+)/host=(?P<host>[^/]+)$")

Moment = str | datetime
"""`-6h`, `now`, an ISO 8601 time or a datetime (a pandas Timestamp too); UTC without a zone."""


class Recordings:
    """The recordings of one host in a data folder.

    Questions that cannot be are a ValueError of one sentence; a folder that cannot be read is an
    OSError.
    """

    def __init__(self, data: str, host: str | None = None) -> None:
        folders = _folders(data)
        self.hosts = sorted({found_host for _, _, found_host in folders})
        here = folder_name(host_name())
        self.host = _chosen_host(data, self.hosts, host, here)
        mine = [folder for folder in folders if folder[2] == self.host]
        self.tables = [name for name in TABLES if any(name == table for table, _, _ in mine)]
        paths = _live_files(data, self.hosts, self.host, here)
        history = History(data, self.host)
        tiers = _tiers({tier for _, tier, _ in mine})
        self._archive = Archive(history, LiveRows(paths), tiers)
        # The folder's name is the host's without its odd characters.
        history.host = self.host = _true_name(self._archive, self.tables) or self.host

    @property
    def tiers(self) -> list[str]:
        """The resolutions there are, finest first."""
        return [tier.name for tier in self._archive.tiers]

    @property
    def archive(self) -> Archive:
        """What answers the questions."""
        return self._archive

    def devices(self, table: str) -> list[str]:
        """Every device of a table that has ever had a row: UUIDs, mount points, interfaces."""
        return recorded_devices(self._archive, chosen_table(table))

    def indices(self, table: Table) -> dict[str, object]:
        """The index of each GPU that has one, by UUID; nothing of another table."""
        if table is not GPU:
            return {}
        return {device: int(index) for index, device in recorded_indices(self._archive).items()}

    def series(
        self,
        table: str,
        metrics: str | Sequence[str] = (),
        start: Moment = "-1h",
        end: Moment = "now",
        devices: str | int | Sequence[str | int] | None = None,
        resolution: str | int | None = None,
        max_points: int | None = None,
    ) -> pd.DataFrame:
        """The metrics over a span: `time` (UTC), `device`, the columns; missing is NaN.

        Where rows are buckets, `samples` is how many ticks each has.

        Every row of the finest tier that has the span or, with `resolution`, of that tier. With
        `max_points` a device has at most so many, which keep lowest and highest. GPUs go by UUID
        or index.
        """
        asked = self.question(
            chosen_table(table),
            metrics=metrics,
            start=start,
            end=end,
            devices=devices,
            resolution=resolution,
            max_points=max_points,
        )
        if asked.table.keys != ("device",):
            exported = export(self._archive, asked)
            rows = [exported.schema.empty_table(), *(rows for rows, _ in exported.parts())]
            frame: pd.DataFrame = pa.concat_tables(rows).drop_columns("host").to_pandas()
            return frame
        series = asked.series(self._archive)
        frame = series.frame()
        if series.rolled:
            counts = [line.columns[SAMPLES] for line in series.lines]
            frame[SAMPLES] = np.concatenate(counts or [np.empty(0)]).astype(np.int64)
        return frame

    def question(
        self,
        table: Table,
        *,
        metrics: str | Iterable[str] = (),
        start: Moment = "-1h",
        end: Moment = "now",
        devices: str | int | Sequence[str | int] | None = None,
        resolution: str | int | None = None,
        max_points: int | None = None,
    ) -> Question:
        """What is asked, in full; BadQuestion where it cannot be."""
        return question(
            self._archive,
            table,
            metrics=_names("metrics", metrics),
            devices=None if devices is None else self._named(table, devices),
            start=_text("start", start),
            end=_text("end", end),
            now=round(time.time() * 1000),
            resolution=None if resolution is None else str(resolution),
            max_points=_number("max_points", max_points),
        )

    def _named(self, table: Table, asked: object) -> list[str]:
        names = _names("devices", asked)
        known = recorded_devices(self._archive, table)
        indices = recorded_indices(self._archive) if table is GPU else {}
        unknown = [name for name in names if name not in known and name not in indices]
        if unknown:
            numbers = {device: f"{index} ({device})" for index, device in indices.items()}
            there = ", ".join(numbers.get(device, device) for device in known) or "none"
            named = ", ".join(map(repr, unknown))
            raise BadQuestion("devices", f"{table.name} has no {named}; there are: {there}")
        return [name if name in known else indices[name] for name in names]


def open_store(data: str | Path = "data", host: str | None = None) -> Recordings:
    """The recordings in a data folder, or below `s3://bucket/prefix`.

    Where several hosts have recorded there, this machine's, or those of `host`.
    """
    return Recordings(str(data), host)


def _text(parameter: str, moment: object) -> str:
    if isinstance(moment, date):
        return moment.isoformat()
    if isinstance(moment, str):
        return moment
    raise BadQuestion(parameter, f"{moment!r} is not a time; write {ALLOWED}")


def _number(parameter: str, given: object) -> int | None:
    if given is None:
        return None
    if isinstance(given, Integral) and not isinstance(given, bool):
        return int(given)
    raise BadQuestion(parameter, f"{given!r} is no whole number")


def _names(parameter: str, given: object) -> list[str]:
    """The names in a list of texts and whole numbers; one alone is such a list."""
    if isinstance(given, str | Integral):
        return [str(given)]
    if isinstance(given, Iterable):
        names = list(given)
        if all(isinstance(name, str | Integral) for name in names):
            return [str(name) for name in names]
    raise BadQuestion(parameter, f"{given!r} is no list of names")


def _chosen_host(data: str, hosts: Sequence[str], asked: str | None, here: str) -> str:
    if asked is not None:
        if folder_name(asked) not in hosts:
            there = ", ".join(hosts) or "none"
            raise BadQuestion("host", f"nothing of {asked!r} is in {data}; there are: {there}")
        return folder_name(asked)
    if not hosts or here in hosts:
        return here
    if len(hosts) > 1:
        raise BadQuestion("host", f"{data} has several, name one of: {', '.join(hosts)}")
    return hosts[0]


def _live_files(data: str, hosts: Sequence[str], host: str, here: str) -> list[Path]:
    """Where the newest rows of the host may be."""
    if host == here:
        settings = load(["--data", data])
        return [live_db(settings), overflow_db(settings)]
    # A folder copied from another machine has that machine's; one that hosts share, another's.
    return [Path(data) / "live.db"] if hosts == [host] and "://" not in data else []


def _folders(data: str) -> list[tuple[str, str, str]]:
    """(table, tier, host) of each folder with files."""
    files, root = file_system(data)
    if "://" not in data and not Path(root).is_dir():
        raise FileNotFoundError(2, "No such folder", data)
    found: list[tuple[str, str, str]] = []
    for table in TABLES:
        selector = fs.FileSelector(f"{root}/{table}", allow_not_found=True, recursive=True)
        for info in files.get_file_info(selector):
            match = _HOST_FOLDER.search(info.path)
            if match:
                found.append((table, match["tier"], match["host"]))
    return found


def _tiers(names: set[str]) -> Sequence[Tier]:
    every = parse_tiers(DEFAULT_TIERS)
    return [tier for tier in every if tier.raw or tier.name in names or not names]


def _true_name(archive: Archive, tables: Iterable[str]) -> str | None:
    """The host as the rows have it; None where there is none."""
    for table in tables:
        schema = pa.schema([raw_schema(TABLES[table]).field("host")])
        for tier in archive.tiers:
            for opened in archive.history.open(TABLES[table], tier, 0, 1 << 62)[-1:]:
                hosts = opened.read(opened.groups(0, 1 << 62, None)[:1], schema).column("host")
                if len(hosts):
                    return str(hosts[0].as_py())
    return None
