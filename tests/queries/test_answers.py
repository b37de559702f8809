"""What people look for first, in a few words each."""

from __future__ import annotations

import pytest

from monitor.queries.answers import QUESTIONS, Answer, answers
from monitor.sources.base import Row
from tests.queries.ticks import GIB, gpu_state, latest

BUSY: Row = {
    "utilization_percent": 97.0,
    "memory_used_bytes": 61 * GIB,
    "memory_total_bytes": 80 * GIB,
    "temperature_celsius": 60.0,
    "sm_clock_mhz": 1780.0,
    "clock_event_reasons": 0,
}
IDLE: Row = {**BUSY, "utilization_percent": 0.0}
FREE: Row = {**IDLE, "memory_used_bytes": 2 << 20}
IS_FREE = "below 5 % use, the mean of the last 10 s, and little memory held"


def answered(*rows: Row, processes: tuple[Row, ...] = ()) -> dict[str, Answer]:
    """By question, for GPUs 0, 1 …"""
    states = [gpu_state(f"GPU-{at}", index=at) for at in range(len(rows))]
    gpus = [{**row, "device": state.device} for state, row in zip(states, rows, strict=True)]
    tick = latest(gpus=gpus, states=states, process=processes)
    found = answers(tick, {str(row["device"]): row for row in gpus})
    return dict(zip(QUESTIONS, found, strict=True)) if found else {}


def test_a_single_gpu_is_not_told_apart_from_others():
    assert answered(BUSY) == {}
    assert answered() == {}


def test_who_is_busiest_and_that_nobody_is():
    assert answered(BUSY, {**BUSY, "utilization_percent": 99.0})["Busiest"] == Answer(
        "GPU 1 · 99 %", "GPU-1", title="GPU 1 · 99 %, the mean of the last 10 s"
    )
    assert answered(IDLE, FREE)["Busiest"] == Answer("none")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((BUSY, FREE), Answer("GPU 1", "GPU-1", title=f"GPU 1: {IS_FREE}")),
        ((FREE, BUSY, FREE), Answer("GPUs 0, 2", "GPU-0", title=f"GPUs 0, 2: {IS_FREE}")),
        ((BUSY, IDLE), Answer("none · GPU 1 idle, 61.0 GiB held", "GPU-1")),
        ((IDLE, FREE), Answer("GPU 1", "GPU-1", title=f"GPU 1: {IS_FREE}")),
        ((BUSY, BUSY), Answer("none")),
        # Of one that does not tell its use nobody knows whether it is free.
        ((BUSY, {**FREE, "utilization_percent": None}), Answer("none")),
    ],
)
def test_who_is_free_and_whose_memory_is_not(rows: tuple[Row, ...], told: Answer):
    assert answered(*rows)["Free"] == told


@pytest.mark.parametrize(("celsius", "state"), [(70.0, "ok"), (80.0, "warm"), (88.0, "warning")])
def test_who_is_hottest_and_whether_that_is_too_hot(celsius: float, state: str):
    found = answered(BUSY, {**BUSY, "temperature_celsius": celsius})["Hottest"]
    assert found == Answer(f"GPU 1 · {celsius:.0f} °C", "GPU-1", state)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"sm_clock_mhz": 1640.0}, "GPU 2 · \N{MINUS SIGN}140 MHz"),
        (
            {"sm_clock_mhz": 1640.0, "clock_event_reasons": 0x20},
            "GPU 2 · \N{MINUS SIGN}140 MHz, thermal slowdown",
        ),
        ({"clock_event_reasons": 0x80}, "GPU 2 · power brake"),
    ],
)
def test_who_is_slowed_and_why(row: Row, words: str):
    found = answered(BUSY, BUSY, {**BUSY, **row})["Slowed"]
    assert found == Answer(words, "GPU-2", "warning")


def test_of_several_that_are_slowed_the_slowest_is_named_and_all_are_in_the_title():
    slow, braked = {"sm_clock_mhz": 1640.0}, {"clock_event_reasons": 0x80}
    found = answered(BUSY, BUSY, {**BUSY, **braked}, {**BUSY, **slow})["Slowed"]
    words = "GPU 3 · \N{MINUS SIGN}140 MHz"
    title = f"{words}; GPU 2 · power brake"
    assert found == Answer(f"{words} +1 more", "GPU-3", "warning", title)
    # One that is both is told once.
    found = answered(BUSY, BUSY, {**BUSY, **slow, **braked})["Slowed"]
    assert found == Answer("GPU 2 · \N{MINUS SIGN}140 MHz, power brake", "GPU-2", "warning")


def test_who_is_lost_comes_before_whose_memory_had_errors():
    assert answered(BUSY, BUSY)["Faults"] == Answer("none")
    sick = {**BUSY, "ecc_uncorrected_count": 3}
    assert answered(BUSY, sick)["Faults"] == Answer("GPU 1 · ECC errors", "GPU-1", "warning")
    states = [gpu_state(f"GPU-{at}", index=at) for at in range(3)]
    states[2] = gpu_state("GPU-2", "lost", "It has fallen off the bus.", index=2)
    rows = [{**row, "device": f"GPU-{at}"} for at, row in enumerate((BUSY, sick))]
    tick = latest(gpus=rows, states=states)
    [found, *_] = answers(tick, {str(row["device"]): row for row in rows})
    title = "GPU 2 · lost; GPU 1 · ECC errors"
    assert found == Answer("GPU 2 · lost +1 more", "GPU-2", "critical", title)


def test_where_none_is_slowed_that_is_said():
    assert answered(BUSY, {**BUSY, "clock_event_reasons": 0x04})["Slowed"] == Answer("none")


def test_whose_process_holds_the_most():
    def held(device: str, size: int | None, **more: object) -> Row:
        return {"device": device, "pid": 7, "gpu_memory_bytes": size, **more}  # type: ignore[dict-item]

    processes = (held("GPU-0", 30 * GIB, user="ada"), held("GPU-1", 61 * GIB, name="python"))
    found = answered(BUSY, BUSY, processes=processes)["Most memory"]
    assert found == Answer("python · 61.0 GiB on GPU 1", "GPU-1")
    unknown = (held("GPU-0", None, user="ada"), held("GPU-1", 1 * GIB))
    found = answered(BUSY, BUSY, processes=unknown)["Most memory"]
    assert found == Answer("PID 7 · 1.00 GiB on GPU 1", "GPU-1")
    assert answered(BUSY, BUSY)["Most memory"] == Answer("no process is listed")
