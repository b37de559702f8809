"""A Jetson's integrated GPU: from sysfs, and from NVML what sysfs does not tell.

On an Orin NVML names the GPU and answers little else; on a Thor it has the utilisation, for which
sysfs has no file. Which of them answers is found out reading by reading, not by model or release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from monitor.sources.base import DeviceState, DeviceStatus, Row, Rows, Source, SourceState, Value
from monitor.sources.jetson_board import own_id
from monitor.sources.jetson_sysfs import Sysfs, Told
from monitor.sources.kernel_files import KernelFiles

# How long NVML may take to name the GPU before it goes by the board's serial number.
_PATIENCE_SECONDS = 5.0
_INTEGRATED = re.compile(r"nvgpu|tegra|xavier|orin|thor", re.IGNORECASE)
_SILENT = "Did not answer in time."
_GONE = "The GPU is not in /sys/class/devfreq any more."

_NO_GPU = SourceState(
    "jetson",
    ok=False,
    reason="No GPU of a Jetson is in /sys/class/devfreq.",
    advice="It appears by itself once its driver is loaded; elsewhere use --gpu-source auto.",
)


class JetsonSource:
    """Rows of `gpu`, `zone` and `rail`, and of whatever else `nvml` reads.

    `files` are those of the machine. A tick waits `answer_seconds` for them at most.
    """

    name = "jetson"

    def __init__(
        self,
        files: KernelFiles,
        interval: float = 1.0,
        nvml: Source | None = None,
        answer_seconds: float = 0.15,
    ) -> None:
        self._sysfs = Sysfs(files, interval, answer_seconds)
        self._nvml = nvml
        self._id = ""
        self._gave_up_at: float | None = None
        self._gpu: DeviceState | None = None
        self._states: tuple[DeviceState, ...] = ()

    def sample(self, monotonic: float) -> Rows:
        """The GPU, the board's zones and rails, and GPUs that only NVML sees."""
        rows = dict(self._nvml.sample(monotonic)) if self._nvml else {}
        listed = self._nvml.devices() if self._nvml else ()
        integrated = next((state for state in listed if _is_integrated(state)), None)
        # One that has not named itself may be the board's own.
        other_gpus = [gpu for gpu in listed if gpu is not integrated and "uuid" in gpu.facts]
        by_nvml = _row_of(integrated, rows)
        told = self._sysfs.read(monotonic)
        self._name(monotonic, integrated, told)
        status, reason = self._how(told, integrated, by_nvml)
        if self._id and (self._gpu or status == "ok"):
            self._gpu = self._state(status, reason, told, integrated)
        self._note(other_gpus)
        row = self._row(told, by_nvml) if self._gpu and status == "ok" else None
        others = [row for row in rows.get("gpu", ()) if row is not by_nvml]
        gpus = ([row] if row else []) + others
        if integrated and integrated.device != self._id:
            rows = {name: self._named(of, integrated.device) for name, of in rows.items()}
        return {**rows, "gpu": gpus, "zone": told.zones, "rail": told.rails}

    def devices(self) -> Sequence[DeviceState]:
        """The GPU, GPUs that only NVML sees, zones and rails."""
        return self._states

    def state(self) -> SourceState:
        """Bad only where there is no GPU to read."""
        return SourceState(self.name, ok=True) if self._gpu else _NO_GPU

    def close(self) -> None:
        """Let the threads end, and close NVML's session."""
        self._sysfs.close()
        if self._nvml:
            self._nvml.close()

    def _name(self, now: float, integrated: DeviceState | None, told: Told) -> None:
        """Settle what the GPU is called, for as long as this process lives."""
        if self._gave_up_at is None:
            self._gave_up_at = now + (_PATIENCE_SECONDS if self._nvml else 0.0)
        if self._id:
            return
        if integrated:
            self._id = integrated.device
        elif now >= self._gave_up_at and told.facts is not None and told.gpu is not None:
            self._id = own_id(told.facts)

    def _how(
        self, told: Told, integrated: DeviceState | None, by_nvml: Row | None
    ) -> tuple[DeviceStatus, str]:
        if integrated and integrated.status == "asleep":
            return integrated.status, integrated.reason
        if told.gpu is not None or by_nvml is not None:
            return "ok", ""
        return ("late", _SILENT) if self._sysfs.has_gpu else ("lost", _GONE)

    def _state(
        self, status: DeviceStatus, reason: str, told: Told, integrated: DeviceState | None
    ) -> DeviceState:
        before = self._gpu.facts if self._gpu else {}
        by_nvml = integrated.facts if integrated else {}
        facts = {**before, **_known(by_nvml), **_known(told.facts or {})}
        name = by_nvml.get("name") or facts.get("name") or "Jetson GPU"
        index = by_nvml.get("index", 0)
        own: Mapping[str, Value] = {"name": name, "uuid": self._id, "index": index}
        return DeviceState("gpu", self._id, status, reason, {**facts, **own})

    def _row(self, told: Told, by_nvml: Row | None) -> Row:
        own: Row = {"device": self._id, "index": self._gpu.facts["index"] if self._gpu else 0}
        return {**(by_nvml or {}), **_known(told.gpu or {}), **own}

    def _named(self, rows: Sequence[Row], by_nvml: str) -> Sequence[Row]:
        """Rows of what NVML calls otherwise, such as processes, under the GPU's name here."""
        return [{**row, "device": self._id} if row["device"] == by_nvml else row for row in rows]

    def _note(self, other_gpus: Sequence[DeviceState]) -> None:
        states = (*([self._gpu] if self._gpu else []), *other_gpus, *self._sysfs.sensors())
        if states != self._states:
            self._states = states


def _is_integrated(state: DeviceState) -> bool:
    """Whether NVML speaks of the board's own GPU, and not of a card in its slot."""
    name = state.facts.get("name")
    if name is None:  # told a moment later; a card has an address from the start
        return "uuid" in state.facts and "pci_bus_id" not in state.facts
    return _INTEGRATED.search(str(name)) is not None and "parent" not in state.facts


def _row_of(state: DeviceState | None, rows: Rows) -> Row | None:
    found = (row for row in rows.get("gpu", ()) if state and row["device"] == state.device)
    return next(found, None)


def _known(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}
