"""One tick as JSON. Each device is encoded once, and answers are put together from these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property

import orjson

from monitor.api.problems import gpu_unavailable, unknown_gpu
from monitor.metrics import CORE, DISK, GPU, HOST, NETWORK, PROCESS, RAIL, ZONE, Table
from monitor.queries.current import Current
from monitor.queries.latest import Latest, iso
from monitor.queries.processes import GpuProcesses
from monitor.queries.snapshot import current_rows
from monitor.sources.base import DeviceState, Row
from monitor.sources.facts import FACTS

_FACTS: Mapping[str, Sequence[str]] = {
    table: [fact.name for fact in FACTS if fact.table == table]
    for table in ("gpu", "host", "disk", "network", "zone")
}
# What people call a device, where its key is not already that.
_NAMES = {"gpu": "name", "host": "hostname"}


class Encoded:
    """The API's answers about one tick, each made when it is first asked for."""

    def __init__(self, latest: Latest, processes: Callable[[], GpuProcesses]) -> None:
        self.latest = latest
        self._read_processes = processes
        self._time = iso(latest.time)
        self._pushed: dict[tuple[object, ...], str] = {}

    def select(self, asked: Sequence[str]) -> list[str]:
        """The devices behind these indices and UUIDs; all where none is named.

        A Refusal where one is unknown, or where no GPU can be read.
        """
        gpus = self.latest.gpus()
        if not gpus:
            raise gpu_unavailable(self.latest)
        if not asked:
            return [gpu.device for gpu in gpus]
        chosen = {_find(name, gpus) for name in asked}
        return [gpu.device for gpu in gpus if gpu.device in chosen]

    def gpu_list(self, asked: Sequence[str] = ()) -> bytes:
        """Every GPU with its status and facts."""
        return self._answer(gpus=[self._described(device) for device in self.select(asked)])

    def gpu_info(self, asked: str) -> bytes:
        """One GPU with its status and facts."""
        (device,) = self.select([asked])
        return orjson.dumps({"time": self._time, **self._described(device)})

    def gpu_metrics(self, asked: Sequence[str]) -> bytes:
        """The readings of these GPUs; of all where none is named."""
        if not asked and self._gpus:
            return self._all_gpus
        return self._answer(gpus=[self._gpus[device] for device in self.select(asked)])

    def gpu_processes(self, asked: Sequence[str]) -> bytes:
        """The processes on these GPUs; on all where none is named."""
        devices = self.select(asked)
        if not asked:
            return self._all_processes
        return self._of_processes(self._processes.of(devices))

    @cached_property
    def metrics(self) -> bytes:
        """The machine, its cores, and a Jetson's zones and rails."""
        return self._answer(**self._machine)

    @cached_property
    def storage(self) -> bytes:
        """Every mounted file system."""
        return self._answer(disks=self._disks)

    @cached_property
    def network(self) -> bytes:
        """Every network interface."""
        return self._answer(interfaces=self._interfaces)

    def everything(self, asked: Sequence[str] = ()) -> bytes:
        """All that is current. A machine without GPUs has an empty list of them."""
        if not asked:
            return self._everything
        devices = self.select(asked)
        return self._whole([self._gpus[device] for device in devices], self._processes.of(devices))

    def pushed(self, asked: tuple[str, ...], only: str | None) -> str:
        """What a viewer with this subscription is sent: the same text for all who have it."""
        found = self._pushed.get((asked, only))
        if found is None:
            devices = tuple(self.select(asked)) if asked else None
            found = self._pushed.get((devices, only))
            if found is None:
                found = self._pushed[devices, only] = self._part(devices, only).decode()
            self._pushed[asked, only] = found
        return found

    def _part(self, devices: Sequence[str] | None, only: str | None) -> bytes:
        if only == "host":
            return self._answer(**self._machine, disks=self._disks, interfaces=self._interfaces)
        if only == "gpus":
            chosen = list(self._gpus) if devices is None else devices
            processes = self._processes if devices is None else self._processes.of(devices)
            return self._answer(
                gpus=[self._gpus[device] for device in chosen],
                processes=self._encoded_processes(processes),
            )
        return self.everything(devices or ())

    @cached_property
    def _everything(self) -> bytes:
        return self._whole(list(self._gpus.values()), self._processes)

    @cached_property
    def _all_gpus(self) -> bytes:
        return self._answer(gpus=list(self._gpus.values()))

    @cached_property
    def _gpus(self) -> dict[str, orjson.Fragment]:
        rows = current_rows(self.latest, "gpu")
        return {gpu.device: self._gpu(gpu, rows[gpu.device]) for gpu in self.latest.gpus()}

    @cached_property
    def _machine(self) -> dict[str, object]:
        cores = self.latest.table("core")
        host = next(iter(self._rows(HOST)), None)
        ordered = sorted(cores, key=lambda core: (len(core), core))
        return {
            "host": host,
            "cores": [self._plain(CORE, cores[core]) for core in ordered],
            "zones": self._rows(ZONE),
            "rails": [self._plain(RAIL, row) for row in self.latest.table("rail").values()],
        }

    @cached_property
    def _disks(self) -> list[orjson.Fragment]:
        return self._rows(DISK)

    @cached_property
    def _interfaces(self) -> list[orjson.Fragment]:
        return self._rows(NETWORK)

    @cached_property
    def _processes(self) -> GpuProcesses:
        return self._read_processes()

    @cached_property
    def _all_processes(self) -> bytes:
        return self._of_processes(self._processes)

    @cached_property
    def _process_rows(self) -> dict[tuple[object, object], orjson.Fragment]:
        """Each process once, however many answers have it."""
        index = {gpu.device: gpu.facts.get("index") for gpu in self.latest.gpus()}
        return {
            _process_key(row): _fragment(
                {
                    "device": row["device"],
                    "index": index.get(str(row["device"])),
                    **_columns(PROCESS, row),
                }
            )
            for row in self._processes.rows
        }

    def _encoded_processes(self, processes: GpuProcesses) -> list[orjson.Fragment]:
        return [self._process_rows[_process_key(row)] for row in processes.rows]

    def _of_processes(self, processes: GpuProcesses) -> bytes:
        return self._answer(
            processes=self._encoded_processes(processes),
            active=processes.active,
            unaccounted=[asdict(held) for held in processes.unaccounted],
        )

    def _whole(self, gpus: Sequence[orjson.Fragment], processes: GpuProcesses) -> bytes:
        return self._answer(
            gpus=gpus,
            processes=self._encoded_processes(processes),
            **self._machine,
            disks=self._disks,
            interfaces=self._interfaces,
        )

    def _answer(self, **parts: object) -> bytes:
        return orjson.dumps({"time": self._time, **parts})

    def _described(self, device: str) -> dict[str, object]:
        gpu = self.latest.devices["gpu"][device]
        return {
            "device": device,
            "index": gpu.facts.get("index"),
            "name": _name(gpu),
            "status": gpu.status,
            "reason": gpu.reason,
            "facts": _facts(gpu),
        }

    def _gpu(self, gpu: DeviceState, row: Row) -> orjson.Fragment:
        columns = _columns(GPU, row)
        if columns["index"] is None:
            columns["index"] = gpu.facts.get("index")
        return _fragment(
            {
                "device": gpu.device,
                "index": columns["index"],
                "name": _name(gpu),
                "status": gpu.status,
                "time": self._time if row else None,
                **columns,
            }
        )

    def _plain(self, table: Table, row: Row) -> orjson.Fragment:
        return _fragment({"device": row["device"], "time": self._time, **_columns(table, row)})

    def _rows(self, table: Table) -> list[orjson.Fragment]:
        states = self.latest.devices.get(table.name, {})
        rows: Iterable[tuple[str, Row]] = self.latest.table(table.name).items()
        return [
            self._row(table, states.get(device) or DeviceState(table.name, device), row)
            for device, row in rows
        ]

    def _row(self, table: Table, state: DeviceState, row: Row) -> orjson.Fragment:
        return _fragment(
            {
                "device": state.device,
                "name": _name(state),
                "status": state.status,
                "time": self._time,
                **_columns(table, row),
                "facts": _facts(state),
            }
        )


