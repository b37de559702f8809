"""The labels of each device: dcgm-exporter's for a GPU, node_exporter's for a file system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.exporters.families import NO_LABELS, Family, Labels, labels
from monitor.queries.latest import Latest
from monitor.sources.base import DeviceState, Row, Value
from monitor.storage.locations import host_name

_OF_PROCESS = ("pid", "name", "user", "container")
# `NVIDIA H100 80GB HBM3 MIG 1g.10gb` is the name of an instance.
_PROFILE = re.compile(r"(?<=MIG )\S+")


def hostname(latest: Latest) -> str:
    """The machine's own name for itself; in a container with the host's files, the host's."""
    host = latest.devices.get("host", {}).get("host")
    return str((host.facts.get("hostname") if host else None) or host_name())


@dataclass(frozen=True)
class GpuLabels:
    """Of one GPU: dcgm-exporter's on its metrics, and fewer on ours."""

    dcgm: Labels
    own: Labels


def is_dcgm(family: Family) -> bool:
    """Whether its samples have dcgm-exporter's labels."""
    return family.name.startswith("DCGM_")


def gpu_labels(gpu: DeviceState, gpus: Mapping[str, DeviceState], host: str) -> GpuLabels:
    """A MIG instance has its GPU's, and `GPU_I_PROFILE` and `GPU_I_ID`.

    An instance whose number the driver does not tell has its own UUID instead.
    """
    facts = gpu.facts
    whole = gpus.get(str(facts.get("parent")), gpu)
    index, instance = facts.get("index"), facts.get("gpu_instance_id")
    profile = _PROFILE.search(str(facts.get("name", ""))) if whole is not gpu else None
    shared: dict[str, Value] = {
        "GPU_I_PROFILE": profile[0] if profile else None,
        "GPU_I_ID": instance,
        "Hostname": host,
    }
    uuid = gpu.device if instance is None else whole.device
    return GpuLabels(
        labels(
            gpu=index,
            UUID=uuid,
            pci_bus_id=whole.facts.get("pci_bus_id"),
            device=None if index is None else f"nvidia{index}",
            modelName=whole.facts.get("name"),
            **shared,
            DCGM_FI_DRIVER_VERSION=whole.facts.get("driver_version"),
        ),
        labels(gpu=index, UUID=uuid, **shared),
    )


def labels_of(table: str, device: str, states: Mapping[str, DeviceState]) -> Labels:
    """Of any device but a GPU."""
    if table in {"host", "recorder"}:
        return NO_LABELS
    if table == "disk":
        return mount_labels(device, states)
    name = {"core": "cpu", "network": "device"}.get(table, table)
    return labels(**{name: device})


def mount_labels(point: str, states: Mapping[str, DeviceState]) -> Labels:
    """Of a mounted file system."""
    facts: Mapping[str, Value] = states[point].facts if point in states else {}
    return labels(
        device=facts.get("block_device"), fstype=facts.get("file_system"), mountpoint=point
    )


def process_labels(row: Row, gpu: GpuLabels) -> Labels:
    """Of a process on a GPU: the GPU's, and whose it is."""
    return gpu.own.plus(**{name: row.get(name) for name in _OF_PROCESS})
