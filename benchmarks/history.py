"""How fast recorded data is answered, beside Prometheus and VictoriaMetrics on the same samples.

Everything goes over HTTP on loopback, one query at a time on a connection that stays open; a
figure is the median of thirty, warm, the servers taking turns. This program has its tiers. The
rivals have the seconds, as they were recorded; beside that, they are asked for rows that a
recording rule would have made for them, one a step. Every answer is counted before it is timed.

Run `python -m benchmarks.history`.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.figures import Figure, table
from benchmarks.history_client import Client, connected, medians
from benchmarks.history_data import DAY_MS, TIERS_TEXT, write_history
from benchmarks.history_figures import beside
from benchmarks.history_growth import growth
from benchmarks.history_questions import (
    DAY,
    SECONDS,
    WEEK,
    YEARS,
    Question,
    check_ours,
    check_theirs,
    recorded,
    rolled_up,
)
from benchmarks.history_server import serving
from benchmarks.realistic import gpu_columns
from benchmarks.rivals import NotToBeHad, Samples, prometheus, victoria_metrics
from monitor.storage.locations import host_name

_QUESTIONS = (DAY, SECONDS, WEEK, YEARS)
_STARTS = 5
_FIRST_OF_WARM = 4
Rivals = dict[str, Client | None]


def history() -> list[Figure]:
    """Every figure."""
    # An hour ago at the latest, so that nobody takes the newest rows for unfinished ones.
    end = (int(time.time() * 1000) - 3_600_000) // DAY_MS * DAY_MS
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        write_history(folder / "data", end, host=host_name())
        with (
            serving(folder / "data", TIERS_TEXT) as port,
            connected(port) as ours,
            _rivals(folder, end) as rivals,
        ):
            figures = [
                figure
                for question in _QUESTIONS
                for figure in _compared(question, end, ours, rivals)
            ]
        figures += _first_after_start(folder / "data", end)
    return figures + growth(end)


@contextlib.contextmanager
def _rivals(folder: Path, end: int) -> Iterator[Rivals]:
    day = gpu_columns(0, 86_400)
    samples = [*recorded(day, end), *rolled_up(day, end)]
    with contextlib.ExitStack() as stack:
        yield {
            "Prometheus": _started(stack, prometheus, folder, samples),
            "VictoriaMetrics": _started(stack, victoria_metrics, folder, samples),
        }


def _started(
    stack: contextlib.ExitStack,
    rival: Callable[[Path, Sequence[Samples]], AbstractContextManager[int]],
    folder: Path,
    samples: Sequence[Samples],
) -> Client | None:
    try:
        port = stack.enter_context(rival(folder, samples))
    except NotToBeHad as error:
        print(error, file=sys.stderr)
        return None
    return stack.enter_context(connected(port))


def _compared(question: Question, end: int, ours: Client, rivals: Rivals) -> list[Figure]:
    """Our figure, its ratio, and the rivals' own."""
    asked: dict[str, tuple[Client | None, str]] = {"": (ours, question.ours(end))}
    if question.compared:
        for name, (rival, path) in _theirs(question, end).items():
            asked[name] = (rivals[rival], path)
    check_ours(question, ours.json(question.ours(end)))
    there = {name: (client, path) for name, (client, path) in asked.items() if client is not None}
    for name, (client, path) in there.items():
        if name:
            check_theirs(question, client.json(path))
    took = dict(zip(there, medians(list(there.values())), strict=True))
    mine, victoria = took[""], took.get("VictoriaMetrics")
    figures = [Figure(question.name, question.limit, mine, "ms")]
    if question.of_victoria is not None:
        share = mine / victoria if victoria else None
        figures.append(Figure("- of VictoriaMetrics' time", question.of_victoria, share, "×"))
    return figures + [beside(f"- {name}", took.get(name), "ms") for name in asked if name]


def _theirs(question: Question, end: int) -> dict[str, tuple[str, str]]:
    """By name: which rival is asked, and what."""
    promql, metricsql = question.prometheus, question.victoria_metrics
    asked = {
        "Prometheus": ("Prometheus", question.theirs(promql, end)),
        "VictoriaMetrics": ("VictoriaMetrics", question.theirs(metricsql, end, nocache="1")),
        "VictoriaMetrics, from its result cache": (
            "VictoriaMetrics",
            question.theirs(metricsql, end),
        ),
    }
    if not question.max_points:
        for rival, more in (("Prometheus", {}), ("VictoriaMetrics", {"nocache": "1"})):
            path = question.theirs(question.rolled, end, **more)
            asked[f"{rival}, from means of {question.resolution}"] = (rival, path)
    return asked


def _first_after_start(data: Path, end: int) -> Iterator[Figure]:
    """Of each question, milliseconds after a start and how they stand to the same, warm."""
    for question in _QUESTIONS:
        pairs = [_first_and_warm(data, question, end) for _ in range(_STARTS)]
        first, warm = map(statistics.median, zip(*pairs, strict=True))
        yield beside(f"{question.name}, first after a start", first, "ms")
        yield Figure("- of warm", _FIRST_OF_WARM, first / warm, "×")


def _first_and_warm(data: Path, question: Question, end: int) -> tuple[float, float]:
    path = question.ours(end)
    with serving(data, TIERS_TEXT) as port, connected(port) as client:
        first = 1000 * client.seconds(path)
        (warm,) = medians([(client, path)])
    return first, warm


def main() -> int:
    """Print the figures; exit status 1 where one is not reached."""
    figures = history()
    print(table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
