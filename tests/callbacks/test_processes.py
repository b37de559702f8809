"""What a page is shown of the GPU processes at a tick."""

from __future__ import annotations

from callbacks.processes import view_now
from monitor.sources.base import Row
from tests.api.test_current_values import FIRST, NOW, SECOND, Served, served, two_gpus
from tests.queries.test_processes import process

__all__ = ["served", "two_gpus"]


def test_a_tick_is_made_ready_once_for_every_page(two_gpus: Served):
    rows = [process(1, device=FIRST), process(2, device=SECOND)]
    two_gpus.tick({"process": rows}, NOW + 1000)
    every, one = view_now(two_gpus.current, None), view_now(two_gpus.current, SECOND)
    assert (every.of_gpus, len(every.rows), every.count) == (2, 2, "2 active on 2 GPUs")
    assert one.count == "1 active on GPU 1"
    assert one.rows[0] is every.rows[1]
    two_gpus.tick({"process": rows[:1]}, NOW + 2000)
    assert view_now(two_gpus.current, None).count == "1 active on 1 GPU"


def test_a_machine_without_a_gpu_has_none(served: Served):
    view = view_now(served.current, FIRST)
    assert (view.of_gpus, view.rows, view.count) == (0, [], "0 active")


def test_a_page_is_told_of_others_when_there_are_some(two_gpus: Served):
    def told(*rows: Row, seconds: int, used: int = 40 << 30) -> object:
        gpus = [{"device": FIRST, "memory_used_bytes": used, "memory_total_bytes": 80 << 30}]
        readings = {"gpu": gpus, **({"process": rows} if rows else {})}
        two_gpus.tick(readings, NOW + 1000 * seconds)
        return two_gpus.current.snapshot()["processes"]

    one, other = process(1, device=FIRST), process(2, device=SECOND)
    first = told(one, seconds=2)
    assert told(one, seconds=4) == first
    assert told(one, other, seconds=6) != first
    # Readings of a GPU alone tell of no others, until processes are read again.
    both = told(one, other, seconds=8)
    assert told(seconds=9, used=50 << 30) == both
    assert two_gpus.current.snapshot(compared=True)["processes"] == both


def test_memory_that_nobody_holds_is_told_of_where_there_is_no_process(two_gpus: Served):
    found = []
    for second in range(0, 40, 2):
        used = (9 if second < 20 else 30) << 30
        gpus = [{"device": FIRST, "memory_used_bytes": used, "memory_total_bytes": 80 << 30}]
        two_gpus.tick({"gpu": gpus}, NOW + 1000 * second)
        found.append(two_gpus.current.snapshot()["processes"])
    assert found[5] == found[9]
    assert found[9] != found[-1]
