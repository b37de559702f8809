"""A tick: what it hands on, what it says about itself, and what it says once."""

from __future__ import annotations

import pytest

from monitor.recording.sampler import Sampler
from monitor.sources.base import Rows, SourceState
from tests.fakes import FakeClock, FakeSource

TEN = 1_795_514_400.0  # 2026-11-24T10:00:00Z
TEN_MS = 1_795_514_400_000


class MemorySink:
    """Keeps what it is given, in order."""

    def __init__(self) -> None:
        self.ticks: list[tuple[int, Rows]] = []

    def newest(self) -> int:
        return max((known for known, _ in self.ticks), default=0)

    def covers(self, time: int) -> bool:
        return any(time == known for known, _ in self.ticks)

    def add(self, time: int, rows: Rows) -> None:
        self.ticks.append((time, rows))

    @property
    def seconds(self) -> list[float]:
        """Of the ticks, since ten o'clock."""
        return [time / 1000 - TEN for time, _ in self.ticks]


class ChangingSource(FakeSource):
    """Its state is what the test says; reading takes `takes` seconds."""

    def __init__(self, clock: FakeClock, name: str = "changing") -> None:
        super().__init__()
        self.name = name
        self.is_well = SourceState(name, ok=True)
        self.takes = 0.0
        self._clock = clock

    def sample(self, monotonic: float) -> Rows:
        self._clock.run(self.takes)
        return {"process": [{"device": "GPU-1", "pid": 7}]}

    def state(self) -> SourceState:
        return self.is_well


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(TEN)


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def source(clock: FakeClock) -> ChangingSource:
    return ChangingSource(clock)


def own_row(sink: MemorySink) -> dict[str, object]:
    [row] = sink.ticks[-1][1]["recorder"]
    return row


def test_a_tick_has_the_rows_of_every_source_and_the_recorders_own(
    clock: FakeClock, sink: MemorySink, source: ChangingSource
) -> None:
    Sampler([FakeSource(), source], sink, 1.0, clock).tick()
    [(time, rows)] = sink.ticks
    assert time == TEN_MS
    assert rows["gpu"] == [{"device": "GPU-1", "index": 0, "power_watts": 1.0}]
    assert rows["process"] == [{"device": "GPU-1", "pid": 7}]
    assert list(rows) == ["gpu", "process", "recorder"]


def test_the_recorders_own_row(clock: FakeClock, sink: MemorySink, source: ChangingSource) -> None:
    sampler = Sampler([source], sink, 1.0, clock)
    clock.run(1.25)  # a quarter of a second late
    source.takes = 0.125
    sampler.tick()
    row = own_row(sink)
    assert row["device"] == "host"
    assert row["lateness_seconds"] == 0.25
    assert row["tick_seconds"] == 0.125
    assert row["missed_count"] == 0
    assert row["cpu_percent"] >= 0
    assert 10e6 < row["memory_bytes"] < 10e9


def test_without_time_gone_by_there_is_no_cpu_share(clock: FakeClock, sink: MemorySink) -> None:
    Sampler([], sink, 1.0, clock).tick()
    assert own_row(sink)["cpu_percent"] is None


def test_missed_ticks_are_counted(clock: FakeClock, sink: MemorySink) -> None:
    sampler = Sampler([], sink, 1.0, clock)
    for seconds in (1, 1, 4, 1, 2):
        sampler.tick()
        clock.run(seconds)
    sampler.tick()
    assert sampler.missed == 3 + 1
    assert own_row(sink)["missed_count"] == 4
    assert sink.seconds == [0, 1, 2, 6, 7, 9]


@pytest.mark.parametrize("move", ["step", "suspend"])
def test_a_clock_that_steps_and_a_machine_that_sleeps_miss_no_tick(
    clock: FakeClock, sink: MemorySink, move: str
) -> None:
    sampler = Sampler([], sink, 1.0, clock)
    sampler.tick()
    clock.run(1)
    getattr(clock, move)(3600)
    sampler.tick()
    assert sampler.missed == 0
    assert sink.seconds == [0, 3601]


def test_a_tick_a_little_late_misses_none(clock: FakeClock, sink: MemorySink) -> None:
    sampler = Sampler([], sink, 1.0, clock)
    for seconds in (1.4, 0.6, 1.4, 0.6):
        sampler.tick()
        clock.run(seconds)
    assert sampler.missed == 0


def test_a_tick_left_out_after_a_late_one_is_missed(clock: FakeClock, sink: MemorySink) -> None:
    sampler = Sampler([], sink, 1.0, clock)
    clock.run(0.6)
    sampler.tick()
    clock.run(1.4)
    sampler.tick()
    assert sink.seconds == [0, 2]
    assert sampler.missed == 1


@pytest.mark.parametrize(
    ("interval", "at", "second"),
    [
        (1.0, 0.96, 1),
        (1.0, 0.94, 0),
        (1.0, 1.0, 1),
        (1.0, 1.9, 1),
        (0.1, 0.296, 0.3),
        (0.1, 0.294, 0.2),
        (60.0, 57.5, 60),
        (60.0, 56.5, 0),
    ],
)
def test_a_tick_at_most_a_twentieth_early_belongs_to_its_second(
    sink: MemorySink, interval: float, at: float, second: float
) -> None:
    Sampler([], sink, interval, FakeClock(TEN + at)).tick()
    assert [time for time, _ in sink.ticks] == [TEN_MS + round(1000 * second)]


def test_a_second_is_recorded_once_and_a_clock_set_back_is_told(
    clock: FakeClock, sink: MemorySink, caplog: pytest.LogCaptureFixture
) -> None:
    changes: list[str] = []
    sampler = Sampler([], sink, 1.0, clock, lambda: changes.append(sampler.clock_message))
    for _ in range(5):
        sampler.tick()
        clock.run(1)
    clock.step(-3)
    for _ in range(5):
        sampler.tick()
        clock.run(1)
    assert sink.seconds == [0, 1, 2, 3, 4, 5, 6]
    assert sampler.missed == 0
    assert changes == ["The clock was set back; this time is recorded already.", ""]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_tick_so_late_that_it_is_the_next_is_no_clock_set_back(
    clock: FakeClock, sink: MemorySink
) -> None:
    changes: list[str] = []
    sampler = Sampler([], sink, 1.0, clock, lambda: changes.append(sampler.clock_message))
    for seconds in (1.97, 0.03, 1):
        sampler.tick()
        clock.run(seconds)
    sampler.tick()
    assert sink.seconds == [0, 2, 3]
    assert sampler.missed == 1
    assert changes == []


def test_a_change_of_a_sources_state_is_told(
    clock: FakeClock, sink: MemorySink, source: ChangingSource
) -> None:
    told: list[list[SourceState]] = []
    sampler = Sampler([source], sink, 1.0, clock, lambda: told.append(sampler.states()))
    well = source.is_well
    gone = SourceState(source.name, ok=False, reason="No driver.", advice="Install one.")
    for state in (well, well, gone, gone, well):
        source.is_well = state
        sampler.tick()
        clock.run(1)
    assert told == [[well], [gone], [well]]
