"""Sentences about GPUs that should be alike and are not."""

from __future__ import annotations

import pytest

from monitor.queries.gpu_words import how_it_is, throttling
from monitor.queries.imbalance import imbalance
from monitor.sources.base import DeviceStatus, Row
from tests.queries.ticks import GIB, gpu_state

SW_THERMAL, HW_THERMAL, HW_SLOWDOWN, BRAKE, CAP, IDLE = 0x20, 0x40, 0x08, 0x80, 0x04, 0x01


def row(use: float | None = 97.0, clock: float | None = 1780.0, **more: object) -> Row:
    return {
        "utilization_percent": use,
        "sm_clock_mhz": clock,
        "memory_used_bytes": 61 * GIB,
        "memory_total_bytes": 80 * GIB,
        **more,  # type: ignore[dict-item]
    }


def told(*rows: Row, names: str = "") -> list[str]:
    """Of GPUs 0, 1 …; `names` has a letter for the model of each."""
    states = [
        gpu_state(f"GPU-{at}", index=at, name=names[at] if names else "H100")
        for at in range(len(rows))
    ]
    by_device = {state.device: one for state, one in zip(states, rows, strict=True)}
    return imbalance(states, by_device)


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (SW_THERMAL, ": thermal slowdown"),
        (HW_SLOWDOWN | HW_THERMAL, ": thermal slowdown"),
        (HW_SLOWDOWN | BRAKE, ": power brake"),
        (HW_SLOWDOWN, ": hardware slowdown"),
        (CAP, ": power cap"),
        (CAP | SW_THERMAL, ": thermal slowdown"),
        (0x8000 | CAP, ": 0x8000"),
        (0x502, ": reliability limit"),
        (0x2, ": application clocks"),
        (IDLE, ""),
        (0, ""),
        (None, ""),
    ],
)
def test_a_slow_clock_is_told_with_its_reason(bits: int | None, why: str):
    slow = row(clock=1640.0, clock_event_reasons=bits)
    assert told(row(), row(), slow) == [f"GPU 2 runs 140 MHz below the others{why}."]


def test_two_gpus_have_one_other_each():
    assert told(row(), row(clock=1640.0)) == ["GPU 1 runs 140 MHz below the other."]


def test_one_odd_gpu_moves_no_other_and_the_slowest_is_told_first():
    rows = [row(), row(clock=1000.0), row(clock=1785.0), row(clock=1500.0), row(clock=1770.0)]
    assert told(*rows) == [
        "GPU 1 runs 780 MHz below the others.",
        "GPU 3 runs 280 MHz below the others.",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row()],
        [row(), row()],
        [row(clock=1780.0), row(clock=1780.0), row(clock=1735.0)],  # a few steps of the clock
        [row(), row(clock=None)],
        [row(use=None), row(clock=300.0)],
        [row(use=49.0), row(use=49.0, clock=345.0)],  # not under load: clocks may rest
        [row(use=0.0), row(use=2.0), row(use=4.0)],  # nobody works
        [row(use=99.0), row(use=75.0), row(use=70.0)],
    ],
)
def test_what_is_even_enough_is_not_told(rows: list[Row]):
    assert told(*rows) == []


def test_another_model_may_have_another_clock():
    assert told(row(), row(), row(clock=1200.0), names="AAB") == []
    assert len(told(row(), row(), row(clock=1200.0), names="AAA")) == 1


@pytest.mark.parametrize(
    ("idle", "words"),
    [
        ([61], ["GPU 1 is idle and holds 61.0 GiB."]),
        ([61, 20], ["GPUs 1 and 2 are idle and hold 81.0 GiB together."]),
        ([61, 20, 40], ["GPUs 1, 2 and 3 are idle and hold 121.0 GiB together."]),
        # Little of its memory is none to speak of; where few work, idle is no news.
        ([1], []),
        ([1, 1], []),
    ],
)
def test_an_idle_gpu_that_holds_memory_is_told_while_another_works(idle, words):
    rows = [row(use=0.0, memory_used_bytes=gib * GIB) for gib in idle]
    assert told(row(), *rows) == words


def test_an_idle_gpu_is_told_where_most_work():
    free = row(use=0.0, memory_used_bytes=GIB)
    assert told(row(), row(), free) == ["GPU 2 is idle; the others work."]
    assert told(row(), row(), row(), free, free) == ["GPUs 3 and 4 are idle; the others work."]
    assert told(row(), row(), free, free) == []


def test_a_laggard_is_told_beside_the_others():
    assert told(row(use=96.0), row(use=97.0), row(use=42.4)) == [
        "GPU 2 works at 42 %, the others at 96 %."
    ]


def test_gpus_that_did_not_answer_and_mig_instances_are_left_out():
    states = [
        gpu_state("GPU-0", index=0),
        gpu_state("MIG-0", index=0, mig_index=0, parent="GPU-0"),
        gpu_state("GPU-1", "lost", index=1),
    ]
    rows = {"GPU-0": row(), "MIG-0": row(use=0.0)}
    assert imbalance(states, rows) == []


@pytest.mark.parametrize(
    ("recent", "words", "kind"),
    [
        (row(clock_event_reasons=SW_THERMAL), "slowed: heat", "slowed"),
        (row(clock_event_reasons=HW_SLOWDOWN | BRAKE), "slowed: power brake", "slowed"),
        (row(use=0.0, clock_event_reasons=HW_SLOWDOWN), "slowed: hardware", "slowed"),
        (row(use=0.0, clock_event_reasons=IDLE), "idle, 61.0 GiB held", "idle"),
        (row(use=4.9, memory_used_bytes=GIB), "idle", "idle"),
        (row(use=5.0), "working", "ok"),
        (row(clock_event_reasons=CAP), "at its power limit", "ok"),
        (row(clock_event_reasons=0x8000), "slowed: 0x8000", "slowed"),
        (row(clock_event_reasons=0x502), "slowed: reliability", "slowed"),
        (row(clock_event_reasons=0x113), "working", "ok"),
        (row(use=None), "", "ok"),
        ({}, "", "ok"),
    ],
)
def test_how_a_gpu_is_is_said_in_a_few_words(recent: Row, words: str, kind: str):
    assert how_it_is(gpu_state(), recent) == [words, kind]


@pytest.mark.parametrize("status", ["late", "asleep", "lost", "denied", "failed"])
def test_a_gpu_that_is_not_well_says_that_alone(status: DeviceStatus):
    words, kind = how_it_is(gpu_state(status=status), row(use=0.0))
    assert kind == status
    assert words
    assert "idle" not in words


@pytest.mark.parametrize(
    ("bits", "number", "state"),
    [
        (None, "N/A", "missing"),
        (0, "none", "ok"),
        (IDLE, "none", "ok"),
        (CAP, "power cap", "ok"),
        (HW_THERMAL | CAP, "heat, power cap", "warning"),
        (HW_SLOWDOWN | SW_THERMAL, "heat", "warning"),
        (HW_SLOWDOWN, "hardware", "warning"),
        (0x8000, "0x8000", "warning"),
        (0x502, "reliability, app clocks, display", "warning"),
        (0x100002, "0x100000, app clocks", "warning"),
        (0x200 | IDLE, "board limit", "warning"),
        (0x113, "sync boost, app clocks, display", "ok"),
    ],
)
def test_throttling_is_a_word_with_its_bits(bits: int | None, number: str, state: str):
    assert throttling({"clock_event_reasons": bits}) == [number, "", bits, None, state]
