"""`python -m monitor export`: any table over any span into a file."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from monitor.metrics import TABLES
from monitor.queries.export import export
from monitor.queries.formats import FORMATS, Format, Piece, written
from monitor.queries.question import BadQuestion, chosen_table
from monitor.queries.span import ALLOWED
from monitor.recordings import open_store
from monitor.settings import load

_BAR = 30
_REDRAW_SECONDS = 0.1


class _Parser(argparse.ArgumentParser):
    """Refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        """As any other bad question is refused."""
        raise BadQuestion("command line", f"{message}; {self.prog} --help lists the options")


def export_command(arguments: Sequence[str]) -> int:
    """Exit status: 0 well, 1 what cannot be read or written, 2 what cannot be asked."""
    try:
        options = _options(arguments)
        _export(options)
    except BadQuestion as error:
        reason = str(error)
        print(f"{reason[0].upper()}{reason[1:]}.", file=sys.stderr)  # noqa: T201
        return 2
    except BrokenPipeError:
        # Who read has enough; nothing more may be written at the end of the program.
        sys.stdout = None
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror or error}.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _export(options: argparse.Namespace) -> None:
    kind = _format(options.format, options.output)
    store = open_store(options.data or load().data, options.host)
    table = chosen_table(options.table)
    asked = store.question(
        table,
        metrics=options.metrics,
        start=options.start,
        end=options.end,
        devices=options.device + options.gpu or None,
        resolution=options.resolution,
        max_points=options.max_points,
    )
    pieces = written(export(store.archive, asked), kind, store.indices(table))
    with _output(options.output) as file, _progress(sys.stderr.isatty()) as show:
        size = 0
        for piece in pieces:
            file.write(piece.content)
            size += len(piece.content)
            show(piece, size)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser("python -m monitor export", description="Any table over any span as a file.")
    option = parser.add_argument
    option("output", help="file to write; - is the standard output")
    option("--data", help="folder (or s3://bucket/prefix) that keeps the history")
    option("--host", help="whose recordings, where several hosts have some there")
    option("--table", default="gpu", help=f"one of {', '.join(TABLES)}; gpu")
    option("--start", default="-1h", help=f"{ALLOWED}; -1h")
    option("--end", default="now", help="the same; now")
    option("--resolution", help="a tier's name, such as 1m; else the finest that has the span")
    option("--max-points", type=int, help="most points of a device; keeps lowest and highest")
    option("--metrics", action="append", default=[], help="columns, separated by commas; all")
    option("--gpu", action="append", default=[], help="index or UUID; may be repeated")
    option("--device", action="append", default=[], help="UUID, core, mount point or interface")
    option("--format", help=f"one of {', '.join(FORMATS)}; else by the file's name")
    # A time before now begins like an option.
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in {"--start", "--end"}:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return parser.parse_args(joined)


def _format(asked: str | None, output: str) -> Format:
    name = asked or Path(output).suffix.removeprefix(".")
    for kind in FORMATS:
        if name == kind:
            return kind
    there = ", ".join(FORMATS)
    if asked is None:
        raise BadQuestion("format", f"{output!r} does not say which; --format is one of {there}")
    raise BadQuestion("format", f"there is no {asked!r}; there are {there}")


@contextlib.contextmanager
def _output(name: str) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), name) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[Piece, int], None]]:
    """What draws a bar on a terminal, and takes it away at the end."""
    drawn = 0.0

    def show(piece: Piece, size: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if wanted and (now - drawn > _REDRAW_SECONDS or piece.done == 1.0):
            drawn = now
            bar = "█" * round(_BAR * piece.done)
            sys.stderr.write(f"\r{bar:░<{_BAR}} {piece.done:4.0%} {size / 1e6:,.1f} MB")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if drawn:
            sys.stderr.write("\n")
