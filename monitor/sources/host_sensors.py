"""Clock and temperature of the CPU. Some drivers take milliseconds a core: read seldom, apart."""

from __future__ import annotations

import re

from monitor.sources.base import Row
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.slow_reading import SlowReading

_EVERY_SECONDS = 5.0
_OF_A_CPU = re.compile(
    r"coretemp|k8temp|k10temp|zenpower|x86_pkg_temp|(cpu|soc)[-_]?\d*[-_]?therm(al)?", re.IGNORECASE
)


class CpuSensors:
    """`cpu_frequency_mhz` and `cpu_temperature_celsius`, where the machine tells."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self._clocks = files.names("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        self._thermometers = _named(files, "sys/class/hwmon/hwmon*/name", "temp*_input")
        if not self._thermometers:
            self._thermometers = _named(files, "sys/class/thermal/thermal_zone*/type", "temp")
        self._reading = SlowReading("CPU sensors", self._columns, _EVERY_SECONDS)
        self.wait, self.close = self._reading.wait, self._reading.close

    def read(self, now: float) -> Row:
        """Host columns, a few seconds old."""
        return self._reading.latest(now) or {}

    def _columns(self) -> Row:
        return {
            "cpu_frequency_mhz": self._clock(),
            "cpu_temperature_celsius": max(self._temperatures(), default=None),
        }

    def _clock(self) -> float | None:
        megahertz = [int(text) / 1000 for text in map(self._files.once, self._clocks) if _is(text)]
        if not megahertz:
            megahertz = [
                float(line.partition(":")[2])
                for line in self._files.once("proc/cpuinfo").splitlines()
                if line.startswith("cpu MHz")
            ]
        return sum(megahertz) / len(megahertz) if megahertz else None

    def _temperatures(self) -> list[float]:
        degrees = [
            int(text) / 1000 for text in map(self._files.once, self._thermometers) if _is(text)
        ]
        # Sensors that are not connected report the ends of their scale.
        return [celsius for celsius in degrees if -50 < celsius < 150]


def _named(files: KernelFiles, names: str, values: str) -> list[str]:
    """The value files in the folders whose name file names a CPU."""
    folders = [
        path.rpartition("/")[0]
        for path in files.names(names)
        if _OF_A_CPU.fullmatch(files.once(path))
    ]
    return [path for folder in folders for path in files.names(f"{folder}/{values}")]


def _is(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
