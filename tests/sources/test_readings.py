"""What sources read with: kernel files, rates, readings that may be slow."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates, total
from monitor.sources.slow_reading import SlowReading

PATIENCE = 5.0


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    files = KernelFiles(tmp_path)
    assert files.read("stat") == b""
    (tmp_path / "stat").write_bytes(b"one")
    assert files.read("stat") == b"one"
    (tmp_path / "stat").write_bytes(b"three")
    assert files.read("stat") == b"three"
    files.close()
    assert files.read("stat") == b"three"


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_a_file_of_any_size_is_read_whole(size: int, tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(bytes(size))
    assert len(KernelFiles(tmp_path).read("stat")) == size


def test_the_kernel_s_lists_are_read_whole_though_they_come_a_page_at_a_time() -> None:
    # Longer than a page in any process with Python in it, as diskstats is on a server.
    maps = KernelFiles(Path("/")).read("proc/self/maps")
    assert len(maps) > os.sysconf("SC_PAGE_SIZE")
    assert maps.endswith(b"\n")
    assert maps.count(b"\n") > 0.8 * Path("/proc/self/maps").read_bytes().count(b"\n")


def test_descriptors_are_kept_and_let_go(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    files = KernelFiles(tmp_path)
    (tmp_path / "stat").write_bytes(b"one")
    before = open_files()
    for _ in range(3):
        files.read("stat")
    assert open_files() == before + 1
    files.close()
    assert open_files() == before


def test_a_folder_and_what_is_not_text_read_as_empty_or_mended(tmp_path: Path) -> None:
    files = KernelFiles(tmp_path)
    assert files.read(".") == b""
    assert files.once(".") == ""
    (tmp_path / "name").write_bytes(b" caf\xe9\0\n")
    assert files.once("name") == "caf\ufffd"


@given(st.lists(st.tuples(st.integers(0, 2**64), st.floats(0, 1e6)), min_size=2, max_size=8))
def test_a_rate_is_never_negative(readings: list[tuple[int, float]]) -> None:
    rates = Rates()
    for value, now in readings:
        rate = rates.per_second("key", value, now)
        assert rate is None or rate >= 0


@given(st.integers(0, 2**63), st.integers(0, 2**40), st.floats(0.01, 1000))
def test_a_rate_is_growth_over_time(value: int, growth: int, seconds: float) -> None:
    rates = Rates()
    rates.per_second("key", value, 0.0)
    assert rates.per_second("key", value + growth, seconds) == pytest.approx(growth / seconds)


def test_a_gap_is_bridged_by_its_mean_and_a_missing_value_ends_the_count() -> None:
    rates = Rates()
    rates.per_second("key", 0, 0.0)
    assert rates.per_second("key", 100, 10.0) == 10.0
    rates.per_second("key", None, 11.0)
    assert rates.per_second("key", 120, 12.0) is None


def test_what_has_been_gone_for_a_minute_is_forgotten() -> None:
    rates = Rates()
    rates.per_second("gone", 0, 0.0)
    rates.per_second("here", 0, 50.0)
    rates.forget_the_gone(61.0)
    assert rates.per_second("gone", 10, 61.0) is None
    assert rates.per_second("here", 11, 61.0) == 1.0


@pytest.mark.parametrize(
    ("rates", "expected"),
    [([1.0, 2.0], 3.0), ([0.0], 0.0), ([], None), ([1.0, None], None), ([None], None)],
)
def test_a_total_of_what_is_not_all_there_is_missing(
    rates: list[float | None], expected: float | None
) -> None:
    assert total(rates) == expected


def test_a_slow_reading_is_asked_for_at_its_pace() -> None:
    answers = itertools.count(1)
    reading = SlowReading("test", lambda: next(answers), every=5.0)
    seen = []
    for now in range(100, 116):
        assert reading.wait(PATIENCE)
        seen.append(reading.latest(float(now)))
    assert reading.wait(PATIENCE)
    # The tick that asks takes the answer before.
    assert sorted({*seen}) == [1, 2, 3]
    assert reading.latest(116.0) == 4
    reading.close()


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("strange")])
def test_a_slow_reading_that_fails_is_missing_until_it_works(error: Exception) -> None:
    answers = iter([1, error, 3])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reading = SlowReading("test", ask, every=1.0)
    seen = []
    for now in range(6):
        assert reading.wait(PATIENCE)
        reading.latest(now / 2)
        assert reading.wait(PATIENCE)
        seen.append(reading.latest(now / 2))
    assert seen[0:5] == [1, 1, None, None, 3]
    reading.close()


def test_a_slow_reading_that_hangs_blocks_nobody_and_recovers() -> None:
    hang, asked = threading.Event(), threading.Event()

    def ask() -> str:
        asked.set()
        hang.wait(PATIENCE)
        return "answer"

    reading = SlowReading("test", ask, every=5.0)
    assert asked.wait(PATIENCE)
    assert [reading.latest(now) for now in (0.0, 5.0, 60.0)] == [None, None, None]
    hang.set()
    assert reading.wait(PATIENCE)
    reading.latest(61.0)
    assert reading.wait(PATIENCE)
    assert reading.latest(62.0) == "answer"
    reading.close()


def test_closing_ends_the_thread() -> None:
    reading = SlowReading("a reading to close", lambda: 1, every=5.0)
    (thread,) = [t for t in threading.enumerate() if t.name == "a reading to close"]
    assert thread.daemon
    reading.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
