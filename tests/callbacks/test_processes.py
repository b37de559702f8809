"""What a page is shown of the GPU processes at a tick."""

from __future__ import annotations

from callbacks.processes import view_now
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
