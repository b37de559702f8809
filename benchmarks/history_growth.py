"""How the cost of a query grows: with the points it returns, and not with what is kept.

Folders with 1, 8 and 64 GPUs at 1 m for a day, and one with 8 GPUs at 1 m for 90 days.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.history_client import Client, connected, medians
from benchmarks.history_data import write_history
from benchmarks.history_figures import beside
from benchmarks.history_questions import Question, check_ours
from benchmarks.history_server import serving
from benchmarks.realistic import UUIDS
from monitor.storage.locations import host_name
from monitor.storage.tiers import parse_tiers

_GPUS = (1, 8, 64)
_DAYS = (1, 7, 90)
# What two figures of the same cost may differ by.
_SAME = 1.5


def growth(end: int) -> list[Figure]:
    """Milliseconds and µs a point of each size, and how the larger stand to the smaller."""
    all_of, one_of, spans = {}, {}, {}
    for gpus in _GPUS:
        with _folder(end, 1, gpus) as client:
            all_of[gpus] = _milliseconds(client, _question(1, [""] * gpus), end)
            one_of[gpus] = _milliseconds(client, _question(1, UUIDS[:1]), end)
    with _folder(end, _DAYS[-1], 8) as client:
        for days in _DAYS:
            spans[days] = _milliseconds(client, _question(days, UUIDS[:1]), end)
    return [
        *_a_point([(f"24 h at 1 m, all GPUs of {gpus}", all_of[gpus], gpus) for gpus in _GPUS]),
        *_a_point([(f"{days} d at 1 m, one of 8 GPUs", spans[days], days) for days in _DAYS]),
        beside("24 h at 1 m, the only GPU", one_of[1], "ms"),
        Figure("24 h of one GPU, 64 kept ÷ 1 kept", _SAME, one_of[64] / one_of[1], "×"),
        Figure("24 h of one GPU, 90 d kept ÷ 1 d kept", _SAME, spans[1] / one_of[8], "×"),
    ]


def _a_point(measured: Sequence[tuple[str, float, int]]) -> Iterator[Figure]:
    """Of (what, ms, how many days of a GPU): each, and the largest beside the middle one."""
    costs = []
    for what, milliseconds, days in measured:
        costs.append(1000 * milliseconds / (days * 1440))
        yield beside(what, milliseconds, "ms")
        yield beside("- a point", costs[-1], "µs")
    yield Figure("- a point, this ÷ the one before", _SAME, costs[-1] / costs[-2], "×")


@contextlib.contextmanager
def _folder(end: int, days: int, gpus: int) -> Iterator[Client]:
    tiers = f"1s:1h,1m:{days}d"
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        write_history(Path(name), end, parse_tiers(tiers)[1:], gpus, host_name())
        with serving(Path(name), tiers) as port, connected(port) as client:
            yield client


def _question(days: int, devices: Sequence[str]) -> Question:
    return Question("growth", days, 60, "1m", ["power_watts"], devices, 0)


def _milliseconds(client: Client, question: Question, end: int) -> float:
    check_ours(question, client.json(question.ours(end)))
    (taken,) = medians([(client, question.ours(end))])
    return taken
