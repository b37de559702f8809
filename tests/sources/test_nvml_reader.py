"""Asking one device for many things, where each refusal costs one cell."""

from __future__ import annotations

import pynvml
import pytest

from monitor.sources.base import Row, Value
from monitor.sources.nvml_reader import Handle, Reader, Way, reading

LOST = pynvml.NVML_ERROR_GPU_IS_LOST
NOT_FOUND = pynvml.NVML_ERROR_FUNCTION_NOT_FOUND


class Asked:
    """A way to read that answers, or fails, and counts how often it was asked."""

    def __init__(self, answer: Value | BaseException) -> None:
        self.answer = answer
        self.times = 0

    def __call__(self, handle: Handle) -> tuple[Value, ...]:
        self.times += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return (self.answer,)


def test_the_newest_way_that_the_driver_has_is_used() -> None:
    absent: set[Way] = set()
    new, old = Asked(pynvml.NVMLError(NOT_FOUND)), Asked(7)
    for _ in range(2):  # two GPUs
        reader, row = Reader([reading("x", new, old)], absent), Row()
        assert reader.read(None, row) is None
        assert reader.read(None, row) is None
        assert row == {"x": 7}
    # What the library lacks, it lacks for every GPU.
    assert (new.times, old.times) == (1, 4)
    assert absent == {new}


@pytest.mark.parametrize(
    "error",
    [
        pynvml.NVMLLibraryMismatchError("the library is older than the binding"),
        pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED),
        pynvml.NVMLError(pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH),
    ],
)
def test_what_stays_refused_is_not_asked_for_again(error: BaseException) -> None:
    refused, other = Asked(error), Asked(0)
    reader, row = Reader([reading("x", refused), reading("y", other)], set()), Row()
    for _ in range(3):
        assert reader.read(None, row) is None
    assert row == {"y": 0}
    assert refused.times == 1


@pytest.mark.parametrize(
    "error",
    [
        pynvml.NVMLError(0),
        pynvml.NVMLError(4711),
        pynvml.NVMLError(pynvml.NVML_ERROR_TIMEOUT),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text"),
    ],
)
def test_what_fails_once_is_asked_for_again(error: BaseException) -> None:
    failing = Asked(error)
    reader, row = Reader([reading("x", failing), reading("y", Asked(1))], set()), Row()
    assert reader.read(None, row) is None
    assert row == {"y": 1}
    failing.answer = 0
    assert reader.read(None, row) is None
    assert row == {"x": 0, "y": 1}


def test_a_device_that_is_gone_is_asked_no_more() -> None:
    answered, gone, after = Asked(1), Asked(pynvml.NVMLError(LOST)), Asked(2)
    readings = [reading("x", answered), reading("y", gone), reading("z", after)]
    problem = Reader(readings, set()).read(None, {})
    assert problem is not None
    assert problem.status == "lost"
    assert after.times == 0


def test_a_device_of_which_every_answer_fails_has_a_problem() -> None:
    failing = Asked(pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN))
    problem = Reader([reading("x", failing), reading("y", failing)], set()).read(None, {})
    assert problem is not None
    assert (problem.code, problem.status) == (pynvml.NVML_ERROR_UNKNOWN, "failed")


def test_a_device_that_tells_nothing_at_all_is_well() -> None:
    silent = Asked(pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED))
    assert Reader([reading("x", silent)], set()).read(None, {}) is None
