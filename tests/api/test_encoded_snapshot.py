"""The page's snapshot is encoded once for all who are sent it together, and says its own age."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from monitor.queries import current as module
from tests.api.test_current_values import NOW, Served, served, two_gpus

__all__ = ["served", "two_gpus"]


def sent(fragment: orjson.Fragment) -> dict[str, Any]:
    return json.loads(orjson.dumps(fragment))


def test_it_is_the_snapshot_and_one_text_for_all_of_a_moment(
    two_gpus: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [NOW / 1000 + 0.01]
    monkeypatch.setattr(module.time, "time", lambda: now[0])
    current = two_gpus.current
    first = current.encoded_snapshot()
    assert sent(first) == json.loads(orjson.dumps(current.snapshot()))
    now[0] += 0.02
    assert current.encoded_snapshot() is first
    assert sent(current.encoded_snapshot(compared=True)) != sent(first)
    assert current.encoded_snapshot() is first
    now[0] += 5
    assert sent(current.encoded_snapshot())["age"] == 5.0
    two_gpus.tick({"host": [{"device": "host", "cpu_percent": 1.0}]}, NOW + 1000)
    assert sent(current.encoded_snapshot())["time"] == NOW + 1000
