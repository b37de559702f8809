"""Whose process holds a GPU's memory, as the card of its memory says it."""

from __future__ import annotations

import pytest

from monitor.queries.holders import memory_holders
from monitor.queries.snapshot import snapshot
from tests.queries.test_processes import TWO, process, tick
from tests.queries.ticks import GIB


def test_whoever_holds_most_of_each_gpu_is_named():
    rows = [
        process(1, GIB, name="Xorg", user="root"),
        process(2, 30 * GIB, name="python", user="alice"),
        process(3, 9 * GIB, "GPU-b", name="python"),
        process(4, None, "GPU-b", name="blender", user="bob"),
    ]
    assert memory_holders(tick(*rows, gpus=TWO)) == {"GPU-a": "python (alice)", "GPU-b": "python"}


@pytest.mark.parametrize(
    ("state", "words"),
    [("dead", "an ended process"), ("elsewhere", "another namespace"), (None, "pid 7")],
)
def test_a_process_that_is_not_seen_is_told_as_what_it_is(state: str | None, words: str):
    assert memory_holders(tick(process(7, visibility=state))) == {"GPU-a": words}


def test_where_none_is_reported_nobody_is_named():
    assert memory_holders(tick(process(7, None))) == {}


def test_the_card_of_the_memory_names_it_and_no_other_card_does():
    made = snapshot(tick(process(2, 30 * GIB, name="python", user="alice")), {})["readings"]
    assert made["gpu.memory_used_bytes"]["GPU-a"][5].startswith(
        "of 80.0 GiB · 50.0 % · python (alice)"
    )
    others = [of for metric, of in made.items() if metric != "gpu.memory_used_bytes"]
    assert "alice" not in str(others)