def encoded(current: Current) -> Encoded:
    """The newest tick's answers."""
    return current.once("api", lambda latest: Encoded(latest, current.processes))


def _process_key(row: Row) -> tuple[object, object]:
    return row["device"], row.get("pid")


def _columns(table: Table, row: Row) -> dict[str, object]:
    return {column: row.get(column) for column in table.columns}


def _facts(state: DeviceState) -> dict[str, object]:
    return {name: state.facts.get(name) for name in _FACTS[state.table]}


def _name(state: DeviceState) -> object:
    return state.facts.get(_NAMES[state.table]) if state.table in _NAMES else state.device


def _fragment(content: Mapping[str, object]) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(content))


def find_gpus(asked: str, gpus: Sequence[DeviceState]) -> list[str]:
    """The GPU of that UUID or index, if any; of two that had the index, the one that is there."""
    found = [gpu for gpu in gpus if asked in (gpu.device, _number(gpu))]
    return [min(found, key=lambda gpu: gpu.status == "lost").device] if found else []


def _find(asked: str, gpus: Sequence[DeviceState]) -> str:
    found = find_gpus(asked, gpus)
    if not found:
        raise unknown_gpu(asked, gpus)
    return found[0]


def _number(gpu: DeviceState) -> str | None:
    whole = gpu.facts.get("mig_index") is None
    return str(gpu.facts["index"]) if whole and gpu.facts.get("index") is not None else None
