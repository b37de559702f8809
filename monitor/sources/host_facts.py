"""What stays the same about the machine until it starts anew."""

from __future__ import annotations

import socket
from pathlib import Path

from monitor.sources.base import Value
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.pid_namespace import pid_namespace

# Arm CPUs name no model. Parts of implementer 0x41, from Linux's arch/arm64/include/asm/cputype.h.
_ARM_PARTS = {
    "0xd0c": "Arm Neoverse N1",
    "0xd40": "Arm Neoverse V1",
    "0xd42": "Arm Cortex-A78AE",
    "0xd49": "Arm Neoverse N2",
    "0xd4f": "Arm Neoverse V2",
    "0xd83": "Arm Neoverse V3AE",
}


def host_facts(files: KernelFiles) -> dict[str, Value]:
    """Facts of the `host` table; None where the machine does not tell."""
    cpuinfo = files.once("proc/cpuinfo")
    stat = files.once("proc/stat").splitlines()
    memory = _value(files.once("proc/meminfo"), "MemTotal", ":").removesuffix(" kB")
    booted = _value("\n".join(stat), "btime", " ")
    return {
        "hostname": _hostname(files),
        "cpu_model": _cpu_model(files, cpuinfo),
        "cores": sum(line.startswith("cpu") and line[3:4].isdigit() for line in stat) or None,
        "physical_cores": _physical_cores(files, cpuinfo),
        "memory_total_bytes": int(memory) * 1024 if memory.isdecimal() else None,
        "operating_system": _value(files.once("etc/os-release"), "PRETTY_NAME", "=").strip("\"'")
        or None,
        "kernel": files.once("proc/sys/kernel/osrelease") or None,
        "booted": int(booted) if booted.isdecimal() else None,
        "pid_namespace": pid_namespace(files.root),
    }


def _hostname(files: KernelFiles) -> str:
    # /proc/sys/kernel/hostname is the reader's own, in a container with the host's /proc too.
    own = files.root == Path("/")
    return ("" if own else files.once("etc/hostname")) or socket.gethostname()


def _cpu_model(files: KernelFiles, cpuinfo: str) -> str | None:
    return (
        _value(cpuinfo, "model name", ":")
        or _ARM_PARTS.get(_value(cpuinfo, "CPU part", ":"))
        or _value(cpuinfo, "Model", ":")
        or files.once("sys/firmware/devicetree/base/model")
        or None
    )


def _physical_cores(files: KernelFiles, cpuinfo: str) -> int | None:
    cores = {
        (files.once(path), files.once(path.replace("core_id", "physical_package_id")))
        for path in files.names("sys/devices/system/cpu/cpu[0-9]*/topology/core_id")
    }
    if not cores:
        cores = {
            (_value(block, "core id", ":"), _value(block, "physical id", ":"))
            for block in cpuinfo.split("\n\n")
            if _value(block, "core id", ":")
        }
    return len(cores) or None


def _value(text: str, name: str, separator: str) -> str:
    """What stands after `name`, in the first line that has it."""
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return ""
