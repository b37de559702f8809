"""What reading costs: few calls, none twice, none that changes a GPU, and no waiting for PCIe."""

from __future__ import annotations

import ctypes
import re
import time
from pathlib import Path

import pynvml
import pytest

from tests import nvml_stub
from tests.nvml_stub import SCENARIOS, Question
from tests.nvml_stub.fixtures import World
from tests.sources.nvml_cases import COLUMNS
from tests.sources.nvml_drive import Ticking, driving

SOURCES = Path(__file__).parents[2] / "monitor"
MOST_CALLS = 20
# A GPU that hangs is asked for ever.
ALL_WORLDS = sorted({path.stem for path in SCENARIOS.glob("*.txt")} - {"hangs"})


@pytest.mark.parametrize("world", ALL_WORLDS)
def test_a_tick_asks_each_question_once(nvml: World, world: str) -> None:
    nvml.switch(world)
    with driving(nvml, clock=Ticking()) as drive:
        drive.run(0, 3)
        with nvml.stub.listening() as fast:
            answered = drive.tick(2.1)  # too early for what is read once a second
        with nvml.stub.listening() as second:
            drive.tick(3.0)
    for asked in (fast, second):
        # What matters of a call for fields is which: they are heard as well.
        assert [each for each in asked if each.times > most(each) and each.key != "fields"] == []
    for row in answered.values():
        asked = [each for each in calls_of(fast) if not is_of_processes(each)]
        calls = sum(each.times for each in asked if each.place == row["index"])
        told = any(row.get(name) is not None for name in ("memory_used_bytes", "power_watts"))
        assert told <= calls <= MOST_CALLS


def is_of_processes(question: Question) -> bool:
    """Whether it is read each two seconds, beside the tick."""
    return "Process" in question.function


def most(question: Question) -> int:
    """The binding asks how long a list of processes is before it asks for the list."""
    return 2 if is_of_processes(question) else 1


def calls_of(asked: list[Question]) -> list[Question]:
    return [each for each in asked if each.function.startswith("nvml")]


def test_what_is_heard_is_what_is_counted(nvml: World) -> None:
    with driving(nvml, clock=Ticking()) as drive:
        drive.run(0, 3)
        before = nvml.stub.calls()
        with nvml.stub.listening() as asked:
            drive.run(3, 6)
        heard = sum(question.times for question in calls_of(asked))
        assert nvml.stub.calls() - before == heard > 0


def test_sixteen_gpus_tell_every_column(nvml: World) -> None:
    nvml.switch("sixteen_gpus")
    with driving(nvml, clock=Ticking()) as drive:
        rows = drive.run(0, 4)
    assert len(rows) == 16
    missing = {name for row in rows.values() for name in COLUMNS if row.get(name) is None}
    assert missing == {"xid"}  # none came


def test_what_never_changes_is_asked_once(nvml: World) -> None:
    nvml.switch("laptop")
    with driving(nvml) as drive:
        drive.run(0, 10)
        assert nvml.stub.calls("nvmlDeviceGetFanSpeed_v2") == 2 * 10
        # Once for the fans' speed, once as a fact.
        assert nvml.stub.calls("nvmlDeviceGetNumFans") == 2
        assert nvml.stub.calls("nvmlDeviceGetMigMode") == 2


def test_what_was_opened_is_closed(nvml: World) -> None:
    with driving(nvml) as drive:
        drive.run(0, 2)
    for opened, closed in (("Init", "Shutdown"), ("EventSetCreate", "EventSetFree")):
        calls = nvml.stub.calls(f"nvml{opened}") + nvml.stub.calls(f"nvml{opened}WithFlags")
        assert calls == nvml.stub.calls(f"nvml{closed}") == 1


def test_pcie_holds_up_no_tick(nvml: World) -> None:
    for direction in ("tx", "rx"):
        nvml.set("gpu 0", f"pcie_{direction}_kb.delay_ms", 400)
    with driving(nvml) as drive:
        drive.tick(0.0)
        for at in (1.0, 2.0):
            began = time.perf_counter()
            (row,) = drive.source.sample(at)["gpu"]
            assert time.perf_counter() - began < 0.35
            assert row["pcie_rx_bytes_per_second"] == 921377000
            drive.tick(at + 0.1)


def test_the_library_tells_who_changes_something(nvml: World) -> None:
    # Every test that uses it ends with a look at this count.
    known = nvml_stub.setters()
    assert len(known) >= 70
    for name in (
        "DeviceSetPersistenceMode",
        "DeviceResetGpuLockedClocks",
        "GpmSetStreamingEnabled",
    ):
        assert f"nvml{name}" in known
    handle = ctypes.c_void_p()
    with pytest.raises(pynvml.NVMLError_NoPermission):
        pynvml.nvmlDeviceSetPersistenceMode(handle, 1)
    assert nvml.stub.misuse()["changed"] == 1
    nvml.stub.reset()


def test_nvml_is_initialised_once(nvml: World) -> None:
    nvml.switch("eight_h100_uneven")
    with driving(nvml) as drive:
        drive.run(0, 130)  # past the second turn of everything read now and then
        # The session, and its set of events.
        begun = ("nvmlInitWithFlags", "nvmlInit_v2", "nvmlEventSetCreate")
        assert sum(map(nvml.stub.calls, begun)) == 2
        assert nvml.stub.calls("nvmlDeviceGetHandleByIndex_v2") == 8
        assert nvml.stub.calls("nvmlDeviceGetHandleByUUID") == 0


def test_nothing_on_a_gpu_is_ever_changed() -> None:
    changing = re.compile(r"nvml(Device|Gpu|Gpm|System|Unit)\w*?(Set|Reset|Clear|Modify|Freeze)\b")
    spelled = re.compile(r"nvmlDevice(Set|Reset|Clear|Modify|Remove|Create|Freeze|Workload)\w*")
    read = [path.read_text() for path in SOURCES.rglob("*.py")]
    assert sum("pynvml" in text for text in read) >= 7
    for text in read:
        assert not changing.search(text)
        assert not spelled.search(text)
