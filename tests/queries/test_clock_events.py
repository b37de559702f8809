"""The mask of clock event reasons in words."""

from __future__ import annotations

import pytest

from monitor.queries.clock_events import holds, reason_names, reasons, worst_kind
from monitor.sources.clock_reasons import CLOCK_REASONS, THERMAL


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0, []),
        (0x1, ["Idle"]),
        (0x4 | 0x40, ["Power cap", "Thermal, hardware"]),
        (0x601, ["Idle", "Board limit", "Reliability"]),
        (0x800, ["0x800"]),
        (0x9004, ["Power cap", "0x1000", "0x8000"]),
        (1 << 62, [hex(1 << 62)]),
    ],
)
def test_each_bit_has_a_name_and_an_unknown_one_is_shown_in_hex(bits: int, names: list[str]):
    assert reason_names(bits) == names
    assert sum(reason.bit for reason in reasons(bits)) == bits


@pytest.mark.parametrize(
    ("bits", "kind"),
    [
        (0, None),
        (0x1, "normal"),
        (0x103, "normal"),
        (0x4, "limit"),
        (0x801, "unknown"),
        (0x804, "limit"),
        (0x5 | 0x20, "problem"),
        *((bit, "problem") for bit in (0x8, 0x40, 0x80)),
    ],
)
def test_a_mask_is_as_bad_as_its_worst_reason(bits: int, kind: str | None):
    assert worst_kind(bits) == kind


def test_what_the_temperature_s_badge_goes_by_are_the_thermal_reasons():
    thermal = [reason.bit for reason in CLOCK_REASONS if reason.name.startswith("Thermal")]
    assert sum(thermal) == THERMAL


@pytest.mark.parametrize("reason", CLOCK_REASONS, ids=lambda reason: reason.name)
def test_a_reason_is_told_in_a_sentence_and_its_name_is_short(reason):
    assert reason.words.endswith(".")
    assert len(reason.name) <= 20


@pytest.mark.parametrize("reason", CLOCK_REASONS[1:], ids=lambda reason: reason.name)
def test_each_reason_but_idle_holds_the_clocks_down(reason):
    (hold,) = holds(reason.bit | 0x1)
    # What a full load, a person or the group's slowest brings is no alarm.
    assert hold.alarms is (reason.bit not in {0x2, 0x4, 0x10, 0x100})
