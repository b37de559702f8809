"""What a span came to equals plain arithmetic over its ticks."""

from pathlib import Path

import pytest

from monitor.metrics import GPU
from monitor.queries.span_report import report, spent
from monitor.queries.summary import energy_joules, summarised
from monitor.sources.base import DeviceState
from tests.queries.charted import Charted, view
from tests.storage.made import START

HOT = [80.0, 86.0, 88.0, None, 84.0, 90.0]
STATES = (
    DeviceState("gpu", "GPU-a", facts={"index": 0, "slowdown_temperature_celsius": 87}),
    DeviceState("gpu", "GPU-b", facts={"index": 0, "mig_index": 1}),
)


@pytest.fixture
def charted(tmp_path: Path) -> Charted:
    """Six seconds of a GPU; of another only the first."""
    found = Charted(tmp_path)
    found.store.journals.put_devices(STATES)
    for at, celsius in enumerate(HOT):
        gpus = [{"device": "GPU-a", "temperature_celsius": celsius, "power_watts": 100.0 + at}]
        gpus += [{"device": "GPU-b", "utilization_percent": 50.0}] if at == 0 else []
        found.tick({"cpu_percent": 10.0 * at}, *gpus)
    return found


def summaries(charted: Charted, threshold: float, tier: int = 0):
    archive = charted.archive
    series = archive.series(
        GPU, ["temperature_celsius"], START, START + 60_000, tier=archive.tiers[tier]
    )
    limits = {"GPU-a": threshold}
    return summarised(series, "temperature_celsius", archive.interval, limits)["GPU-a"]


def test_a_tick_over_the_threshold_is_a_second_over_it(charted: Charted):
    found = summaries(charted, 87.0)
    assert found.seconds_over == 2.0
    assert (found.lowest, found.peak) == (80.0, 90.0)
    assert found.peak_time == START + 5000
    assert found.mean == pytest.approx((80 + 86 + 88 + 84 + 90) / 5)


def test_at_the_threshold_is_not_over_it(charted: Charted):
    assert summaries(charted, 90.0).seconds_over == 0.0
    assert summaries(charted, 79.0).seconds_over == 5.0


def test_of_a_bucket_the_time_over_is_its_share_of_the_way_from_lowest_to_highest(
    charted: Charted,
):
    found = summaries(charted, 87.5, tier=1)
    # Six ticks between 80 and 90: a quarter of the way is over 87.5.
    assert found.seconds_over == pytest.approx(6 / 4)
    assert (found.lowest, found.peak) == (80.0, 90.0)


def test_a_mean_over_buckets_counts_each_by_its_ticks(tmp_path: Path):
    charted = Charted(tmp_path)
    charted.store.journals.put_devices(STATES)
    charted.clock.ms += 9000  # one tick of the first ten seconds, ten of the next
    for celsius in [50.0, *[70.0] * 10]:
        charted.tick({}, {"device": "GPU-a", "temperature_celsius": celsius})
    found = summaries(charted, 60.0, tier=1)
    assert found.mean == pytest.approx((50 + 70 * 10) / 11)
    assert found.seconds_over == 10.0


@pytest.mark.parametrize(("threshold", "seconds"), [(91.0, 0.0), (1000.0, 0.0), (10.0, 6.0)])
def test_a_bucket_is_over_for_no_longer_than_it_lasts(
    charted: Charted, threshold: float, seconds: float
):
    assert summaries(charted, threshold, tier=1).seconds_over == seconds


def test_without_a_threshold_no_time_is_told(charted: Charted):
    series = charted.archive.series(GPU, ["temperature_celsius"], START, START + 60_000)
    found = summarised(series, "temperature_celsius", 1000, {})
    assert found["GPU-a"].seconds_over is None


def test_a_device_that_does_not_report_it_has_no_summary(charted: Charted):
    series = charted.archive.series(GPU, ["temperature_celsius"], START, START + 60_000)
    found = summarised(series, "temperature_celsius", 1000, {"GPU-b": 87.0})["GPU-b"]
    assert (found.mean, found.lowest, found.peak, found.peak_time) == (None, None, None, None)


@pytest.mark.parametrize("end", [6000, 60_000])
def test_energy_is_power_times_the_seconds_that_were_read(charted: Charted, end: int):
    series = charted.archive.series(GPU, ["power_watts"], START, START + end)
    found = energy_joules(series, 1000)
    assert found["GPU-a"] == pytest.approx(sum(100 + at for at in range(6)))
    assert found["GPU-b"] == 0.0


def test_the_report_has_the_machine_and_each_gpu_with_its_own_limit(charted: Charted):
    machine, gpu, instance = report(
        charted.archive, charted.follower.latest, view(START, START + 60_000)
    )
    assert [machine.name, gpu.name, instance.name] == ["Machine", "GPU 0", "GPU 0, MIG 1"]
    hot = {metric.column: summary for metric, summary in gpu.summaries}["temperature_celsius"]
    assert hot.seconds_over == 2.0
    cpu = {metric.column: summary for metric, summary in machine.summaries}["cpu_percent"]
    assert (cpu.mean, cpu.peak) == (25.0, 50.0)
    assert (gpu.energy, machine.energy, instance.energy) == ("0.17 Wh", "", "")


def test_the_report_follows_the_view(charted: Charted):
    latest = charted.follower.latest
    chosen = report(charted.archive, latest, view(START, START + 60_000, gpus=["GPU-b"]))
    assert [row.device for row in chosen] == ["host", "GPU-b"]
    assert report(charted.archive, latest, view(START - 60_000, START)) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "N/A"), (0, "0 s"), (59.6, "1 min 0 s"), (735, "12 min 15 s"), (7265, "2 h 1 min")],
)
def test_time_is_told_in_words(seconds: float | None, words: str):
    assert spent(seconds) == words
