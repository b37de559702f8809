"""How each GPU and MIG instance is, also those that the driver does not list any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.sources.base import DeviceState, DeviceStatus, Value
from monitor.sources.nvml_errors import Problem
from monitor.sources.nvml_events import XidEvents
from monitor.sources.nvml_gpu import Gpu, name_by_place
from monitor.sources.nvml_power import bus_id_of

_ASLEEP = "Suspended to save power, and not woken for a reading."
_UNLISTED = "The driver does not list the GPU any more."
_NO_INSTANCE = "The MIG instance is not there any more."
# A first answer can take this long where a GPU has to be initialised.
_PATIENCE_SECONDS = 5.0

How = tuple[DeviceStatus, str]


class States:
    """Device states by UUID. A GPU that never told its UUID goes by its place, as `GPU 3`."""

    def __init__(self) -> None:
        self.missing = False
        self._known: dict[str, DeviceState] = {}
        self._all: tuple[DeviceState, ...] = ()

    def all(self) -> Sequence[DeviceState]:
        """Every device, the same object while nothing changed."""
        if self._all == ():
            self._all = tuple(self._known.values())
        return self._all

    def note_gpus(self, gpus: Sequence[Gpu], events: XidEvents) -> None:
        """Take in how the GPUs of the session are."""
        listed: set[str] = set()
        nameless: dict[int, How] = {}
        for gpu in gpus:
            how = _how(gpu, events)
            if gpu.uuid:
                self._put(gpu.uuid, how, {**gpu.facts, **gpu.processes.facts})
                for instance in gpu.instances:
                    self._put(instance.uuid, how, instance.facts)
                listed |= {gpu.uuid, *(instance.uuid for instance in gpu.instances)}
            else:
                nameless[gpu.index] = how
        unlisted = [state for name, state in self._known.items() if name not in listed]
        self._note_unlisted(unlisted, nameless, listed)
        for gpu in gpus:
            if gpu.index in nameless and _is_told(gpu):
                place = _of_place(gpu.index, gpu.bus_id)
                self._put(gpu.name_by_place, nameless[gpu.index], place)
            else:
                self._drop(gpu.name_by_place)
        places = {gpu.name_by_place for gpu in gpus}
        for name, state in list(self._known.items()):
            if "uuid" not in state.facts and name not in places:
                self._drop(name)

    def note_driver(self, problem: Problem, status: DeviceStatus) -> None:
        """No GPU can be read."""
        for name, state in list(self._known.items()):
            self._put(name, (status, problem.reason), state.facts)

    def note_sleeping(self, addresses: Sequence[str]) -> None:
        """Every GPU sleeps. One never asked goes by its place, as its address is all there is."""
        how: How = ("asleep", _ASLEEP)
        if not any("uuid" in state.facts for state in self._known.values()):
            for index, address in enumerate(addresses):
                self._put(name_by_place(index), how, _of_place(index, bus_id_of(address)))
        for name, state in list(self._known.items()):
            self._put(name, how, state.facts)

    def _note_unlisted(
        self, unlisted: list[DeviceState], nameless: dict[int, How], listed: set[str]
    ) -> None:
        """What was known before: as it is with the nameless GPU in its place, or in another."""
        gpus = [state for state in unlisted if "uuid" in state.facts and not _parent(state)]
        self.missing = bool(gpus)
        for state in gpus:
            index = state.facts.get("index")
            at = index if isinstance(index, int) and index in nameless else next(iter(nameless), -1)
            self._put(state.device, nameless.pop(at, ("lost", _UNLISTED)), state.facts)
        for state in unlisted:
            if parent := _parent(state):
                whole = self._known[parent]
                how: How = ("lost", _NO_INSTANCE)
                if parent not in listed or whole.status != "ok":
                    how = (whole.status, whole.reason)
                self._put(state.device, how, state.facts)

    def _put(self, device: str, how: How, facts: Mapping[str, Value]) -> None:
        status, reason = how
        known = self._known.get(device)
        if known is not None:
            # What is not told yet in a new session was told in one before.
            facts = {**known.facts, **facts}
            if (known.status, known.reason, known.facts) == (status, reason, facts):
                return
        self._known[device] = DeviceState("gpu", device, status, reason, facts)
        self._all = ()

    def _drop(self, device: str) -> None:
        if self._known.pop(device, None) is not None:
            self._all = ()


def _parent(state: DeviceState) -> str:
    return str(state.facts.get("parent", ""))


def _of_place(index: int, bus_id: str) -> dict[str, Value]:
    if not bus_id:
        return {"index": index}
    return {"index": index, "pci_bus_id": bus_id, "name": "NVIDIA GPU"}


def _is_told(gpu: Gpu) -> bool:
    """Whether a GPU without UUID is shown: not while it may just be slow to start."""
    return gpu.asleep or gpu.problem is not None or (gpu.silent_seconds or 0.0) >= _PATIENCE_SECONDS


def _how(gpu: Gpu, events: XidEvents) -> How:
    if gpu.asleep:
        return "asleep", _ASLEEP
    if gpu.silent_seconds is not None:
        # In steps, so that a state that lasts is not news every second.
        seconds = int(gpu.silent_seconds)
        seconds -= seconds % 10 if seconds >= 10 else 0
        return "late", f"Not responding for {seconds} s." if seconds else "Did not answer in time."
    if gpu.problem is None:
        return "ok", ""
    xid = events.last(gpu.uuid)
    reason = gpu.problem.reason + (f" Last XID: {xid}." if xid is not None else "")
    return ("lost" if gpu.lost else gpu.problem.status), reason
