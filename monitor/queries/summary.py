"""What a span came to: mean, lowest, peak and when, time over a threshold, energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.metrics import Metric
from monitor.queries.series import SAMPLES, Line, Series
from monitor.storage.buffer import Floats


@dataclass(frozen=True)
class Summary:
    """One metric of one device over a span, in the metric's unit; None where nothing was read.

    `peak_time` is the tick, or the beginning of the bucket, in ms since 1970. `seconds_over` is
    the time above the threshold, None where there is none: exact from ticks; from buckets, as if
    values were spread evenly between a bucket's lowest and highest.
    """

    mean: float | None
    lowest: float | None
    peak: float | None
    peak_time: int | None
    seconds_over: float | None


def summarised(
    series: Series, column: str, interval: int, thresholds: Mapping[str, float]
) -> dict[str, Summary]:
    """By device. `interval` is the time of a tick in ms, `thresholds` are by device."""
    return {
        line.device: _summary(line, series.table[column], interval, thresholds.get(line.device))
        for line in series.lines
    }


def energy_joules(series: Series, interval: int) -> dict[str, float]:
    """Energy by device, of a series that has power: its mean times the seconds that were read.

    Seconds that were not recorded add nothing; the GPU's own counter, `energy_joules`, has them.
    """
    return {
        line.device: float(np.nansum(line.columns["power_watts"] * _seconds(line, interval)))
        for line in series.lines
    }


def _summary(line: Line, metric: Metric, interval: int, threshold: float | None) -> Summary:
    mean = line.columns[metric.column]
    low, high = _around(line, metric)
    known = ~np.isnan(mean)
    if not known.any():
        return Summary(None, None, None, None, None)
    seconds = _seconds(line, interval)
    at = int(np.nanargmax(high))
    return Summary(
        mean=float(np.average(mean[known], weights=seconds[known])),
        lowest=float(np.nanmin(low)),
        peak=float(high[at]),
        peak_time=int(line.times[at]),
        seconds_over=None if threshold is None else _over(low, high, seconds, threshold),
    )


def _around(line: Line, metric: Metric) -> tuple[Floats, Floats]:
    column = metric.column
    mean = np.asarray(line.columns[column], np.float64)
    low = line.columns.get(f"{column}_min", mean)
    return np.asarray(low, np.float64), np.asarray(
        line.columns.get(f"{column}_max", mean), np.float64
    )


def _over(low: Floats, high: Floats, seconds: Floats, threshold: float) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(high > low, (high - threshold) / (high - low), high > threshold)
    return float(np.nansum(np.where(np.isnan(high), 0.0, np.clip(share, 0, 1)) * seconds))


def _seconds(line: Line, interval: int) -> Floats:
    """How long each point was recorded for."""
    samples = line.columns.get(SAMPLES)
    counts = np.ones(len(line)) if samples is None else np.asarray(samples, np.float64)
    return counts * (interval / 1000)
