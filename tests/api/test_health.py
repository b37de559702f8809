"""How old the newest tick is said to be, whatever the clock does."""

from __future__ import annotations

import time

import pytest

from monitor.api.health import last_tick_age
from monitor.queries.latest import Latest

MINUTE = 60.0


def latest(by_the_clock: float, waited: float) -> Latest:
    """A tick of so many seconds ago by the wall clock, which came `waited` seconds ago."""
    tick = round(1000 * (time.time() - by_the_clock))
    return Latest(sequence=1, time=tick, arrived=time.monotonic() - waited)


@pytest.mark.parametrize(
    ("by_the_clock", "waited", "age"),
    [
        (MINUTE, 0.0, MINUTE),  # it was old when it came
        (MINUTE, 2 * MINUTE, 2 * MINUTE),
        (-60 * MINUTE, 2 * MINUTE, 2 * MINUTE),  # the clock was set back an hour
        (-60 * MINUTE, 0.0, 0.0),
    ],
)
def test_a_tick_is_at_least_as_old_as_it_has_been_here(
    by_the_clock: float, waited: float, age: float
) -> None:
    found = last_tick_age(latest(by_the_clock, waited))
    assert age - 0.01 <= found < age + MINUTE


def test_before_the_first_tick_there_is_no_age() -> None:
    assert last_tick_age(Latest()) is None
