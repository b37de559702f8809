"""What takes long at the first question of its kind is done before anybody asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import Response
from fastapi.testclient import TestClient

from app import create_app
from monitor.api.turns import Turns
from monitor.queries.archive import Archive
from monitor.settings import load
from monitor.storage import history
from tests.queries.recorded import Recording


def test_the_paths_to_the_past_have_been_asked_once_before_anybody_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    answers: list[Response] = []
    answer = Turns.answer

    async def noted(*asked: object) -> Response:
        answers.append(await answer(*asked))
        return answers[-1]

    monkeypatch.setattr(Turns, "answer", noted)
    server = create_app(load(["--data", str(tmp_path), "--no-record"]))
    with TestClient(server, base_url="http://localhost"):
        # A machine without a GPU has no past of one.
        assert [found.status_code for found in answers] == [200]


def test_nothing_is_read_for_the_newest_day_once_it_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recording = Recording(tmp_path, "1s:2d,1m:30d")
    recording.ticked(float(watts) for watts in range(600))
    recording.flush()
    archive = recording.archive(follows=False)
    archive.prepare()
    reads = []
    monkeypatch.setattr(history.pq, "ParquetFile", lambda *_, **__: reads.append(_))
    _asked(archive, recording.newest)
    assert reads == []


def _asked(archive: Archive, newest: int) -> None:
    gpu = history.TABLES["gpu"]
    for tier in archive.tiers:
        found = archive.series(gpu, ["power_watts"], newest - 60_000, newest, tier=tier)
        assert found.lines
