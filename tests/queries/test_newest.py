"""What a page appends to its charts is what it would have read anew."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.queries.trends import CHARTS, Grid, newest, trends
from tests.queries.charted import Charted, decoded, gpus_of, view
from tests.queries.ticks import gpu_state
from tests.storage.made import START

TWO = gpus_of(gpu_state("GPU-a", index=0), gpu_state("GPU-b", index=1))
SOME = {"cpu", "pressure", "gpu", "gpu-memory", "pcie"}

PERCENT = st.none() | st.integers(0, 800).map(lambda eighths: eighths / 8)
TICK = st.fixed_dictionaries(
    {"cpu_percent": PERCENT, "utilization_percent": PERCENT}
    | {"memory_used_bytes": st.none() | st.integers(0, 1 << 40), "gpus": st.integers(0, 2)}
)
# Between two readings of a page: ticks, each after so many that were not recorded.
STRETCH = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 7, 45]), TICK), max_size=12)


class Page:
    """The charts as a browser keeps them: an answer, and what was appended to it."""

    def __init__(self, charted: Charted, span: int = 900_000) -> None:
        self.charted, self.span = charted, span
        now = charted.clock.ms
        self.answer: Any = trends(charted.archive, TWO, view(now - span, now, SOME))
        self.values = {name: decoded(self.answer, name).copy() for name in self.answer["charts"]}

    def append(self, back: int = 0) -> Any:
        """Read on, from the last point or from some points before it."""
        count = next(iter(self.values.values())).shape[2]
        start = self.answer["start"] + (count - 1 - back) * self.answer["step"]
        now = self.charted.clock.ms
        newer = newest(
            self.charted.archive,
            TWO,
            view(now - self.span, now, SOME),
            Grid(self.answer["tier"], start, now, self.answer["step"]),
            rolled=self.answer["rolled"],
        )
        for name, old in self.values.items():
            new = np.array(newer[name], np.float32)  # None becomes NaN
            self.values[name] = np.concatenate([old[:, :, : count - 1 - back], new], axis=2)
        return newer

    def read_anew(self) -> dict[str, Any]:
        start, now = self.answer["start"], self.charted.clock.ms
        whole = trends(self.charted.archive, TWO, view(start, now, SOME))
        assert (whole["step"], whole["tier"]) == (self.answer["step"], self.answer["tier"])
        return {name: decoded(whole, name) for name in whole["charts"]}


def play(charted: Charted, stretch: Sequence[tuple[int, dict[str, Any]]]) -> None:
    for missed, reading in stretch:
        charted.clock.ms += 1000 * missed
        load = reading["utilization_percent"]
        gpus = [
            {
                "device": device,
                "utilization_percent": load,
                "memory_used_bytes": reading["memory_used_bytes"],
                "pcie_rx_bytes_per_second": None if load is None else load * number * 1e6,
            }
            for number, device in enumerate(["GPU-a", "GPU-b"][: reading["gpus"]], 1)
        ]
        host = {"cpu_percent": reading["cpu_percent"], "pressure_io_percent": load}
        charted.tick(host, *gpus)


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected) == SOME
    for name, values in expected.items():
        assert found[name].shape == values.shape
        # Appended numbers have six digits.
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-37, err_msg=name)


@pytest.mark.parametrize(
    ("tiers", "span", "step"),
    [("1s:1d", 900, 1000), ("1s:1d,10s:1d", 10_800, 10_000), ("1s:1d,1m:30d", 43_200, 60_000)],
)
@given(
    stretches=st.lists(STRETCH, min_size=2, max_size=5),
    begins=st.integers(0, 59),
    back=st.integers(0, 2),
    flushed=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_what_is_appended_is_what_a_reading_of_the_whole_has(
    tiers: str, span: int, step: int, stretches: Any, begins: int, back: int, flushed: bool
):
    with tempfile.TemporaryDirectory() as folder:
        charted = Charted(Path(folder), tiers=tiers, start=START + 1000 * begins)
        play(
            charted,
            [
                (
                    0,
                    {
                        "cpu_percent": 1.0,
                        "utilization_percent": None,
                        "gpus": 2,
                        "memory_used_bytes": 5,
                    },
                )
            ],
        )
        play(charted, stretches[0])
        page = Page(charted, 1000 * span)
        assert page.answer["step"] == step
        for stretch in stretches[1:]:
            play(charted, stretch)
            if flushed:
                charted.store.flush()
            page.append(back)
            assert_same(page.values, page.read_anew())


@given(stretches=st.lists(STRETCH, min_size=2, max_size=5), back=st.integers(0, 2))
@settings(max_examples=12, deadline=None)
def test_what_is_appended_to_coarser_points_is_what_a_reading_of_the_whole_has(
    stretches: Any, back: int
):
    with tempfile.TemporaryDirectory() as folder:
        charted = Charted(Path(folder), tiers="1s:30d")
        charted.cpu([float(at % 100) for at in range(100)], milliseconds=100)
        play(charted, stretches[0])
        start, step = START, 5000
        grid = Grid("1s", start, charted.clock.ms, step)
        values = read(charted, grid)
        for stretch in stretches[1:]:
            play(charted, stretch)
            since = start + (values["cpu"].shape[2] - 1 - back) * step
            newer = read(charted, Grid("1s", max(start, since), charted.clock.ms, step))
            for name, old in values.items():
                kept = old[:, :, : (max(start, since) - start) // step]
                values[name] = np.concatenate([kept, newer[name]], axis=2)
            assert_same(values, read(charted, Grid("1s", start, charted.clock.ms, step)))
            assert values["cpu"].shape[1] == 3


def read(charted: Charted, grid: Grid) -> dict[str, Any]:
    asked = view(grid.start, grid.end, SOME)
    found = newest(charted.archive, TWO, asked, grid, rolled=True)
    return {name: np.array(lines, np.float32) for name, lines in found.items()}


def test_the_last_bucket_is_replaced_until_it_is_over(tmp_path: Path):
    charted = Charted(tmp_path, tiers="1s:1m,10s:1d")
    charted.cpu([10.0] * 12)
    grid = Grid("10s", START + 10_000, charted.clock.ms, 10_000)
    assert read(charted, grid)["cpu"].tolist() == [[[10.0], [10.0], [10.0]]]
    charted.cpu([40.0])
    grid = Grid("10s", START + 10_000, charted.clock.ms, 10_000)
    assert read(charted, grid)["cpu"].tolist() == [[[20.0], [10.0], [40.0]]]
    charted.cpu([40.0] * 8)
    grid = Grid("10s", START + 10_000, charted.clock.ms, 10_000)
    mean, low, high = read(charted, grid)["cpu"][0]
    assert mean.tolist() == [34.0, 40.0]
    assert (low.tolist(), high.tolist()) == ([10.0, 40.0], [40.0, 40.0])


def test_where_nothing_new_came_what_is_there_is_said_again_and_the_rest_is_a_gap(tmp_path: Path):
    charted = Charted(tmp_path)
    charted.cpu([10.0, 20.0])
    page = Page(charted)
    assert page.append()["cpu"] == [[[20.0]]]
    charted.clock.ms += 3000
    assert page.append()["cpu"] == [[[20.0, None, None, None]]]
    assert page.append()["cpu"] == [[[None]]]


def test_lines_come_in_the_charts_order_and_only_for_what_is_chosen(tmp_path: Path):
    charted = Charted(tmp_path)
    charted.tick({}, {"device": "GPU-b", "pcie_tx_bytes_per_second": 7.0})
    grid = Grid("1s", START, START + 1000, 1000)
    found = newest(charted.archive, TWO, view(START, START + 1000), grid, rolled=False)
    assert list(found) == [chart.name for chart in CHARTS]
    assert found["pcie"] == [[[None]], [[None]], [[None]], [[7.0]]]
    only = view(START, START + 1000, {"pcie"}, ["GPU-b"])
    assert newest(charted.archive, TWO, only, grid, rolled=False) == {"pcie": [[[None]], [[7.0]]]}
    assert set(newest(charted.archive, gpus_of(), only, grid, rolled=False)) == set()


def test_a_cursor_that_is_not_on_the_grid_puts_nothing_in_the_wrong_place(tmp_path: Path):
    charted = Charted(tmp_path)
    charted.cpu([float(at) for at in range(20)])
    grid = Grid("1s", START + 7000, START + 20_000, 5000)
    # Buckets are 5 to 10, 10 to 15 and 15 to 20: the first begins before the grid does.
    mean = read(charted, grid)["cpu"][0, 0]
    assert mean[:2].tolist() == [12.0, 17.0]
    assert np.isnan(mean[2])
