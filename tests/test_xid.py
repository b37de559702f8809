"""XIDs in words."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.xid import _CATALOGUE, decoded, name, severities

NUMBERS = [entry[0] for entry in _CATALOGUE]


def test_each_number_is_told_once():
    assert len(set(NUMBERS)) == len(NUMBERS)
    asked = {13, 31, 32, 38, 43, 44, 45, 48, *range(61, 65), 68, 69, 74, 79, 92, 94, 95}
    assert asked | {109, 119, 120, 121, 140, 143, 149} <= set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_it_says_what_it_means_and_what_to_do(number: int):
    xid = decoded(number)
    assert xid.number == number
    assert xid.severity != "unknown"
    assert xid.words[0].isupper()
    assert not xid.words.endswith(".")
    assert xid.advice.endswith(".")


@pytest.mark.parametrize(
    ("number", "severity"),
    [(79, "critical"), (48, "critical"), (31, "application"), (63, "warning"), (200, "unknown")],
)
def test_how_bad_it_is(number: int, severity: str):
    assert decoded(number).severity == severity


def test_the_worst_of_several_is_told():
    found = severities(np.array([31.0, np.nan, 200.0, 63.0, 48.0]))
    assert found.tolist() == [0, -1, 1, 2, 3]
    assert severities(np.array([np.nan])).tolist() == [-1]


def test_one_that_is_not_known_keeps_its_number():
    assert (decoded(200).number, name(200)) == (200, "XID 200")
    assert "not known" in decoded(200).words
