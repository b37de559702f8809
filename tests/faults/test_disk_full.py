"""A full disk, for real: a small tmpfs filled to its last byte while a recorder writes to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.recording.follower import Follower
from monitor.settings import load
from monitor.storage.locations import overflow_db
from tests.faults.recorders import (
    newest_in_live_db,
    recording,
    rows_in_parquet,
    ticks_in_live_db,
    wait_for,
)

OPTIONS = ("--gpu-source", "demo", "--interval", "0.1")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs takes root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(ballast: Path) -> None:
    """Take every byte that is left, and what has become free since the last call."""
    try:
        with ballast.open("ab") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
    except OSError:
        pass


# Without a flush in between live.db has to grow at every tick; with many it uses its pages again,
# and it is the history that finds no room.
@pytest.mark.parametrize(("flush_interval", "what"), [("600", "live.db"), ("0.5", "History")])
def test_recording_goes_on_in_memory_and_is_saved_when_there_is_room(
    small_disk: Path, flush_interval: str, what: str
) -> None:
    settings = load(["--data", str(small_disk)])
    follower = Follower([small_disk / "live.db", overflow_db(settings)])
    with recording(small_disk, *OPTIONS, "--flush-interval", flush_interval) as recorder:
        wait_for(lambda: len(ticks_in_live_db(small_disk)) > 5)
        follower.start()
        wait_for(lambda: follower.latest.sequence > 3)
        ballast = small_disk / "ballast"

        def troubled() -> bool:
            fill(ballast)
            storage = follower.latest.recorder["storage"]
            return not storage["ok"] and what in storage["reason"]

        wait_for(troubled)
        # The page goes on live.
        before = follower.latest
        wait_for(lambda: follower.latest.time > before.time + 1000)
        assert len(follower.latest.table("gpu")) == 8
        full_time = follower.latest.time

        ballast.unlink()
        wait_for(lambda: follower.latest.recorder["storage"]["ok"])
        wait_for(lambda: newest_in_live_db(small_disk) > full_time)
        assert recorder.stop() == 0
        end = follower.latest.time

    follower.poll()
    follower.stop()
    assert not overflow_db(settings).exists()
    rows = rows_in_parquet(small_disk, "gpu")
    assert len(rows) == len(set(rows))
    times = sorted({tick for tick, _ in rows})
    assert times[-1] >= end
    # Nothing is missing over the time in which the disk was full.
    assert max(b - a for a, b in pairwise(times)) <= 300
    seen = follower.buffers["gpu"].columns().times
    assert len(seen) == 8 * len(set(seen.tolist())), "the page was shown a tick twice"
    assert not list(small_disk.rglob("*.writing"))
