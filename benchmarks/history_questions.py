"""What history is asked, of this program and of its rivals, over the same samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.history_data import DAY_MS
from benchmarks.realistic import UUIDS
from benchmarks.rivals import Samples, query_path
from monitor.storage.buffer import Columns

RIVAL_DAYS = 7
_POWER = "power_watts"
_THREE = (_POWER, "utilization_percent", "temperature_celsius")
_PATH = "/api/v1/system/gpu-metrics/history"


@dataclass(frozen=True)
class Question:
    """One query. `limit` is in ms, `of_victoria` what share of VictoriaMetrics' time it may take.

    `values` counts the points of one value each, and `step` lies in seconds between two.
    """

    name: str
    days: int
    step: int
    resolution: str
    metrics: Sequence[str]
    devices: Sequence[str]
    limit: float
    of_victoria: float | None = None
    max_points: int | None = None

    @property
    def compared(self) -> bool:
        """Whether the rivals have samples for it."""
        return self.days <= RIVAL_DAYS

    @property
    def values(self) -> int:
        """How many points an answer has, of one value each."""
        steps = self.days * 86_400 // self.step
        return steps * len(self.metrics) * len(self.devices)

    def ours(self, end: int) -> str:
        """The path of this program."""
        asked: dict[str, object] = {
            "metrics": ",".join(self.metrics),
            "start": _iso(end - self.days * DAY_MS),
            "end": _iso(end),
            "resolution": self.resolution,
        }
        if len(self.devices) == 1 and self.devices[0]:
            asked["gpu"] = self.devices[0]
        if self.max_points:
            asked["max_points"] = self.max_points
        return f"{_PATH}?{urlencode(asked)}"

    def theirs(self, expression: str, end: int, **more: str) -> str:
        """The path of a rival."""
        return query_path(expression, end - self.days * DAY_MS, end, self.step, **more)

    @property
    def prometheus(self) -> str:
        """PromQL: the mean of each step or, where a peak must stay, its lowest and highest."""
        kinds = ("min", "max") if self.max_points else ("avg",)
        each = [
            (f"{kind}_over_time({_of(metric, self)}[{self.step}s])", f"{kind} {metric}")
            for metric in self.metrics
            for kind in kinds
        ]
        if len(each) == 1:
            return each[0][0]
        # Their names are lost, and what is the same but for its name cannot be joined.
        return " or ".join(f'label_replace({what},"is","{name}","","")' for what, name in each)

    @property
    def victoria_metrics(self) -> str:
        """MetricsQL for the same, as short as it has it."""
        if self.max_points:
            return f"rollup({_of(self.metrics[0], self)}[{self.step}s])"
        names = "|".join(self.metrics)
        window = f'{{__name__=~"{names}"{_device(self, ",")}}}[{self.step}s]'
        return f"avg_over_time({window}) keep_metric_names"

    @property
    def rolled(self) -> str:
        """Of both: plain rows that a recording rule has made, one a step."""
        names = "|".join(f"{metric}:{self.resolution}" for metric in self.metrics)
        return f'{{__name__=~"{names}"{_device(self, ",")}}}'


DAY = Question("24 h, 1 GPU, 3 metrics at 1 m", 1, 60, "1m", _THREE, UUIDS[:1], 3, 0.5)
SECONDS = Question(
    "24 h at 1 s, 1 metric, ≤ 1,000 points", 1, 90, "1s", [_POWER], UUIDS[:1], 5, 1, 1000
)
WEEK = Question("7 d at 5 m, 8 GPUs, 1 metric", 7, 300, "5m", [_POWER], UUIDS, 5)
YEARS = Question("2 y at 1 h, 8 GPUs, 1 metric", 730, 3600, "1h", [_POWER], UUIDS, 60)


def check_ours(question: Question, answer: Any) -> None:
    """ValueError where the answer is not the one that was asked for."""
    series = answer["series"]
    found = sum(len(one[metric]) for one in series for metric in question.metrics)
    times = sum(len(one["time"]) for one in series)
    _equal(question, found, question.values)
    _equal(question, times * len(question.metrics), question.values)
    peaks = [max(one[f"{question.metrics[0]}_max"]) for one in series]
    means = [max(one[question.metrics[0]]) for one in series]
    if not all(peak >= mean for peak, mean in zip(peaks, means, strict=True)):
        raise ValueError(f"{question.name}: the peaks are gone")


def check_theirs(question: Question, answer: Any) -> None:
    """ValueError where the answer is not the one that was asked for."""
    series = answer["data"]["result"]
    times = question.values // len(question.metrics) // len(question.devices)
    _equal(question, min((len(one["values"]) for one in series), default=0), times)
    if not question.max_points:
        _equal(question, len(series) * times, question.values)


def recorded(day: Columns, end: int) -> Iterator[Samples]:
    """What the queries read, second by second: a week of power, a day of the other metrics."""
    for metric in _THREE:
        for code in range(len(day.devices)):
            yield _samples(day, metric, code, end, RIVAL_DAYS if metric == _POWER else 1)


def rolled_up(day: Columns, end: int) -> Iterator[Samples]:
    """The means that our tiers keep, as a rival's recording rules would have made them."""
    for code in range(len(day.devices)):
        for metric in _THREE:
            yield _samples(day, metric, code, end, 1, 60, "1m")
        yield _samples(day, _POWER, code, end, RIVAL_DAYS, 300, "5m")


def _samples(
    day: Columns, metric: str, code: int, end: int, days: int, step: int = 1, suffix: str = ""
) -> Samples:
    mine = day.device_codes == code
    means = day[metric][mine].reshape(-1, step).mean(axis=1)
    starts = np.arange(end - days * DAY_MS, end, DAY_MS)
    return Samples(
        f"{metric}:{suffix}" if suffix else metric,
        day.devices[code],
        (starts[:, None] + day.times[mine][::step]).ravel(),
        np.tile(means, days),
    )


def _of(metric: str, question: Question) -> str:
    device = _device(question)
    return f"{metric}{{{device}}}" if device else metric


def _device(question: Question, before: str = "") -> str:
    return f'{before}device="{question.devices[0]}"' if len(question.devices) == 1 else ""


def _equal(question: Question, found: int, wanted: int) -> None:
    if found != wanted:
        raise ValueError(f"{question.name}: {found:,} points came, {wanted:,} were asked for")


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
