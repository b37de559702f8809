"""What live.db lists of devices: what the sources list, and GPUs that were known before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import pytest

from monitor.recording.devices import PATIENCE_SECONDS, Devices, Key, source_names
from monitor.sources.base import DeviceState, SourceState
from tests.fakes import FakeSource

NO_DRIVER = "The NVIDIA driver is not loaded."


class MemoryNotes:
    """Keeps device states, and each call that changed them."""

    def __init__(self, *left: DeviceState) -> None:
        self.calls: list[tuple[list[DeviceState], list[Key]]] = []
        self._held = {(state.table, state.device): state for state in left}

    def devices(self) -> list[DeviceState]:
        return list(self._held.values())

    def put_devices(self, states: Sequence[DeviceState], gone: Collection[Key] = ()) -> None:
        self.calls.append((list(states), sorted(gone)))
        for key in gone:
            del self._held[key]
        self._held |= {(state.table, state.device): state for state in states}

    def names(self) -> list[str]:
        return [state.device for state in self.devices()]


class ListingSource(FakeSource):
    """Lists what the test says."""

    def __init__(self, *listed: DeviceState, name: str = "nvml", reason: str = "") -> None:
        super().__init__()
        self.name = name
        self.listed: Sequence[DeviceState] = listed
        self.reason = reason

    def devices(self) -> Sequence[DeviceState]:
        return self.listed

    def state(self) -> SourceState:
        return SourceState(self.name, ok=not self.reason, reason=self.reason)


def gpu(uuid: str, status: str = "ok", reason: str = "", **facts: object) -> DeviceState:
    return DeviceState("gpu", uuid, status, reason, {"uuid": uuid, "index": 0, **facts})


def instance(uuid: str, parent: str) -> DeviceState:
    return gpu(uuid, parent=parent, mig_index=0)


def provisional(reason: str = "No permission.") -> DeviceState:
    return DeviceState("gpu", "GPU 3", "denied", reason, {"index": 3})


def begun(
    notes: MemoryNotes, *sources: ListingSource, previous: Iterable[str] | None = None
) -> Devices:
    """Of a recorder that began at second 0; the one before had the same sources."""
    devices = Devices(sources, notes)
    devices.start(0.0, {source.name for source in sources} if previous is None else set(previous))
    return devices


def test_a_change_of_a_device_is_noted_once() -> None:
    notes = MemoryNotes()
    source = ListingSource()
    devices = begun(notes, ListingSource(gpu("GPU-1"), name="other"), source)
    disk, lost = DeviceState("disk", "GPU-2"), gpu("GPU-2", "lost", "It fell off the bus.")

    def noted() -> list[DeviceState]:
        """In three ticks."""
        notes.calls.clear()
        for second in range(3):
            devices.note(float(second))
        return [state for states, _ in notes.calls for state in states]

    source.listed = (gpu("GPU-2"),)
    assert noted() == [gpu("GPU-1"), gpu("GPU-2")]
    source.listed = (gpu("GPU-2"), disk)
    assert noted() == [disk]
    source.listed = (gpu("GPU-2"), disk)  # another object, the same state
    assert noted() == []
    source.listed = (lost, disk)
    assert noted() == [lost]
    source.listed = (gpu("GPU-2"), disk)
    assert noted() == [gpu("GPU-2")]


def test_a_provisional_name_goes_at_once_with_the_uuid_that_takes_its_place() -> None:
    notes = MemoryNotes()
    source = ListingSource(provisional())
    devices = begun(notes, source)
    devices.note(1.0)
    assert notes.names() == ["GPU 3"]
    source.listed = (gpu("GPU-aaaa"),)
    devices.note(2.0)
    assert notes.calls[-1] == ([gpu("GPU-aaaa")], [("gpu", "GPU 3")])
    assert notes.names() == ["GPU-aaaa"]


def test_a_gpu_that_sleeps_since_before_the_start_is_the_one_in_its_place() -> None:
    place = {"index": 0, "pci_bus_id": "00000000:01:00.0"}
    laptop = gpu("GPU-laptop", name="RTX 4060", **place)
    notes = MemoryNotes(laptop, gpu("GPU-dock", pci_bus_id="00000000:3C:00.0"))
    source = ListingSource(DeviceState("gpu", "GPU 0", "asleep", "It sleeps.", place))
    devices = begun(notes, source)
    devices.note(0.0)
    asleep = replace(laptop, status="asleep", reason="It sleeps.")
    assert notes.calls == [([asleep], [])]
    devices.note(PATIENCE_SECONDS)
    assert {state.device: state.status for state in notes.devices()} == {
        "GPU-laptop": "asleep",
        "GPU-dock": "lost",
    }
    source.listed = (laptop,)
    devices.note(PATIENCE_SECONDS + 1)
    assert notes.calls[-1] == ([laptop], [])


def test_another_gpu_in_the_place_of_one_that_slept_takes_its_place() -> None:
    place = {"index": 0, "pci_bus_id": "00000000:01:00.0"}
    notes = MemoryNotes(gpu("GPU-old", **place))
    source = ListingSource(DeviceState("gpu", "GPU 0", "asleep", "It sleeps.", place))
    devices = begun(notes, source)
    devices.note(0.0)
    source.listed = (gpu("GPU-new", **place),)
    devices.note(1.0)
    assert notes.names() == ["GPU-new"]


def test_a_device_of_another_table_keeps_a_name_that_a_gpu_gave_up() -> None:
    disk = DeviceState("disk", "GPU 3")
    notes = MemoryNotes()
    source = ListingSource(provisional(), disk)
    devices = begun(notes, source)
    devices.note(1.0)
    source.listed = (disk,)
    devices.note(2.0)
    assert notes.devices() == [disk]


def test_the_gpus_of_a_source_that_is_no_more_go_at_the_start() -> None:
    disk = DeviceState("disk", "/")
    notes = MemoryNotes(gpu("GPU-1"), gpu("GPU-2"), disk)
    begun(
        notes,
        ListingSource(name="none"),
        ListingSource(disk, name="host"),
        previous=("demo", "host"),
    )
    assert notes.devices() == [disk]


@pytest.mark.parametrize("previous", [("nvml", "host"), ("host",), ()])
def test_the_gpus_of_a_source_that_stays_are_kept(previous: tuple[str, ...]) -> None:
    notes = MemoryNotes(gpu("GPU-1"))
    begun(notes, ListingSource(), ListingSource(name="host"), previous=previous)
    assert notes.devices() == [gpu("GPU-1")]


def test_a_gpu_whose_driver_is_gone_is_lost_after_a_while_and_keeps_its_facts() -> None:
    notes = MemoryNotes(gpu("GPU-1", serial="S1"))
    source = ListingSource(reason=NO_DRIVER)
    devices = begun(notes, source)
    devices.note(PATIENCE_SECONDS - 1)
    assert notes.devices() == [gpu("GPU-1", serial="S1")]
    for second in range(3):
        devices.note(PATIENCE_SECONDS + second)
    assert notes.devices() == [gpu("GPU-1", "lost", NO_DRIVER, serial="S1")]
    assert len(notes.calls) == 1


def test_why_it_is_lost_follows_its_source() -> None:
    notes = MemoryNotes(gpu("GPU-1"))
    # A host that cannot be read has nothing to do with it.
    host = ListingSource(DeviceState("host", "host"), name="host", reason="No /proc.")
    source = ListingSource(reason="The driver is being opened.")
    devices = begun(notes, host, source)

    def reason(second: float) -> str:
        devices.note(PATIENCE_SECONDS + second)
        return next(state.reason for state in notes.devices() if state.table == "gpu")

    assert reason(0) == "The driver is being opened."
    source.reason = NO_DRIVER
    assert reason(1) == NO_DRIVER
    source.reason = ""
    assert reason(2) == "Not seen since recording began."


def test_a_gpu_that_comes_late_is_as_its_source_says() -> None:
    notes = MemoryNotes(gpu("GPU-1"), gpu("GPU-2"))
    source = ListingSource(reason=NO_DRIVER)
    devices = begun(notes, source)
    devices.note(PATIENCE_SECONDS)
    source.listed, source.reason = (gpu("GPU-1"),), ""
    devices.note(PATIENCE_SECONDS + 1)
    devices.note(PATIENCE_SECONDS + 2)
    assert {state.device: state.status for state in notes.devices()} == {
        "GPU-1": "ok",
        "GPU-2": "lost",
    }


def test_a_gpu_seen_in_time_is_never_lost() -> None:
    notes = MemoryNotes(gpu("GPU-1"))
    source = ListingSource()
    devices = begun(notes, source)
    source.listed = (gpu("GPU-1"),)
    for second in range(100):
        devices.note(float(second))
    assert {state.status for states, _ in notes.calls for state in states} == {"ok"}


def test_what_has_no_uuid_is_forgotten_where_it_is_not_seen_again() -> None:
    disks = [DeviceState("disk", name) for name in ("/", "/mnt/usb")]
    notes = MemoryNotes(provisional(), *disks)
    devices = begun(notes, ListingSource(disks[0], name="host"), ListingSource())
    devices.note(0.0)
    assert len(notes.devices()) == 3
    devices.note(PATIENCE_SECONDS)
    assert notes.devices() == [disks[0]]


@pytest.mark.parametrize("seen", [True, False])
def test_a_mig_instance_stays_only_with_a_gpu_that_is_lost_too(*, seen: bool) -> None:
    notes = MemoryNotes(gpu("GPU-1"), instance("MIG-1", "GPU-1"))
    devices = begun(notes, ListingSource(*[gpu("GPU-1")] if seen else []))
    for second in range(3):
        devices.note(PATIENCE_SECONDS + second)
    assert notes.names() == (["GPU-1"] if seen else ["GPU-1", "MIG-1"])


def test_the_sources_a_note_names() -> None:
    assert source_names({"sources": [{"name": "demo", "ok": True}, {"name": "host"}]}) == {
        "demo",
        "host",
    }
    assert source_names({}) == set()
