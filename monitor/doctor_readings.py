"""What the sources read on this machine, column by column, and why not more."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from monitor.doctor_processes import process_findings
from monitor.findings import Finding, Level
from monitor.metrics import CORE, DISK, FANS, GPU, HOST, NETWORK, PROCESS, RAIL, ZONE, Table
from monitor.settings import Settings
from monitor.sources.base import DeviceState, Row, Source
from monitor.units import is_missing

_TICKS = 4
_BETWEEN_SECONDS = 0.5
_NVIDIA, _DISPLAY = "0x10de", "0x03"

_PRESSURE = "The kernel has no /proc/pressure: it wants CONFIG_PSI, and psi=1 where off by default."
_NO_DISK = "No physical disk is seen, as in a container without the host's /proc and /sys (--root)."
_NO_INTERFACE = "No interface but loopback is seen, as in a container without a network."
_NO_GPM = "GPUs before Hopper, and drivers before 520.56, do not tell it."
_NO_BLOCK_DEVICE = "No mount lies on a block device that can be seen, as in a container."
_WHY: Mapping[tuple[str, str], str] = {
    ("host", "cpu_frequency_mhz"): "Neither cpufreq nor /proc/cpuinfo tells the clock.",
    ("host", "cpu_temperature_celsius"): (
        "No CPU sensor in /sys/class/hwmon or thermal: usual in a virtual machine; on hardware, "
        "load coretemp (Intel) or k10temp (AMD)."
    ),
    ("host", "pressure_cpu_percent"): _PRESSURE,
    ("host", "pressure_io_percent"): _PRESSURE,
    ("host", "pressure_memory_percent"): _PRESSURE,
    ("host", "disk_read_bytes_per_second"): _NO_DISK,
    ("host", "disk_write_bytes_per_second"): _NO_DISK,
    ("host", "network_received_bytes_per_second"): _NO_INTERFACE,
    ("host", "network_sent_bytes_per_second"): _NO_INTERFACE,
    ("disk", "read_bytes_per_second"): _NO_BLOCK_DEVICE,
    ("disk", "write_bytes_per_second"): _NO_BLOCK_DEVICE,
    ("disk", "busy_percent"): _NO_BLOCK_DEVICE,
    ("disk", "latency_seconds"): "No request reached a disk while we looked.",
    ("gpu", "memory_reserved_bytes"): (
        "The driver is older than 510, or the GPU has no memory of its own."
    ),
    ("gpu", "fan_percent"): "The GPU has no fan of its own.",
    **{("gpu", f"fan_{fan}_percent"): "The GPU has no such fan." for fan in range(FANS)},
    **{("gpu", metric.column): _NO_GPM for metric in GPU.metrics if "nvmlGpm" in metric.source},
    ("gpu", "xid"): "No driver error came while we looked.",
}
_HOST_TABLES = (HOST, CORE, DISK, NETWORK)

Seen = Mapping[str, Mapping[str, set[str]]]
"""Columns with a value, by table and device."""


def readings_findings(
    sources: Sequence[Source], settings: Settings, pause: Callable[[float], object]
) -> tuple[list[Finding], list[Finding]]:
    """Findings on GPUs and on the host, from a few ticks."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    processes: Sequence[Row] | None = None
    for tick in range(_TICKS):
        if tick:
            pause(_BETWEEN_SECONDS)
        now = time.monotonic()
        for source in sources:
            sampled = source.sample(now)
            processes = sampled.get(PROCESS.name, processes)
            for table, rows in sampled.items():
                for row in rows:
                    seen[table][str(row["device"])] |= _columns(row)
    *gpu_sources, host = sources
    gpus = [finding for source in gpu_sources for finding in _gpu_findings(source, seen, settings)]
    known = [device for source in gpu_sources for device in source.devices()]
    gpus += process_findings(known, processes)
    gpus += [_table_finding(table, seen[table.name]) for table in (ZONE, RAIL) if seen[table.name]]
    return gpus, _host_findings(host, seen)


def _columns(row: Row) -> set[str]:
    return {column for column, value in row.items() if not is_missing(value)}


def _gpu_findings(source: Source, seen: Seen, settings: Settings) -> list[Finding]:
    state = source.state()
    gpus = [device for device in source.devices() if device.table == GPU.name]
    findings: list[Finding] = []
    if not state.ok and settings.gpu_source != "none":
        cards = nvidia_cards(settings.root)
        needed = settings.gpu_source != "auto" or cards
        there = f"{', '.join(cards)} on the PCI bus: an NVIDIA GPU. " if cards else ""
        level: Level = "bad" if needed else "note"
        findings.append(Finding(level, source.name, there + state.reason, state.advice))
    elif state.ok and not gpus:
        findings.append(Finding("note", source.name, "The driver answers, and lists no GPU."))
    return findings + [_gpu_finding(device) for device in gpus] + _lacking(gpus, seen)


def _gpu_finding(device: DeviceState) -> Finding:
    level: Level = "ok" if device.status in {"ok", "asleep"} else "bad"
    status = "" if device.status == "ok" else f": {device.reason or device.status}"
    return Finding(level, _numbered(device), f"{device.facts.get('name') or device.device}{status}")


def _lacking(gpus: Sequence[DeviceState], seen: Seen) -> list[Finding]:
    """One finding on the columns that GPUs lack which can be read."""
    rows = seen.get(GPU.name, {})
    read = [(_numbered(gpu), rows[gpu.device]) for gpu in gpus if rows.get(gpu.device)]
    details: list[tuple[str, str]] = []
    for column in GPU.columns:
        without = [gpu for gpu, columns in read if column not in columns]
        if without:
            why = _WHY.get((GPU.name, column), "The GPU or its driver does not report it.")
            which = f" ({', '.join(without)})" if len(without) < len(read) else ""
            details.append((column, why + which))
    if not read:
        return []
    total = len(GPU.columns)
    return [Finding("ok", "gpu", f"{total - len(details)} of {total} columns", "", tuple(details))]


def _numbered(device: DeviceState) -> str:
    return f"GPU {device.facts.get('index', '?')}"


def _host_findings(host: Source, seen: Seen) -> list[Finding]:
    state = host.state()
    if not state.ok:
        return [Finding("bad", host.name, state.reason, state.advice)]
    findings = [_table_finding(table, seen.get(table.name, {})) for table in _HOST_TABLES]
    return findings + [
        Finding("note", "disk", f"{point} does not answer.", "Is its server up? Others go on.")
        for point, columns in seen.get(DISK.name, {}).items()
        if "used_bytes" not in columns
    ]


def _table_finding(table: Table, devices: Mapping[str, set[str]]) -> Finding:
    columns: set[str] = set().union(*devices.values())
    missing = [column for column in table.columns if column not in columns]
    names = "" if table is HOST else f": {_named(list(devices))}"
    return Finding(
        "note" if len(missing) == len(table.columns) else "ok",
        table.name,
        f"{len(table.columns) - len(missing)} of {len(table.columns)} columns{names}",
        details=tuple(
            (column, _WHY.get((table.name, column), "The machine does not tell."))
            for column in missing
        ),
    )


def _named(devices: list[str]) -> str:
    if not devices:
        return "none"
    return ", ".join(devices) if len(devices) <= 8 else f"{len(devices)} of them"


def nvidia_cards(root: Path) -> list[str]:
    """PCI addresses of NVIDIA's GPUs, whether or not a driver runs them."""
    return [
        device.name
        for device in sorted((root / "sys/bus/pci/devices").glob("*"))
        if _text(device / "vendor") == _NVIDIA and _text(device / "class").startswith(_DISPLAY)
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
