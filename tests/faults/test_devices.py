"""Which GPUs are listed after a restart with another source, by processes as they are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monitor.recording.follower import Follower
from monitor.storage.journal import Journal
from tests.faults.apps import WebProcess
from tests.faults.recorders import recording, ticks_in_live_db, wait_for


def gpu_list(web: WebProcess) -> Any:
    return web.get("api/v1/system/gpu-list")


def test_simulated_gpus_go_when_the_next_recorder_has_none(tmp_path: Path) -> None:
    web = WebProcess(tmp_path, "--no-record")
    try:
        with recording(tmp_path, "--gpu-source", "demo") as recorder:
            wait_for(lambda: len((gpu_list(web) or {}).get("gpus", [])) == 8)
            assert recorder.stop() == 0
        # They stay for as long as nobody says otherwise.
        assert len(gpu_list(web)["gpus"]) == 8
        with recording(tmp_path, "--gpu-source", "none") as recorder:
            problem = wait_for(lambda: (answer := gpu_list(web)) and answer.get("title") and answer)
            assert problem["type"] == "/problems/gpu-unavailable"
            assert "switched off" in problem["detail"]
            assert web.get("api/v1/system/all")["gpus"] == []
            assert recorder.stop() == 0
        # And who comes later finds none either.
        follower = Follower([tmp_path / "live.db"])
        follower.poll()
        assert follower.latest.gpus() == []
        assert follower.latest.devices["host"]
        for followed in follower._followed:
            followed.close()
    finally:
        web.stop()


def test_gpus_stay_listed_over_a_kill_and_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        record_and_kill(tmp_path, ticks=3)
        assert statuses(tmp_path) == ["ok"] * 8


def record_and_kill(data: Path, ticks: int) -> None:
    before = len(ticks_in_live_db(data))
    with recording(data, "--gpu-source", "demo", "--interval", "0.1") as recorder:
        wait_for(lambda: len(ticks_in_live_db(data)) > before + ticks)
        recorder.kill()


def statuses(data: Path) -> list[str]:
    journal = Journal(data / "live.db", readonly=True)
    try:
        return [state.status for state in journal.devices() if state.table == "gpu"]
    finally:
        journal.close()
