"""What is not in the catalogue's rows: how recording goes, how GPUs are, what never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from monitor import __version__
from monitor.exporters.devices import GpuLabels, hostname, mount_labels
from monitor.exporters.families import NO_LABELS, Family, Sample, Samples, labels
from monitor.exporters.names import PREFIX
from monitor.queries.latest import Latest
from monitor.sources.base import DeviceStatus, Value

UP = Family(f"{PREFIX}_up", "gauge", "Whether the newest tick is at most five intervals old.")
LAST_TICK = Family(
    f"{PREFIX}_last_tick_timestamp_seconds", "gauge", "The newest tick, since 1970.", "s"
)
INTERVAL = Family(f"{PREFIX}_interval_seconds", "gauge", "Time from tick to tick.", "s")
STARTED = Family(
    f"{PREFIX}_recorder_start_time_seconds", "gauge", "When the recorder began, since 1970.", "s"
)
BUILD = Family(f"{PREFIX}_build_info", "gauge", "The version of this monitor; always 1.")
SOURCE_OK = Family(f"{PREFIX}_source_ok", "gauge", "Whether the source can read anything.")
STORAGE_OK = Family(f"{PREFIX}_storage_ok", "gauge", "Whether the history is being written.")

STATUS = Family(
    f"{PREFIX}_gpu_status",
    "gauge",
    "1 for the state that the GPU is in, 0 for the others; a lost GPU has nothing else.",
)
GPU_INFO = Family(f"{PREFIX}_gpu_info", "gauge", "What a GPU is; always 1.")
_INFO = {
    "model_name": "name",
    "pci_bus_id": "pci_bus_id",
    "serial": "serial",
    "vbios": "vbios",
    "driver_version": "driver_version",
    "cuda_version": "cuda_version",
    "compute_capability": "compute_capability",
    "architecture": "architecture",
    "mig_mode": "mig_mode",
}

_LIMITS = tuple(
    (fact, Family(name, "gauge", said, unit))
    for fact, name, said, unit in (
        (
            "slowdown_temperature_celsius",
            "DCGM_FI_DEV_SLOWDOWN_TEMP",
            "Temperature at which the GPU slows down.",
            "Cel",
        ),
        (
            "shutdown_temperature_celsius",
            "DCGM_FI_DEV_SHUTDOWN_TEMP",
            "Temperature at which the GPU shuts down.",
            "Cel",
        ),
        ("power_limit_set_watts", "DCGM_FI_DEV_POWER_MGMT_LIMIT", "Power limit that is set.", "W"),
        (
            "power_limit_max_watts",
            "DCGM_FI_DEV_POWER_MGMT_LIMIT_MAX",
            "Highest power limit that can be set.",
            "W",
        ),
        ("max_sm_clock_mhz", "DCGM_FI_DEV_MAX_SM_CLOCK", "Highest SM clock.", "MHz"),
        ("max_memory_clock_mhz", "DCGM_FI_DEV_MAX_MEM_CLOCK", "Highest memory clock.", "MHz"),
    )
)

AVAILABLE = Family("node_filesystem_avail_bytes", "gauge", "Space that users may still have.", "By")
SPEED = Family("node_network_speed_bytes", "gauge", "Speed of the link in bytes a second.", "By/s")
BOOTED = Family("node_boot_time_seconds", "gauge", "When the machine started, since 1970.", "s")
UNAME = Family("node_uname_info", "gauge", "Name and kernel of the machine; always 1.")
SYSTEM = Family("node_os_info", "gauge", "Operating system of the machine; always 1.")

_STATES = get_args(DeviceStatus)


def recording(latest: Latest, *, up: bool) -> Samples:
    """How recording goes; all that there is to say of it when it does not (`up` is False)."""
    note: Mapping[str, Any] = latest.recorder
    started = note.get("started")
    ok = note.get("storage", {}).get("ok")
    return [
        (UP, [(NO_LABELS, int(up))]),
        (LAST_TICK, _one(None if latest.time is None else latest.time / 1000)),
        (INTERVAL, _one(note.get("interval"))),
        (STARTED, _one(None if started is None else started / 1000)),
        (BUILD, [(labels(version=__version__), 1)]),
        (
            SOURCE_OK,
            [
                (labels(source=source["name"]), int(up and source["ok"]))
                for source in note.get("sources", ())
            ],
        ),
        (STORAGE_OK, _one(None if ok is None else int(up and ok))),
    ]


def gpus(latest: Latest, named: Mapping[str, GpuLabels]) -> Samples:
    """The state of each GPU, lost ones too, and what is known of those that are there."""
    known = [(named[gpu.device], gpu) for gpu in latest.gpus() if gpu.device in named]
    there = [(own, gpu.facts) for own, gpu in known if gpu.status != "lost"]
    return [
        (
            STATUS,
            [
                (own.own.plus(status=state), int(gpu.status == state))
                for own, gpu in known
                for state in _STATES
            ],
        ),
        (
            GPU_INFO,
            [(own.own.plus(**_info(facts)), 1) for own, facts in there],
        ),
        *(
            (
                family,
                [
                    (own.dcgm, value)
                    for own, facts in there
                    if isinstance(value := facts.get(fact), (int, float))
                ],
            )
            for fact, family in _LIMITS
        ),
    ]


def machine(latest: Latest) -> Samples:
    """What node_exporter says of a machine that is no reading here."""
    hosts = latest.devices.get("host", {})
    facts: Mapping[str, Value] = hosts["host"].facts if "host" in hosts else {}
    mounts = latest.devices.get("disk", {})
    free: list[Sample] = []
    for point, row in latest.table("disk").items():
        used, total = row.get("used_bytes"), row.get("total_bytes")
        if isinstance(used, (int, float)) and isinstance(total, (int, float)):
            free.append((mount_labels(point, mounts), total - used))
    speeds: list[Sample] = [
        (labels(device=name), bits / 8)
        for name, state in latest.devices.get("network", {}).items()
        if isinstance(bits := state.facts.get("speed_bits_per_second"), (int, float))
    ]
    kernel, system = facts.get("kernel"), facts.get("operating_system")
    uname = labels(sysname="Linux", release=kernel, nodename=hostname(latest))
    return [
        (AVAILABLE, free),
        (SPEED, speeds),
        (BOOTED, _one(facts.get("booted"))),
        (UNAME, [(uname, 1)] if kernel else []),
        (SYSTEM, [(labels(pretty_name=system), 1)] if system else []),
    ]


def _info(facts: Mapping[str, Value]) -> dict[str, Value]:
    return {label: facts.get(fact) for label, fact in _INFO.items()}


def _one(value: Value) -> list[Sample]:
    return [(NO_LABELS, value)] if isinstance(value, (int, float)) else []
