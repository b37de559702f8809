"""What a chart has beside its lines: where a metric warns or is full, and when recording began."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.queries.trends import trends
from tests.queries.charted import Charted, gpus_of, view
from tests.queries.ticks import GIB, GPU, latest
from tests.storage.made import HOUR, START

NO_GPU = gpus_of()


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> Charted:
    made = Charted(tmp_path_factory.mktemp("charted"))
    made.cpu([1.0] * 40)
    made.clock.ms += 15_000
    made.cpu([1.0] * 95)
    made.clock.ms = START + 2 * HOUR
    made.store.flush()
    return made


def test_lines_are_drawn_where_a_metric_warns_or_is_full(charted: Charted):
    tick = latest()
    found = {
        name: chart["limits"]
        for name, chart in trends(charted.archive, tick, view(START, START + 9000))[
            "charts"
        ].items()
    }
    assert found["temperature"] == [[87.0, "warns at 87 °C"]]
    assert found["power"] == [[700.0, "limit 700 W"]]
    assert found["gpu-memory"] == [[pytest.approx(0.95 * 80 * GIB), "warns at 95 %"]]
    assert found["ram"] == [[pytest.approx(0.95 * 126 * GIB), "warns at 95 %"]]
    assert found["cpu"] == [[95.0, "warns at 95 %"]]
    assert found["clock"] == [[1980.0, "limit 1,980 MHz"]]
    assert [found[name] for name in ("gpu", "load", "pressure", "disk", "network", "pcie")] == [
        [] for _ in range(6)
    ]


def test_each_limit_is_drawn_once_however_many_gpus_have_it(charted: Charted):
    rows = [{**GPU, "device": f"GPU-{n}", "power_limit_watts": 400.0 + n // 2} for n in range(3)]
    power = trends(charted.archive, latest(gpus=rows), view(START, START + 9000))["charts"]["power"]
    assert power["limits"] == [[400.0, "limit 400 W"], [401.0, "limit 401 W"]]


def test_a_limit_that_was_not_read_this_time_is_known_from_the_device(charted: Charted):
    row = {**GPU, "memory_total_bytes": None, "power_limit_watts": None}
    charts = trends(charted.archive, latest(gpus=[row]), view(START, START + 9000))["charts"]
    assert charts["gpu-memory"]["limits"] == [[pytest.approx(0.95 * 80 * GIB), "warns at 95 %"]]
    assert charts["power"]["limits"] == []


def test_the_page_is_told_when_recording_began_only_where_that_is_not_before_the_span(
    charted: Charted,
):
    def first(start: int, end: int) -> object:
        return trends(charted.archive, NO_GPU, view(start, end))["first"]

    assert first(START - HOUR, START + 9000) == START
    assert first(START - 2 * HOUR, START - HOUR) == START
    assert first(START, START + 9000) is None
    assert first(START + 20_000, START + 60_000) is None
    # Nothing at the beginning of the span, but recording began long before.
    assert first(START + 42_000, START + 90_000) is None
    assert first(START + HOUR, START + 2 * HOUR) is None


def test_recording_began_at_its_first_tick_not_at_its_first_bucket(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:1d,1h:2y", start=START + 2_400_000)
    charted.cpu([1.0] * 20)
    charted.clock.ms = START + 2 * HOUR
    charted.store.flush()
    answer = trends(charted.archive, NO_GPU, view(START - 4 * HOUR, START + HOUR))
    assert answer["first"] == START + 2_400_000
