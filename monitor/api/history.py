"""The API's paths to the past."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from monitor.api import history_models as models
from monitor.api.caching import CHECKED, KEPT, is_settled
from monitor.api.described import answers
from monitor.api.encode import find_gpus
from monitor.api.history_parameters import (
    HistoryTable,
    Moment,
    Resolution,
    column_of,
    columns,
)
from monitor.api.parameters import Asked, GpuFilter, NoParameters
from monitor.api.problems import (
    NOT_STORED,
    Refusal,
    bad_parameter,
    gpu_unavailable,
    storage_unavailable,
    unknown_gpu,
)
from monitor.api.turns import Pieces, Turns
from monitor.metrics import GPU, Table
from monitor.queries.archive import MAX_POINTS, Archive
from monitor.queries.columnwise import columnwise
from monitor.queries.current import Current
from monitor.queries.devices import has_recorded, recorded_devices
from monitor.queries.export import Export, export
from monitor.queries.formats import FORMATS, Format, Piece, file_name, written
from monitor.queries.latest import Latest
from monitor.queries.question import (
    FEWEST_POINTS,
    MOST_POINTS,
    BadQuestion,
    Question,
    chosen_table,
    question,
)
from monitor.queries.span import ALLOWED, is_fixed
from monitor.sources.base import DeviceState

# Beyond as many numbers an answer is made piece by piece.
_MANY_VALUES = 2_000_000
# So much of it tells how long it will be.
_FIRST_BYTES = 1_000_000
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {media: _BINARY for kind, media in FORMATS.items() if kind != "json"}


class Span(NoParameters):
    """Which metrics over which span, and how finely."""

    metrics: list[str] = columns("power_watts")
    start: Moment = Field("-1h", description=ALLOWED)
    end: Moment = Field("now", description=f"{ALLOWED}; now")
    resolution: Resolution | None = Field(
        None,
        description="name of a tier, such as 1m, or its seconds; "
        "where it is left out, the finest that has the span in max_points",
        examples=["1m"],
    )
    max_points: int | None = Field(
        None,
        ge=FEWEST_POINTS,
        le=MOST_POINTS,
        description="most points of a line, which keep lowest and highest; "
        f"{MAX_POINTS:,} where neither it nor resolution is given",
        examples=[1000],
    )
    format: Format = Field(
        "json", description="of the answer; all but a short json is a file", examples=["csv"]
    )


class GpuSpan(Span, GpuFilter):
    """Which GPUs over which span."""

    metrics: list[column_of(GPU)] = columns("power_watts,temperature_celsius")  # type: ignore[valid-type]


class TableSpan(Span):
    """Which table and devices over which span."""

    metrics: list[column_of(*models.HISTORY_TABLES.values())] = columns("load_1m")  # type: ignore[valid-type]
    table: HistoryTable = Field("host", description="what the rows are of")
    device: list[Asked] = Field(
        [],
        max_length=1024,
        description="core number, mount point or interface; repeat it for several; all otherwise",
        examples=[["/"]],
    )


def add_history(paths: APIRouter, current: Current, archive: Archive) -> None:
    """The paths below `paths`."""
    turns = Turns()

    @paths.get(
        "/gpu-metrics/history", **answers(models.GpuHistory, 404, 422, 429, 503, more=_FILES)
    )
    async def gpu_history(request: Request, asked: Annotated[GpuSpan, Query()]) -> Response:
        """GPU metrics over a span, column by column, a block for each GPU that has rows."""
        make = partial(_gpu_history, archive, current.latest, asked)
        return await turns.answer(request, make)

    @paths.get("/metrics/history", **answers(models.MetricsHistory, 422, 429, 503, more=_FILES))
    async def metrics_history(request: Request, asked: Annotated[TableSpan, Query()]) -> Response:
        """The machine, its cores, disks or interfaces over a span, column by column."""
        make = partial(_metrics_history, archive, current.latest, asked)
        return await turns.answer(request, make)


def _gpu_history(archive: Archive, latest: Latest, asked: GpuSpan) -> Response:
    try:
        devices = chosen_gpus(archive, latest, asked.gpu)
        return _answer(archive, _question(archive, GPU, asked, devices), asked, latest)
    except OSError as error:
        raise storage_unavailable(error) from None


def _metrics_history(archive: Archive, latest: Latest, asked: TableSpan) -> Response:
    try:
        table = chosen_table(asked.table, models.HISTORY_TABLES)
        wanted = _question(archive, table, asked, asked.device or None)
        return _answer(archive, wanted, asked, latest)
    except BadQuestion as bad:
        raise bad_parameter(bad.parameter, bad.reason) from None
    except OSError as error:
        raise storage_unavailable(error) from None


def chosen_gpus(archive: Archive, latest: Latest, asked: Sequence[str]) -> list[str] | None:
    """The UUIDs behind these indices and UUIDs; None, which is all, where none is named.

    What no GPU that is there is called stays as it is: the history may know it. A Refusal where
    there never was a GPU.
    """
    gpus = latest.gpus()
    if not asked:
        if not gpus and archive.first(GPU) is None:
            raise gpu_unavailable(latest)
        return None
    found = [name for text in asked for name in find_gpus(text, gpus) or [text]]
    return list(dict.fromkeys(found))


def _strangers(asked: Question, latest: Latest) -> set[str]:
    """The devices asked for that are not there now."""
    return set(asked.devices or ()) - set(_present(asked.table, latest))


def _present(table: Table, latest: Latest) -> Collection[str]:
    return latest.devices.get(table.name) or latest.table(table.name)


def _check_recorded(
    archive: Archive, latest: Latest, table: Table, strangers: Iterable[str]
) -> None:
    """A Refusal for the first of these that the history has no row of."""
    for asked in strangers:
        if not has_recorded(archive, table, asked):
            raise _unknown(archive, latest, table, asked)


def _unknown(archive: Archive, latest: Latest, table: Table, asked: str) -> Refusal:
    if table is not GPU:
        there = ", ".join(_present(table, latest) or recorded_devices(archive, table))
        why = f"{table.name} has no {asked!r}; there are: {there or 'none'}"
        return bad_parameter("device", why)
    gpus = latest.gpus()
    past = [DeviceState("gpu", device) for device in recorded_devices(archive, GPU)]
    if not gpus and not past:
        return gpu_unavailable(latest)
    return unknown_gpu(asked, gpus or past)


def _question(
    archive: Archive, table: Table, asked: Span, devices: Sequence[str] | None
) -> Question:
    try:
        return question(
            archive,
            table,
            metrics=asked.metrics,
            devices=devices,
            start=asked.start,
            end=asked.end,
            now=round(time.time() * 1000),
            resolution=asked.resolution,
            max_points=asked.max_points,
            default_points=MAX_POINTS,
        )
    except BadQuestion as bad:
        raise bad_parameter(bad.parameter, bad.reason) from None


def _answer(
    archive: Archive,
    wanted: Question,
    asked: Span,
    latest: Latest,
) -> Response:
    """The answer; a Refusal where a device is asked for that there is not and never was."""
    strangers = _strangers(wanted, latest)
    indices = {gpu.device: gpu.facts.get("index") for gpu in latest.gpus()}
    if asked.format != "json" or _values(archive, wanted, latest) > _MANY_VALUES:
        _check_recorded(archive, latest, wanted.table, strangers)
        return _streamed(archive, wanted, asked.format, indices)
    series = wanted.series(archive)
    # Whoever has a line is known: mostly no further file has to be opened.
    strangers -= {line.device for line in series.lines}
    _check_recorded(archive, latest, wanted.table, strangers)
    body = columnwise(series, indices)
    past = is_fixed(asked.start) and is_fixed(asked.end)
    keeping = KEPT if past and is_settled(wanted.end, round(1000 * time.time())) else CHECKED
    shape = Export(archive, replace(wanted, start=series.start), series.step, series.rolled)
    name = file_name(shape, "json")
    headers = {**keeping, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(body, headers=headers, media_type="application/json")


def _streamed(
    archive: Archive, asked: Question, kind: Format, indices: Mapping[str, object]
) -> Response:
    """A file, as it is being made; `Estimated-Length` is how many bytes it may come to."""
    exported = export(archive, asked)
    pieces = written(exported, kind, indices)
    begun, done = b"", 1.0
    # What cannot be read is told before the answer begins.
    for piece in pieces:
        begun += piece.content
        done = piece.done
        if done and len(begun) >= _FIRST_BYTES:
            break
    length = round(len(begun) / done)
    headers = {
        **NOT_STORED,
        "Content-Disposition": f'attachment; filename="{file_name(exported, kind)}"',
        "Estimated-Length": str(length),
    }
    return Pieces(_rest(begun, pieces), headers, FORMATS[kind])


def _rest(begun: bytes, pieces: Iterator[Piece]) -> Generator[bytes]:
    yield begun
    for piece in pieces:
        if piece.content:
            yield piece.content


def _values(archive: Archive, asked: Question, latest: Latest) -> int:
    """How many numbers the answer, or what it is made of, can have at most."""
    there = len(_present(asked.table, latest))
    devices = len(asked.devices) if asked.devices is not None else max(1, there)
    begin = asked.start
    found = _cells(archive, asked, begin, devices)
    if found > _MANY_VALUES:
        first = archive.history.first(asked.table, asked.tier, begin)
        found = _cells(archive, asked, begin if first is None else first, devices)
    return found


def _cells(archive: Archive, asked: Question, begin: int, devices: int) -> int:
    rows = (asked.end - begin) // archive.step(asked.tier)
    return rows * devices * max(1, len(asked.columns)) * (1 if asked.tier.raw else 3)
