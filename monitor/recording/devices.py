"""Which devices live.db lists: those that the sources list, and GPUs known from before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from monitor.sources.base import DeviceState, Source

# Where the driver is opened first, a GPU may answer only after this long.
PATIENCE_SECONDS = 30.0
_NOT_SEEN = "Not seen since recording began."

Key = tuple[str, str]


class DeviceNotes(Protocol):
    """Where device states are kept. No call raises."""

    def devices(self) -> Sequence[DeviceState]:
        """Every device noted."""
        ...

    def put_devices(self, states: Sequence[DeviceState], gone: Collection[Key] = ()) -> None:
        """Note how devices are, and forget those `gone` (table, device)."""
        ...


class Devices:
    """Keeps live.db's devices to what is true. Call it from one thread at a time.

    A name that its source gives up, such as the provisional `GPU 3`, is forgotten. So is what an
    earlier recorder left and is not seen again, but for a GPU with a UUID: that one is lost.
    """

    def __init__(self, sources: Sequence[Source], notes: DeviceNotes) -> None:
        self._sources = sources
        self._notes = notes
        self._listed: dict[str, Sequence[DeviceState]] = {}
        # Left by an earlier recorder, and not seen by this one so far.
        self._awaited: dict[Key, DeviceState] = {}
        # Those of them that are GPUs, by their place in the machine.
        self._by_place: dict[object, DeviceState] = {}
        self._until = 0.0

    def start(self, now: float, previous: Collection[str]) -> None:
        """Take up what is noted. `previous` names the sources of the recorder before this one.

        Where one of them is no more, its GPUs are forgotten at once. `now` is monotonic seconds.
        """
        self._until = now + PATIENCE_SECONDS
        self._awaited = _by_key(self._notes.devices())
        if set(previous) - {source.name for source in self._sources}:
            gone = [key for key in self._awaited if key[0] == "gpu"]
            self._notes.put_devices((), gone)
            for key in gone:
                del self._awaited[key]
        self._by_place = {
            state.facts["pci_bus_id"]: state
            for state in self._awaited.values()
            if state.facts.get("uuid") and state.facts.get("pci_bus_id")
        }

    def note(self, now: float) -> None:
        """Note what has changed. `now` is monotonic seconds."""
        changed: list[DeviceState] = []
        gone: list[Key] = []
        for source in self._sources:
            listed, before = source.devices(), self._listed.get(source.name, ())
            if listed is not before:
                known, present = (
                    _by_key(map(self._recognised, states)) for states in (before, listed)
                )
                changed += [state for key, state in present.items() if known.get(key) != state]
                gone += known.keys() - present.keys()
                self._awaited = {
                    key: state for key, state in self._awaited.items() if key not in present
                }
                self._listed[source.name] = listed
        if self._awaited and now >= self._until:
            lost, forgotten = self._give_up()
            changed += lost
            gone += forgotten
        if changed or gone:
            self._notes.put_devices(changed, gone)

    def _recognised(self, state: DeviceState) -> DeviceState:
        """A GPU that sleeps since before the start tells its place alone: as it was known."""
        known = (
            None if state.facts.get("uuid") else self._by_place.get(state.facts.get("pci_bus_id"))
        )
        return replace(known, status=state.status, reason=state.reason) if known else state

    def _give_up(self) -> tuple[list[DeviceState], list[Key]]:
        """What is newly lost, or lost for another reason now; and what is to be forgotten."""
        reason = self._reason()
        kept = {key: state for key, state in self._awaited.items() if self._outlives(state)}
        forgotten = [key for key in self._awaited if key not in kept]
        lost = {key: replace(state, status="lost", reason=reason) for key, state in kept.items()}
        changed = [state for key, state in lost.items() if state != kept[key]]
        self._awaited = lost
        return changed, forgotten

    def _outlives(self, state: DeviceState) -> bool:
        """Whether it is a GPU of its own name, or a MIG instance of one that is not there."""
        parent = state.facts.get("parent")
        return bool(
            state.table == "gpu"
            and state.facts.get("uuid")
            and (not parent or ("gpu", parent) in self._awaited)
        )

    def _reason(self) -> str:
        """Why a source of GPUs reads none, where one says so."""
        for source in self._sources:
            state = source.state()
            if not state.ok and all(device.table == "gpu" for device in source.devices()):
                return state.reason
        return _NOT_SEEN


def source_names(note: Mapping[str, object]) -> set[str]:
    """The sources that a recorder's note names."""
    sources = note.get("sources")
    return {str(source["name"]) for source in sources} if isinstance(sources, list) else set()


def _by_key(states: Iterable[DeviceState]) -> dict[Key, DeviceState]:
    return {(state.table, state.device): state for state in states}
