"""A reader who asks again and again while days are recorded, flushed, merged and pruned."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monitor.queries.archive import Archive
from monitor.queries.series import Line
from monitor.storage.tiers import Tier
from tests.queries.recorded import GPU, Recording
from tests.storage.made import HOUR, START

MINUTE = 60_000
DAY = 24 * HOUR
COLUMNS = ["power_watts", "energy_joules"]
DEVICES = ["GPU-0", "GPU-1"]
# Ticks of a minute: raw hours of 60 rows, merged into days while those are still kept.
TIERS = "1s:25h,1m:5d,1h:2y"
HOURS = 37


def value(time: int) -> float:
    return float(time // MINUTE % 4096)


class Reader:
    """Asks each tier of an archive until it is told to stop; keeps what it was that was wrong."""

    def __init__(self, recording: Recording, archive: Archive) -> None:
        self.recorded = START - MINUTE
        self.wrong: BaseException | None = None
        self.rounds = 0
        self.asked = threading.Condition()
        self._archive = archive
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._checks = dict(
            zip(recording.tiers, (self._raw, self._minutes, self._hours), strict=True)
        )

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_a_round(self) -> None:
        """Return when all that is recorded now has been asked for."""
        with self.asked:
            seen = self.rounds
            self.asked.wait_for(lambda: self.rounds > seen + 1 or self.wrong)

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and not self.wrong:
                for tier, check in self._checks.items():
                    self._ask(tier, check)
                with self.asked:
                    self.rounds += 1
                    self.asked.notify_all()
        except BaseException as error:  # noqa: BLE001
            with self.asked:
                self.wrong = error
                self.asked.notify_all()

    def _ask(self, tier: Tier, check: Callable[[Line, int, int], None]) -> None:
        until = self.recorded
        start = max(START, until - DAY)
        found = self._archive.series(GPU, COLUMNS, start, 1 << 42, tier=tier, max_points=None)
        if until >= START:
            assert [line.device for line in found.lines] == DEVICES
        for line in found.lines:
            assert np.all(np.diff(line.times) > 0)
            check(line, start, until)

    def _raw(self, line: Line, start: int, until: int) -> None:
        expected = np.arange(start, line.times[-1] + 1, MINUTE)
        assert line.times.tolist() == expected.tolist()
        assert line.times[-1] >= until
        for column in COLUMNS:
            assert line.columns[column].tolist() == [value(time) for time in line.times.tolist()]

    def _minutes(self, line: Line, start: int, until: int) -> None:
        self._raw(line, start, until)
        assert set(line.columns["samples"].tolist()) == {1}

    def _hours(self, line: Line, start: int, until: int) -> None:
        first = start // HOUR * HOUR
        assert line.times.tolist() == [*range(first, int(line.times[-1]) + 1, HOUR)]
        assert line.times[-1] >= until // HOUR * HOUR
        assert set(line.columns["samples"][:-1].tolist()) <= {60}
        for time, mean in zip(line.times[:-1], line.columns["power_watts"], strict=False):
            of_hour = [value(time + minute * MINUTE) for minute in range(60)]
            np.testing.assert_allclose(mean, np.mean(of_hour), rtol=1e-6)


@pytest.mark.parametrize("follows", [True, False], ids=["a page", "a notebook"])
def test_a_reader_never_sees_a_hole_a_torn_row_or_a_point_twice(
    tmp_path: Path, follows: bool, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording(tmp_path, TIERS, interval=MINUTE)
    reader = Reader(recording, recording.archive(follows=follows))
    with caplog.at_level(logging.WARNING), reader:
        for minute in range(60 * HOURS):
            watts = value(recording.clock.ms)
            recording.tick(*[{"power_watts": watts, "energy_joules": watts}] * 2)
            reader.recorded = recording.newest_tick
            if minute % 25 == 24:
                recording.flush()
            if minute % 240 == 200:
                recording.store.prune(recording.clock.wall())
            if minute % 720 == 0:
                reader.wait_for_a_round()
            if reader.wrong:
                break
        recording.restart()
        reader.wait_for_a_round()
    if reader.wrong:
        raise reader.wrong
    assert not caplog.records
    names = {path.stem for path in (tmp_path / "data/gpu/tier=1s").rglob("*.parquet")}
    # Days were merged, the first of them pruned, and hours are left that are no day yet.
    assert any("T" in name for name in names)
    assert any("T" not in name for name in names)
    assert min(names) > "2026-11-24"
