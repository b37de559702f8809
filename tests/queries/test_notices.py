"""What the banner says, the most pressing first."""

from __future__ import annotations

from monitor.queries.notices import gpu_trouble, notices
from tests.queries.ticks import TICK, gpu_state, latest

NO_DRIVER = {"name": "nvml", "ok": False, "reason": "No driver.", "advice": "Install it."}
HOST = {"name": "host", "ok": False, "reason": "No /proc.", "advice": ""}


def test_nothing_is_said_where_all_is_well():
    assert notices(latest()) == []
    assert gpu_trouble(latest(recorder={"sources": [NO_DRIVER]})) == ("", "")


def test_a_gpu_in_trouble_is_named_by_its_number():
    states = [gpu_state(status="lost", reason="It is gone."), gpu_state("b", "asleep", "Sleeps.")]
    assert notices(latest(states=states)) == [
        {"kind": "gpu", "text": "GPU 0: It is gone.", "advice": ""}
    ]


def test_a_full_disk_comes_before_a_lost_gpu():
    storage = {"ok": False, "reason": "The disk is full.", "advice": "Free some."}
    found = notices(
        latest(
            states=[gpu_state(status="lost", reason="It is gone.")],
            recorder={"storage": storage, "clock": "The clock was set back."},
        )
    )
    assert [notice["kind"] for notice in found] == ["storage", "clock", "gpu"]


def test_where_no_gpu_is_known_the_reason_and_the_advice_are_the_sources():
    none = latest(gpus=[], recorder={"sources": [HOST, NO_DRIVER]})
    assert gpu_trouble(none) == ("No driver.", "Install it.")
    assert notices(none) == []  # the page has a card for it


def test_where_gpus_were_known_a_source_in_trouble_is_in_the_banner():
    found = notices(latest(recorder={"sources": [NO_DRIVER]}))
    assert found == [{"kind": "gpu", "text": "No driver.", "advice": "Install it."}]


def test_a_recorder_that_took_over_says_so_for_two_minutes():
    previous = {"pid": 42, "ended": False}
    [notice] = notices(latest(recorder={"previous": previous}))
    assert notice["kind"] == "recorder"
    assert "pid 42" in notice["text"]
    later = {"previous": previous, "started": TICK - 121_000}
    assert notices(latest(recorder=later)) == []
    assert notices(latest(recorder={"previous": {"pid": 42, "ended": True}})) == []
