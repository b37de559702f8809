"""Boards of files, as their kernels lay them out: values are those of one moment each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MEMINFO = """\
MemTotal:        7802840 kB
MemFree:          512000 kB
MemAvailable:    3901420 kB
Buffers:           80000 kB
Cached:          2600000 kB
NvMapMemUsed:     900000 kB
"""
USED_BYTES, TOTAL_BYTES = 3901420 * 1024, 7802840 * 1024

_TREE = "sys/firmware/devicetree/base"


def _zones(celsius: Mapping[str, int | None]) -> dict[str, str | None]:
    files: dict[str, str | None] = {}
    for number, (kind, temperature) in enumerate(celsius.items()):
        zone = f"sys/class/thermal/thermal_zone{number}"
        files[f"{zone}/type"] = f"{kind}\n"
        files[f"{zone}/temp"] = None if temperature is None else f"{temperature}\n"
    return files


def _chip(number: int, *rails: tuple[str, int, int]) -> dict[str, str | None]:
    """An INA3221: label, mV and mA of each channel, then what its driver adds."""
    chip = f"sys/class/hwmon/hwmon{number}"
    files: dict[str, str | None] = {
        f"{chip}/name": "ina3221\n",
        f"{chip}/in7_label": "sum of shunt voltages\n",
        f"{chip}/in7_input": "99999\n",
        f"{chip}/in4_input": "4500\n",
    }
    for channel, (label, millivolts, milliamperes) in enumerate(rails, 1):
        files[f"{chip}/in{channel}_label"] = f"{label}\n"
        files[f"{chip}/in{channel}_input"] = f"{millivolts}\n"
        files[f"{chip}/curr{channel}_input"] = f"{milliamperes}\n"
    return files


def _devfreq(
    node: str, chip: str, hertz: int, lowest: int, highest: int, load: int | None
) -> dict[str, str | None]:
    folder = f"sys/class/devfreq/{node}"
    files: dict[str, str | None] = {
        f"{folder}/cur_freq": f"{hertz}\n",
        f"{folder}/min_freq": f"{lowest}\n",
        f"{folder}/max_freq": f"{highest}\n",
        f"{folder}/available_frequencies": "306000000 612000000 1020000000\n",
        f"{folder}/device/of_node/name": f"{chip}\0",
        f"{folder}/device/of_node/compatible": f"nvidia,{chip}\0",
    }
    return files | ({} if load is None else {f"{folder}/device/load": f"{load}\n"})


def _board(model: str, serial: str, release: str) -> dict[str, str | None]:
    return {
        f"{_TREE}/model": f"{model}\0",
        f"{_TREE}/serial-number": f"{serial}\0",
        f"{_TREE}/compatible": "nvidia,board\0nvidia,tegra234\0",
        "proc/meminfo": MEMINFO,
        "etc/nv_tegra_release": (
            f"# {release}, GCID: 42132812, BOARD: generic, EABI: aarch64, DATE: Thu Sep 18\n"
            "# KERNEL_VARIANT: oot\n"
        ),
        # Another driver's node stands beside the GPU's.
        "sys/class/devfreq/15340000.vic/device/of_node/name": "vic\0",
        "sys/class/devfreq/15340000.vic/cur_freq": "115200000\n",
    }


# None: the sensor refuses to be read (EAGAIN), as those of parts without power do.
ORIN_NANO: dict[str, str | None] = {
    **_board(
        "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
        "1423324012345",
        "R36 (release), REVISION: 4.7",
    ),
    **_devfreq("17000000.gpu", "gpu", 612000000, 306000000, 1020000000, load=437),
    **_zones(
        {
            **{"cpu-thermal": 48531, "gpu-thermal": 47312, "cv0-thermal": None},
            **{"cv1-thermal": None, "cv2-thermal": -256000, "soc0-thermal": 46125},
            "tj-thermal": 48531,
        }
    ),
    "sys/class/thermal/thermal_zone1/trip_point_0_type": "passive\n",
    "sys/class/thermal/thermal_zone1/trip_point_0_temp": "99000\n",
    "sys/class/thermal/thermal_zone1/trip_point_1_type": "critical\n",
    "sys/class/thermal/thermal_zone1/trip_point_1_temp": "104500\n",
    **_chip(
        *(1, ("VDD_IN", 5072, 1208), ("VDD_CPU_GPU_CV", 5072, 424), ("VDD_SOC", 5064, 296)),
    ),
    "sys/class/hwmon/hwmon2/name": "pwmfan\n",
    "sys/class/hwmon/hwmon2/pwm1": "102\n",
    "sys/devices/platform/pwm-fan/hwmon/hwmon2/pwm1": "102\n",
    "usr/local/cuda/version.json": '{"cuda": {"name": "CUDA SDK", "version": "12.6.11"}}',
}
AGX_ORIN: dict[str, str | None] = {
    **_board(
        "NVIDIA Jetson AGX Orin Developer Kit", "1421522054321", "R36 (release), REVISION: 4.0"
    ),
    **_devfreq("17000000.gpu", "gpu", 1020000000, 1020000000, 1020000000, load=1000),
    **_zones({"cpu-thermal": 61000, "tboard-thermal": 44250, "gpu-thermal": 63500}),
    # No fan, no input rail; two channels of the second chip lead nowhere.
    **_chip(1, ("VDD_GPU_SOC", 19976, 401), ("VDD_CPU_CV", 19976, 100), ("VIN_SYS_5V0", 5000, 600)),
    **_chip(2, ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 5000, -4), ("NC", 0, 0)),
}
THOR: dict[str, str | None] = {
    **_board(
        "NVIDIA Jetson AGX Thor Developer Kit", "1425025000001", "R38 (release), REVISION: 2.1"
    ),
    **_devfreq("gpu-gpc-0", "", 1575000000, 318000000, 1575000000, load=None),
    **_devfreq("gpu-nvd-0", "", 1000000000, 318000000, 1575000000, load=None),
    **_zones({"tj-thermal": 52000, "cpu-thermal": 51000, "gpu-thermal": 50500}),
    **_chip(
        *(3, ("VDD_GPU", 12000, 460), ("VDD_CPU_SOC_MSS", 12000, 700)), ("VIN_SYS_5V0", 5000, 1)
    ),
    "sys/devices/platform/pwm-fan/hwmon/hwmon5/pwm1": "255\n",
}
JETPACK_5: dict[str, str | None] = {
    **_board("NVIDIA Orin NX Developer Kit", "142", "R35 (release), REVISION: 4.1"),
    **_devfreq("17000000.ga10b", "ga10b", 306000000, 306000000, 918000000, load=0),
    **_zones({"CPU-therm": 40500, "GPU-therm": 39000, "PMIC-Die": 100000}),
    **_chip(4, ("VDD_IN", 5000, 900), ("VDD_CPU_GPU_CV", 5000, 200), ("VDD_SOC", 5000, 200)),
}
BOARDS = {
    "orin_nano": ORIN_NANO,
    "agx_orin": AGX_ORIN,
    "thor": THOR,
    "jetpack_5": JETPACK_5,
}


class FakeJetson:
    """Files below `root`, which change as the kernel's do."""

    def __init__(self, root: Path, board: Mapping[str, str | None]) -> None:
        self.root = root
        self._writers: dict[str, int] = {}
        for path, content in board.items():
            self.put(path, content)

    def put(self, path: str, content: str | None) -> None:
        """Write a file; with None, one whose every read fails with EAGAIN."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
            return
        # A pipe that someone may write to, and does not, answers a read just so.
        os.mkfifo(file)
        self._writers[path] = os.open(file, os.O_RDWR)

    def remove(self, *parts: str) -> None:
        """Take away every file with one of these in its path."""
        for file in [file for file in self.root.rglob("*") if not file.is_dir()]:
            if any(part in str(file.relative_to(self.root)) for part in parts):
                file.unlink()

    def close(self) -> None:
        for writer in self._writers.values():
            os.close(writer)
