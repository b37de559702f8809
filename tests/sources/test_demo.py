"""The demo looks like eight H100s in training, and is the same each time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from monitor.metrics import FANS, GPU, PROCESS, Metric
from monitor.sources.clock_reasons import CLOCK_REASONS
from monitor.sources.demo import DemoSource
from monitor.sources.demo_health import REMAPPED, XID_SECOND
from monitor.sources.demo_run import GPUS, IDLE, RUN_SECONDS, STRAGGLER
from monitor.sources.facts import FACTS, GPU_FACTS, Fact

NOON = 1_795_521_600  # 2026-11-24 12:00 UTC
RUN_BEGAN = NOON - (NOON - 1_735_689_600) % RUN_SECONDS
STEADY = RUN_BEGAN + 600
# What a real H100 does not report either.
NOT_ON_AN_H100 = {
    "fan_percent",
    *(f"fan_{fan}_percent" for fan in range(FANS)),
    "retired_pages_count",
    "xid",  # only in the second in which one comes
}


class Wall:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def wall() -> Wall:
    return Wall(STEADY)


@pytest.fixture(scope="module")
def demo(wall: Wall) -> DemoSource:
    return DemoSource(seed=7, wall=wall)


def gpus_at(demo: DemoSource, wall: Wall, now: float) -> list[dict]:
    wall.now = now
    return list(demo.sample(0.0)["gpu"])


@pytest.mark.parametrize("metric", GPU.metrics, ids=lambda m: m.column)
def test_every_metric_of_an_h100_has_a_value(metric: Metric, demo: DemoSource, wall: Wall) -> None:
    rows = gpus_at(demo, wall, STEADY)
    assert len(rows) == GPUS
    for row in rows:
        assert (row[metric.column] is None) == (metric.column in NOT_ON_AN_H100)


@pytest.mark.parametrize("metric", PROCESS.metrics, ids=lambda m: m.column)
def test_every_process_column_has_a_value(metric: Metric, demo: DemoSource, wall: Wall) -> None:
    wall.now = STEADY
    rows = demo.sample(0.0)["process"]
    assert len(rows) == GPUS
    assert all(row[metric.column] is not None for row in rows)


def test_processes_come_every_two_seconds(demo: DemoSource, wall: Wall) -> None:
    def ticks_with_processes(now: float) -> bool:
        wall.now = now
        return "process" in demo.sample(0.0)

    assert [ticks_with_processes(STEADY + n) for n in range(4)] == [True, False, True, False]


def test_no_column_is_unknown_to_the_catalogue(demo: DemoSource, wall: Wall) -> None:
    wall.now = STEADY
    rows = demo.sample(0.0)
    assert {*rows["gpu"][0]} == {"device", *GPU.columns}
    assert {*rows["process"][0]} == {"device", *PROCESS.columns}


@pytest.mark.parametrize("seconds", [0, 1, 59, 900, RUN_SECONDS - 1, RUN_SECONDS])
def test_a_restart_goes_on_where_it_was(seconds: int, demo: DemoSource, wall: Wall) -> None:
    again = Wall(RUN_BEGAN + seconds)
    assert DemoSource(seed=7, wall=again).sample(99.0)["gpu"] == gpus_at(demo, wall, again.now)


def test_another_seed_is_another_machine(demo: DemoSource, wall: Wall) -> None:
    other = DemoSource(seed=8, wall=lambda: STEADY).sample(0.0)["gpu"]
    assert other != gpus_at(demo, wall, STEADY)


STEADY_OR_NEW = pytest.mark.parametrize(
    "began", [STEADY, RUN_BEGAN + RUN_SECONDS - 5], ids=["steady", "new run"]
)


@STEADY_OR_NEW
def test_time_lost_is_the_sum_of_seconds_with_the_reason(
    began: int, demo: DemoSource, wall: Wall
) -> None:
    ticks = [gpus_at(demo, wall, began + n) for n in range(11)]
    for before, after in pairwise(ticks):
        for then, now in zip(before, after, strict=True):
            for reason in CLOCK_REASONS:
                if reason.column:
                    grown = now[reason.column] - then[reason.column]
                    assert grown == (1 if now["clock_event_reasons"] & reason.bit else 0)
    lost = ticks[0][STRAGGLER]["sw_thermal_slowdown_seconds"]
    assert lost > 1e6 > ticks[0][0]["sw_thermal_slowdown_seconds"] == 0


def test_a_row_is_remapped_once_a_run(demo: DemoSource, wall: Wall) -> None:
    told = [
        [(row["xid"], row["xid_count"]) for row in gpus_at(demo, wall, RUN_BEGAN + second)]
        for second in (XID_SECOND - 1, XID_SECOND, XID_SECOND + 1)
    ]
    assert [tick[REMAPPED] for tick in told] == [(None, 0), (63, 1), (None, 1)]
    assert {cell for tick in told for cell in tick[:REMAPPED] + tick[REMAPPED + 1 :]} == {(None, 0)}


def test_tensor_cores_work_for_less_time_than_their_sms(demo: DemoSource, wall: Wall) -> None:
    *busy, idle = gpus_at(demo, wall, STEADY)
    for row in busy:
        assert 30 < row["tensor_active_percent"] < row["sm_active_percent"]
        assert row["sm_active_percent"] < row["graphics_active_percent"] <= 100
        assert 20 < row["dram_active_percent"] < row["memory_utilization_percent"]
        assert 20 < row["sm_occupancy_percent"] < 50
    assert {idle[name] for name in GPU.columns if name.endswith("_active_percent")} == {0.0}


@STEADY_OR_NEW
def test_energy_is_the_sum_of_power(began: int, demo: DemoSource, wall: Wall) -> None:
    ticks = [gpus_at(demo, wall, began + n) for n in range(11)]
    for before, after in pairwise(ticks):
        for then, now in zip(before, after, strict=True):
            assert now["energy_joules"] - then["energy_joules"] == pytest.approx(
                then["power_watts"], abs=0.01
            )


def test_the_straggler_is_hot_slow_and_says_why(demo: DemoSource, wall: Wall) -> None:
    rows = gpus_at(demo, wall, STEADY)
    others = [row["sm_clock_mhz"] for row in rows[:5]]
    straggler = rows[STRAGGLER]
    assert straggler["temperature_celsius"] == pytest.approx(88, abs=1.5)
    assert straggler["clock_event_reasons"] & 0x20
    assert straggler["clock_event_reasons"] & 0x40
    assert sum(others) / 5 - straggler["sm_clock_mhz"] == pytest.approx(140, abs=30)
    assert not any(row["clock_event_reasons"] & 0x60 for row in rows if row is not straggler)


def test_the_idle_one_holds_memory_and_does_nothing(demo: DemoSource, wall: Wall) -> None:
    for now in (RUN_BEGAN, STEADY, RUN_BEGAN + RUN_SECONDS - 1):
        idle = gpus_at(demo, wall, now)[IDLE]
        assert idle["utilization_percent"] == 0
        assert idle["memory_used_bytes"] / (1 << 30) == pytest.approx(61, abs=0.5)
        assert idle["clock_event_reasons"] == 0x1


def test_a_checkpoint_stops_work_and_writes(demo: DemoSource, wall: Wall) -> None:
    working, writing = gpus_at(demo, wall, STEADY), gpus_at(demo, wall, RUN_BEGAN + 910)
    for before, during in zip(working[:IDLE], writing[:IDLE], strict=True):
        assert before["utilization_percent"] > 60
        assert during["utilization_percent"] < 20
        assert during["pcie_tx_bytes_per_second"] > 100 * before["pcie_tx_bytes_per_second"]
        assert during["memory_used_bytes"] == before["memory_used_bytes"]


def test_power_is_a_sawtooth_within_a_step(demo: DemoSource, wall: Wall) -> None:
    step = [gpus_at(demo, wall, STEADY + n)[0]["power_watts"] for n in range(12)]
    assert max(step) == pytest.approx(655, abs=30)
    assert min(step) == step[11]
    assert step[10] - step[0] > 20


def test_warm_up_fills_memory_and_climbs(demo: DemoSource, wall: Wall) -> None:
    used, power = zip(
        *(
            (row["memory_used_bytes"], row["power_watts"])
            for row in (gpus_at(demo, wall, RUN_BEGAN + n)[0] for n in (0, 30, 75, 105))
        ),
        strict=True,
    )
    assert used[0] < used[1] < used[2] == used[3]
    assert power[0] < 150 < power[2] < power[3]


def test_values_have_nvml_s_steps(demo: DemoSource, wall: Wall) -> None:
    for now in range(STEADY, STEADY + 40):
        for row in gpus_at(demo, wall, now):
            assert row["utilization_percent"] in range(101)
            assert row["memory_utilization_percent"] in range(101)
            assert row["temperature_celsius"] % 1 == 0
            assert row["sm_clock_mhz"] % 15 == 0
            assert row["sm_clock_mhz"] <= 1980
            assert row["power_watts"] <= 700
            assert row["memory_used_bytes"] % (2 << 20) == 0
            assert (
                row["memory_used_bytes"] + row["memory_reserved_bytes"] < row["memory_total_bytes"]
            )
            assert row["pcie_tx_bytes_per_second"] % 1024 == 0


def test_a_tick_just_before_its_second_belongs_to_it(demo: DemoSource, wall: Wall) -> None:
    assert gpus_at(demo, wall, STEADY - 0.01) == gpus_at(demo, wall, STEADY)
    assert gpus_at(demo, wall, STEADY + 0.9) == gpus_at(demo, wall, STEADY)


def test_all_facts_are_declared(demo: DemoSource) -> None:
    # An instance of a divided GPU has these; the demo's GPUs are whole.
    whole = {fact.name for fact in GPU_FACTS} - {"parent", "mig_index", "gpu_instance_id"}
    for state in demo.devices():
        assert {*state.facts} == whole
        assert state.device == state.facts["uuid"]
    assert demo.devices() is demo.devices()
    assert len({state.device for state in demo.devices()}) == GPUS
    assert len({state.facts["pci_bus_id"] for state in demo.devices()}) == GPUS


@pytest.mark.parametrize("fact", FACTS, ids=lambda f: f"{f.table}.{f.name}")
def test_a_fact_ends_in_its_unit(fact: Fact) -> None:
    assert fact.name.endswith(fact.unit.suffix)
    assert fact.label[0].isupper()


def test_facts_are_declared_once() -> None:
    keys = [(fact.table, fact.name) for fact in FACTS]
    assert len(keys) == len(set(keys))


def test_the_demo_says_that_it_is_one(demo: DemoSource) -> None:
    state = demo.state()
    assert state.ok
    assert "simulated" in state.reason
    demo.close()
