"""The charts' numbers are those of the series, on one grid; a gap is a gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monitor.metrics import GPU, HOST, TABLES
from monitor.queries.trends import CHARTS, Chart, trends
from tests.queries.charted import ALL, Charted, decoded, gpus_of, grid, view
from tests.queries.ticks import GIB, gpu_state
from tests.storage.made import HOUR, START

TWO = gpus_of(gpu_state("GPU-a", index=0), gpu_state("GPU-b", index=1))
NO_GPU = gpus_of()
SECONDS = 150
GAP = range(40, 55)


def row(table: str, device: str, second: int) -> dict[str, object]:
    """Every column has a value of its own, now and then none."""
    cells: dict[str, object] = {"device": device}
    for at, metric in enumerate(TABLES[table].metrics):
        if (second + at) % 13:
            value = at * 997 + second % 31 + len(device) + 1 / 3
            cells[metric.column] = int(value * GIB) if metric.unit.storage == "int64" else value
    return cells


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> Charted:
    made = Charted(tmp_path_factory.mktemp("charted"))
    for second in range(SECONDS):
        if second in GAP:
            made.clock.ms += 1000
            continue
        gpus = [row("gpu", "GPU-a", second)]
        if second < 100:
            gpus.append(row("gpu", "GPU-b", second))
        made.tick(row("host", "host", second), *gpus)
    made.clock.ms = START + 2 * HOUR
    made.store.flush()
    return made


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
@pytest.mark.parametrize("hours", [0, 1, 4])
def test_every_value_of_a_chart_is_that_of_its_series(charted: Charted, chart, hours: int):
    end = START + hours * HOUR + SECONDS * 1000
    start = START - hours * HOUR
    answer = trends(charted.archive, TWO, view(start, end))
    values = decoded(answer, chart.name)
    tier = next(tier for tier in charted.archive.tiers if tier.name == answer["tier"])
    series = charted.archive.series(
        chart.table, chart.columns, start, end, tier=tier, step=answer["step"]
    )
    assert answer["rolled"] is (hours > 0)
    lines = {line.device: line for line in series.lines}
    times = grid(answer)
    for described, kinds in zip(answer["charts"][chart.name]["lines"], values, strict=True):
        line = lines[described["device"]]
        names = [described["column"]]
        if hours:
            names += [f"{described['column']}_min", f"{described['column']}_max"]
        for name, found in zip(names, kinds, strict=True):
            expected = dict(zip(line.times.tolist(), line.columns[name], strict=True))
            assert set(expected) <= set(times)
            filled = [expected.get(time, np.nan) for time in times]
            np.testing.assert_array_equal(found, np.array(filled, np.float32))
            assert np.isfinite(found).sum() > 1


def test_what_was_not_recorded_is_a_gap_and_what_was_is_not(charted: Charted):
    answer = trends(charted.archive, TWO, view(START, START + SECONDS * 1000))
    (cpu,) = decoded(answer, "cpu")[:, 0]
    at = [second for second in range(SECONDS) if np.isnan(cpu[second])]
    assert at == [second for second in range(SECONDS) if second in GAP or second % 13 == 0]
    gone = decoded(answer, "gpu")[1, 0]
    assert np.isfinite(gone[:100]).any()
    assert np.isnan(gone[100:]).all()


def test_the_grid_begins_before_the_span_and_ends_within_it(charted: Charted):
    start, end = START + 20_500, START + 30_200
    answer = trends(charted.archive, TWO, view(start, end))
    assert (answer["start"], answer["step"], answer["count"]) == (START + 20_000, 1000, 11)
    assert (answer["from"], answer["to"]) == (start, end)
    (cpu,) = decoded(answer, "cpu")[:, 0]
    assert np.isnan(cpu[0])  # the tick before the span is not in it
    assert np.isfinite(cpu[1:5]).all()


def test_a_bucket_has_its_mean_its_lowest_and_its_highest(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:30d")
    charted.cpu([10.0, 20.0, 60.0] + [None] * 600)
    start = START - 3 * HOUR
    answer = trends(charted.archive, NO_GPU, view(start, charted.clock.ms))
    assert answer["rolled"]
    assert answer["step"] > 3000
    (kinds,) = decoded(answer, "cpu")
    at = grid(answer).index(START)
    assert kinds[:, at].tolist() == [30.0, 10.0, 60.0]
    assert np.isnan(np.delete(kinds, at, axis=1)).all()


def test_lines_go_column_by_column_and_gpu_by_gpu_in_index_order(charted: Charted):
    swapped = gpus_of(gpu_state("GPU-a", index=1), gpu_state("GPU-b", index=0))
    answer = trends(charted.archive, swapped, view(START, START + 9000))
    lines = answer["charts"]["pcie"]["lines"]
    assert [(line["label"], line["device"], line["index"], line["part"]) for line in lines] == [
        ("GPU 0 rx", "GPU-b", 0, 0),
        ("GPU 1 rx", "GPU-a", 1, 0),
        ("GPU 0 tx", "GPU-b", 0, 1),
        ("GPU 1 tx", "GPU-a", 1, 1),
    ]
    assert [line["label"] for line in answer["charts"]["gpu"]["lines"]] == ["GPU 0", "GPU 1"]
    assert [line["label"] for line in answer["charts"]["disk"]["lines"]] == ["read", "write"]
    assert [line["label"] for line in answer["charts"]["cpu"]["lines"]] == ["CPU utilization"]
    assert answer["gpus"] == ["GPU-b", "GPU-a"]


def test_a_mig_instance_and_a_gpu_without_an_index_are_told_apart(charted: Charted):
    tick = gpus_of(gpu_state("GPU-a"), gpu_state("MIG-1", mig_index=2), gpu_state("x", index=None))
    lines = trends(charted.archive, tick, view(START, START + 9000))["charts"]["gpu"]["lines"]
    assert [line["label"] for line in lines] == ["GPU 0", "GPU 0, MIG 2", "GPU ?"]


def test_only_the_gpus_and_charts_that_were_chosen_are_drawn(charted: Charted):
    answer = trends(charted.archive, TWO, view(START, START + 9000, {"gpu", "cpu"}, ["GPU-b"]))
    assert list(answer["charts"]) == ["cpu", "gpu"]
    assert [line["device"] for line in answer["charts"]["gpu"]["lines"]] == ["GPU-b"]
    assert answer["gpus"] == ["GPU-b"]
    both = trends(charted.archive, TWO, view(START, START + 9000))
    np.testing.assert_array_equal(decoded(answer, "gpu")[0], decoded(both, "gpu")[1])


def test_without_a_gpu_the_machine_alone_is_drawn(charted: Charted):
    answer = trends(charted.archive, NO_GPU, view(START, START + 9000))
    assert list(answer["charts"]) == [chart.name for chart in CHARTS if chart.table is HOST]
    assert answer["gpus"] == []
    nothing = trends(charted.archive, NO_GPU, view(START, START + 9000, {"gpu"}))
    assert nothing["charts"] == {}
    assert (nothing["step"], nothing["count"]) == (1000, 9)


def test_a_gpu_that_was_never_read_is_a_line_of_gaps(charted: Charted):
    tick = gpus_of(gpu_state("GPU-a"), gpu_state("GPU-new", index=7))
    answer = trends(charted.archive, tick, view(START, START + 9000))
    for chart in (chart for chart in CHARTS if chart.table is GPU):
        values = decoded(answer, chart.name)
        assert values.shape == (2 * len(chart.columns), 1, 9)
        assert np.isnan(values[1::2]).all()
        assert np.isfinite(values[::2]).any()


@pytest.mark.parametrize("before", [0, HOUR])
def test_a_span_without_any_row_is_gaps_with_the_band_that_later_rows_have(
    tmp_path: Path, before: int
):
    charted = Charted(tmp_path, tiers="1s:30d")
    answer = trends(charted.archive, TWO, view(START - before, START + 9000))
    assert set(answer["charts"]) == ALL
    assert np.isnan(decoded(answer, "cpu")).all()
    assert answer["rolled"] is (before > 0)
    assert answer["first"] is None


def test_the_tables_of_a_page_share_a_step_and_no_spike_is_lost(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:30d")
    # Twice as often as now: the machine is beyond the most points, the GPU is not.
    for at in range(1600):
        gpus = [{"device": "GPU-a", "utilization_percent": 99.0 if at == 40 else 1.0}]
        charted.tick(
            {"cpu_percent": 99.0 if at == 40 else 1.0},
            *(gpus if at < 100 else []),
            milliseconds=500,
        )
    end = charted.clock.ms
    answer = trends(charted.archive, gpus_of(gpu_state("GPU-a")), view(end - 900_000, end))
    assert answer["rolled"]
    for chart in ("cpu", "gpu"):
        assert np.nanmax(decoded(answer, chart)[0, 2]) == 99.0
        at = grid(answer).index((START + 20_000) // answer["step"] * answer["step"])
        assert decoded(answer, chart)[0, 2, at] == 99.0


def test_ticks_closer_than_the_interval_of_now_hide_none_of_them(tmp_path: Path):
    charted = Charted(tmp_path)
    charted.cpu([99.0, 1.0] * 20, milliseconds=500)
    answer = trends(charted.archive, NO_GPU, view(START, charted.clock.ms, {"cpu"}))
    assert (answer["step"], answer["rolled"]) == (2000, True)
    mean, low, high = decoded(answer, "cpu")[0]
    assert (mean.tolist(), low.tolist(), high.tolist()) == ([50.0] * 10, [1.0] * 10, [99.0] * 10)


def test_counters_and_bits_have_a_band_without_width(
    charted: Charted, monkeypatch: pytest.MonkeyPatch
):
    columns = ("energy_joules", "xid_count", "clock_event_reasons")
    monkeypatch.setattr("monitor.queries.trends.CHARTS", (Chart("e", "Energy", GPU, columns),))
    end = START + SECONDS * 1000
    answer = trends(charted.archive, TWO, view(START - 2 * HOUR, end, {"e"}))
    values = decoded(answer, "e")
    assert values.shape[:2] == (6, 3)
    for kinds in values:
        assert np.isfinite(kinds).any()
        np.testing.assert_array_equal(kinds[0], kinds[1])
        np.testing.assert_array_equal(kinds[0], kinds[2])
    last = row("gpu", "GPU-a", 149)["energy_joules"]
    assert values[0, 0][np.isfinite(values[0, 0])][-1] == np.float32(last)


@pytest.mark.parametrize(
    ("gpus", "seconds", "most", "rolled"),
    [(2, 900, 900, False), (8, 900, 900, False), (2, 86_400, 1500, True), (8, 86_400, 600, True)],
)
def test_many_lines_with_bands_have_fewer_points(
    charted: Charted, gpus: int, seconds: int, most: int, rolled: bool
):
    many = gpus_of(*(gpu_state(f"GPU-{index}", index=index) for index in range(gpus)))
    answer = trends(charted.archive, many, view(START, START + 1000 * seconds))
    assert answer["rolled"] is rolled
    assert most / 2 < answer["count"] <= most
