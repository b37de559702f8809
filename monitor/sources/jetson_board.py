"""What stays the same about a Jetson: its model, and the versions of its software."""

from __future__ import annotations

import json
import re

from monitor.sources.base import Row
from monitor.sources.jetson_place import device_tree
from monitor.sources.kernel_files import KernelFiles

_RELEASE = re.compile(r"# R(\d+) \(release\), REVISION: (\d+(?:\.\d+)*)")
_CHIPS = {
    "nvidia,tegra186": "NVIDIA TX2",
    "nvidia,tegra194": "NVIDIA Xavier",
    "nvidia,tegra210": "NVIDIA Nano",
    "nvidia,tegra234": "NVIDIA Orin",
    "nvidia,tegra264": "NVIDIA Thor",
}
# From NVIDIA's release notes. Each JetPack is made of one L4T, or of several.
_JETPACKS = {
    "35.1.0": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "35.5.0": "5.1.3",
    "35.6.0": "5.1.4",
    "35.6.1": "5.1.5",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
    "36.4.7": "6.2.1",
    "36.5.0": "6.2.2",
    "38.2.0": "7.0",
    "38.2.1": "7.0",
    "38.2.2": "7.0",
    "38.4.0": "7.1",
    "39.2.0": "7.2",
}


def board_facts(files: KernelFiles) -> Row:
    """Facts of the `gpu` table; None for what this board, or this container, does not tell."""
    release = _RELEASE.match(files.once("etc/nv_tegra_release"))
    l4t = f"{release[1]}.{release[2]}" if release else None
    compatible = device_tree(files, "compatible").split("\0")
    model = device_tree(files, "model") or None
    return {
        "name": next((_CHIPS[chip] for chip in compatible if chip in _CHIPS), model),
        "board": model,
        "serial": device_tree(files, "serial-number") or None,
        "l4t_version": l4t,
        "jetpack_version": _JETPACKS.get(l4t) if l4t else None,
        "cuda_version": _cuda_version(files),
    }


def own_id(facts: Row) -> str:
    """What tells the GPU apart where NVML does not: the same after every start."""
    known = str(facts.get("serial") or facts.get("board") or "")
    return f"JETSON-{re.sub(r'[^0-9A-Za-z]+', '-', known).strip('-') or 'GPU'}"


def _cuda_version(files: KernelFiles) -> str | None:
    try:
        told = json.loads(files.once("usr/local/cuda/version.json"))["cuda"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return told if isinstance(told, str) and told else None
