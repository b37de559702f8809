"""Each reading of a tick: text, raw value, share of its bar, state, and why it is missing."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from layouts.page import gpu_column, system_column
from monitor.metrics import TABLES, Metric
from monitor.queries.snapshot import SHOWN, layout, snapshot
from monitor.queries.sparks import DISK_IO, SPARKS, shown_metric
from monitor.sources.base import DeviceState, DeviceStatus, Row
from monitor.units import WATTS
from tests.queries.ticks import GIB, GPU, HOST, gpu_state, latest

NUMBER, SYMBOL, RAW, PERCENT, STATE, CAPTION, PEAK, MARK, BADGE, FULL, USED = range(11)
CASES = [(table, column) for table, columns in SHOWN.items() for column in columns]
each_shown = pytest.mark.parametrize(("table", "column"), CASES, ids=lambda name: name)
MISSING: Row = {"device": "GPU-a", "index": 0}


def reading(metric: str, device: str = "GPU-a", peak: float | None = None, **tick: object) -> list:
    table, column = metric.split(".")
    peaks = {table: {column: {device: peak}}} if peak is not None else {}
    return snapshot(latest(**tick), peaks)["readings"][metric][device]


@each_shown
def test_what_is_shown_is_in_the_catalogue(table: str, column: str):
    metric = shown_metric(TABLES[table], column)
    assert isinstance(metric, Metric)
    if metric is not DISK_IO:
        assert metric in TABLES[table].metrics


@each_shown
def test_a_missing_reading_is_not_a_zero_and_says_why(table: str, column: str):
    row = {"device": "d"}
    state = DeviceState(table, "d")
    tick = {"gpus": ([row] if table == "gpu" else []), "states": [state] if table == "gpu" else []}
    if table == "host":
        tick["host"] = row
    if table == "disk":
        tick["disks"] = [row]
    if table in {"zone", "rail"}:
        tick[table] = [row]
    found = reading(f"{table}.{column}", "d", **tick)
    assert found[NUMBER] == "N/A"
    assert (found[RAW], found[PERCENT], found[STATE], found[USED]) == (None, None, "missing", "")
    assert found[CAPTION].startswith("not reported by this ")


@each_shown
def test_a_zero_is_a_value(table: str, column: str):
    full = {"memory_total_bytes": 8 * GIB, "swap_total_bytes": 8 * GIB, "total_bytes": 8 * GIB}
    zero = {"device": "d", **full, column: 0}
    if column == DISK_IO.column:
        zero |= {"disk_read_bytes_per_second": 0.0, "disk_write_bytes_per_second": 0.0}
    tick = {"gpus": [zero] if table == "gpu" else [], "host": zero, "disks": [zero]}
    tick |= {"zone": [zero], "rail": [zero]}
    found = reading(f"{table}.{column}", "d", **tick)
    assert found[NUMBER] in {"0", "0.0"}
    assert found[RAW] == 0
    assert found[STATE] == "ok"


@pytest.mark.parametrize(
    ("celsius", "state"), [(76.9, "ok"), (77, "warm"), (86.9, "warm"), (87, "warning")]
)
def test_a_temperature_goes_from_ok_to_warm_to_warning_at_the_cards_own_limit(celsius, state):
    found = reading("gpu.temperature_celsius", gpus=[{**GPU, "temperature_celsius": celsius}])
    assert found[STATE] == state
    assert found[BADGE] == ("hot" if state == "warning" else "")
    assert found[MARK] == 87.0


def test_a_card_that_names_no_limit_has_the_usual_one():
    row = {**GPU, "temperature_celsius": 85.0}
    states = [gpu_state(slowdown_temperature_celsius=None)]
    assert reading("gpu.temperature_celsius", gpus=[row], states=states)[STATE] == "warning"


@pytest.mark.parametrize("bit", [0x20, 0x40])
def test_a_card_slowed_by_heat_says_so_whatever_its_temperature(bit: int):
    row = {**GPU, "clock_event_reasons": bit | 0x1}
    assert reading("gpu.temperature_celsius", gpus=[row])[BADGE] == "throttling"


@pytest.mark.parametrize(
    ("bits", "badges"),
    [
        (0x88, ["", "", "power brake"]),
        (0x4, ["", "", "power cap"]),
        (0x84, ["", "", "power brake"]),
        (0x8, ["hardware slowdown", "", ""]),
        (0x48, ["", "throttling", ""]),
        (0x1, ["", "", ""]),
        (None, ["", "", ""]),
    ],
)
def test_why_a_card_is_slowed_stands_where_its_cause_is_shown(bits: int | None, badges: list[str]):
    columns = ("utilization_percent", "temperature_celsius", "power_watts")
    row = {**GPU, "clock_event_reasons": bits}
    assert [reading(f"gpu.{column}", gpus=[row])[BADGE] for column in columns] == badges
    other = reading("gpu.memory_used_bytes", gpus=[row])
    assert other[BADGE] == ""


@pytest.mark.parametrize(
    ("share", "state"), [(94.9, "ok"), (95.0, "warning"), (100.0, "warning"), (120.0, "warning")]
)
def test_memory_warns_above_its_share(share: float, state: str):
    row = {**GPU, "memory_used_bytes": share / 100 * 80 * GIB}
    found = reading("gpu.memory_used_bytes", gpus=[row])
    assert found[STATE] == state
    assert found[PERCENT] == pytest.approx(min(share, 100), abs=0.05)
    assert found[MARK] == 95.0


@pytest.mark.parametrize(("used", "state"), [(89, "ok"), (90, "warning"), (97, "critical")])
def test_a_disk_warns_and_then_is_critical(used: int, state: str):
    row = {"device": "/data", "used_bytes": used * GIB, "total_bytes": 100 * GIB}
    found = reading("disk.used_bytes", "/data", disks=[row])
    assert found[STATE] == state
    assert found[CAPTION] == f"{used}.0 / 100.0 GiB · {used}.0 %"


def test_used_is_told_in_the_unit_of_its_total():
    row = {**GPU, "memory_used_bytes": GIB // 5}
    found = reading("gpu.memory_used_bytes", gpus=[row])
    assert found[NUMBER : SYMBOL + 1] == ["0.2", "GiB"]
    assert found[USED] == "0.2/80.0 GiB"
    assert found[CAPTION] == "of 80.0 GiB · 0.2 % · 0.5 GiB reserved"


def test_a_machine_without_swap_shows_none_of_it():
    found = reading("host.swap_used_bytes", "host", 0.0, host={**HOST, "swap_total_bytes": 0})
    assert found[NUMBER] == "N/A"
    assert found[CAPTION] == "no swap on this machine"
    assert (found[STATE], found[PEAK], found[MARK]) == ("missing", "", None)


@pytest.mark.parametrize("status", ["lost", "late", "denied", "failed"])
def test_a_gpu_that_does_not_answer_keeps_its_place_but_not_its_reading(status: DeviceStatus):
    states = [gpu_state(status=status, reason="It has fallen off the bus.")]
    # Even where the newest rows still hold one of it.
    found = reading("gpu.temperature_celsius", peak=71.0, states=states)
    assert (found[NUMBER], found[RAW], found[STATE]) == ("N/A", None, "missing")
    assert (found[CAPTION], found[BADGE]) == ("It has fallen off the bus.", status)
    tick = snapshot(latest(states=states), {})
    assert tick["gpus"] == {"GPU-a": [status, "It has fallen off the bus."]}
    assert tick["layout"][0][0][0] == "GPU-a"


def test_a_sleeping_gpu_shows_what_can_be_read():
    found = reading("gpu.power_watts", states=[gpu_state(status="asleep", reason="It sleeps.")])
    assert found[RAW] == 350.0
    assert found[BADGE] == "asleep"


def test_a_gap_is_not_a_reading_that_never_was():
    gap = reading("gpu.power_watts", peak=640.0, gpus=[MISSING])
    assert gap[CAPTION] == "no reading this tick"
    never = reading("gpu.power_watts", gpus=[MISSING])
    assert never[CAPTION] == "not reported by this GPU"


def test_a_peak_is_told_as_its_reading_is():
    assert reading("gpu.utilization_percent", peak=100.0)[PEAK] == "100 %"
    assert reading("gpu.memory_used_bytes", peak=76.0 * GIB)[PEAK] == "95 %"
    assert reading("gpu.power_watts", peak=699.0)[PEAK] == "699 W"
    assert reading("host.disk_io_bytes_per_second", "host", 6e6)[PEAK] == "5.72 MiB/s"
    assert reading("gpu.power_watts")[PEAK] == ""


def test_disk_io_is_reads_and_writes_together_against_the_hours_peak():
    found = reading("host.disk_io_bytes_per_second", "host", 6e6)
    assert (found[RAW], found[PERCENT], found[FULL]) == (3e6, 50.0, None)


def test_cores_come_in_the_order_of_their_numbers():
    core = [{"device": name, "cpu_percent": load} for name, load in (("10", 9.6), ("2", None))]
    assert snapshot(latest(core=core), {})["cores"] == [None, 10]


def test_the_layout_changes_with_what_is_known_of_a_gpu():
    before = layout(latest(states=[gpu_state()]))
    assert before == layout(latest(states=[gpu_state()]))
    assert before != layout(latest(states=[gpu_state(name="NVIDIA H200")]))
    assert before != layout(latest(gpus=[], states=[]))
    assert before != layout(latest(states=[gpu_state()], rail=[{"device": "VDD_IN"}]))


def test_a_snapshot_is_small_and_json():
    gpus = [{**GPU, "device": f"GPU-{i}", "index": i} for i in range(8)]
    sent = orjson.dumps(snapshot(latest(gpus=gpus), {}))
    assert len(sent) < 8_000


def test_what_the_page_draws_is_in_the_snapshot_and_the_sparks():
    drawn = [
        card.to_plotly_json()["props"].get("data-metric")
        for card in [*system_column(latest()), *gpu_column(latest())]
    ]
    drawn = [metric for metric in drawn if metric]
    assert len(drawn) == 8
    shown = {f"{table}.{column}" for table, columns in SHOWN.items() for column in columns}
    sparked = {f"{table}.{column}" for table, columns in SPARKS.items() for column in columns}
    assert set(drawn) <= shown
    assert set(drawn) == sparked


def test_before_the_first_tick_there_is_nothing_but_a_snapshot():
    tick = snapshot(type(latest())(), {})
    assert tick["time"] is None
    assert tick["gpus"] == {}
    assert all(not of for of in tick["readings"].values())


def test_a_small_power_is_not_rounded_away():
    assert [WATTS.text(watts) for watts in (0.3, 9.94, 9.96, 312.4, -0.02, -1.26)] == [
        *("0.3 W", "9.9 W", "10 W", "312 W", "0.0 W", "-1.3 W")
    ]


def test_a_zone_is_warned_of_at_its_own_limit():
    row = {"device": "gpu-thermal", "temperature_celsius": 96.0}
    made = snapshot(latest(zone=[row, {"device": "cv0-thermal"}]), {})
    zones = made["readings"]["zone.temperature_celsius"]
    assert [reading[4] for reading in zones.values()] == ["warning", "missing"]
    cool = DeviceState("zone", "gpu-thermal", facts={"passive_temperature_celsius": 99.0})
    tick = latest(zone=[row])
    made = snapshot(replace(tick, devices={**tick.devices, "zone": {"gpu-thermal": cool}}), {})
    assert made["readings"]["zone.temperature_celsius"]["gpu-thermal"][4] == "warm"
