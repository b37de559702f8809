"""Where a Jetson keeps its GPU. Found by what it is called: paths differ between boards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.sources.kernel_files import KernelFiles

_DEVFREQ = "sys/class/devfreq"
_THOR = f"{_DEVFREQ}/gpu-gpc-0"
_CHIPS = {"gv11b", "gp10b", "ga10b", "gb10b"}
# Where devfreq is not built in.
_LOADS = (
    "sys/devices/platform/gpu.0/load",
    "sys/devices/gpu.0/load",
    "sys/devices/platform/17000000.*/load",
    "sys/devices/platform/bus@0/17000000.*/load",
)
_DEVICE_TREES = ("sys/firmware/devicetree/base", "proc/device-tree")


@dataclass(frozen=True)
class Place:
    """The folder of its clock and the file of its load, either empty where there is none."""

    clock: str
    load: str


def find_gpu(files: KernelFiles) -> Place | None:
    """The integrated GPU; None where there is none, or not yet: its driver may load late."""
    nodes = files.names(f"{_DEVFREQ}/*")
    found = [node for node in nodes if node == _THOR] or [
        node for node in nodes if _is_gpu(files, f"{node}/device")
    ]
    if found:
        load = f"{found[0]}/device/load"
        return Place(found[0], load if files.exists(load) else "")
    loads = [load for pattern in _LOADS for load in files.names(pattern)]
    return Place("", loads[0]) if loads else None


def is_jetson(root: Path) -> bool:
    """Whether the machine below `root` is a Jetson, from its files alone."""
    files = KernelFiles(root)
    return find_gpu(files) is not None or "Jetson" in device_tree(files, "model")


def device_tree(files: KernelFiles, name: str) -> str:
    """A text that the firmware told the kernel, such as `model`; empty where it did not."""
    return next(filter(None, (files.once(f"{tree}/{name}") for tree in _DEVICE_TREES)), "")


def _is_gpu(files: KernelFiles, device: str) -> bool:
    told = dict(line.partition("=")[::2] for line in files.once(f"{device}/uevent").splitlines())
    # Containers hide the device tree; the kernel tells the same in uevent.
    name = files.once(f"{device}/of_node/name") or told.get("OF_NAME", "")
    if name != "gpu":
        return name in _CHIPS
    maker = files.once(f"{device}/of_node/compatible") or told.get("OF_COMPATIBLE_0", "")
    return not maker or "nvidia," in maker  # other makers call theirs `gpu` too
