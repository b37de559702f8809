"""CPU time, clocks and temperature, from /proc and /sys."""

from __future__ import annotations

from monitor.sources.base import Row
from monitor.sources.kernel_files import KernelFiles

# user nice system idle iowait irq softirq steal; guest time is within user already.
_FIELDS = 8
_IDLE, _IOWAIT = 3, 4
_SLOW_SECONDS = 5.0
_CPU_SENSORS = frozenset(
    {"coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "x86_pkg_temp"}
)


class CpuTimes:
    """Shares of CPU time since the call before; nothing at the first."""

    def __init__(self) -> None:
        self._last: dict[bytes, tuple[int, ...]] = {}

    def read(self, stat: bytes) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each core, from /proc/stat."""
        host: Row = {}
        cores: list[Row] = []
        for line in stat.splitlines():
            if not line.startswith(b"cpu"):
                break
            name, *fields = line.split()
            times = tuple(map(int, fields[:_FIELDS]))
            last = self._last.get(name)
            self._last[name] = times
            if last is None or len(last) != len(times):
                continue
            spent = [max(0, now - then) for now, then in zip(times, last, strict=True)]
            total = sum(spent)
            if total == 0:
                continue
            busy = 100 * (total - spent[_IDLE] - spent[_IOWAIT]) / total
            if name == b"cpu":
                host = {
                    "cpu_percent": busy,
                    "cpu_user_percent": 100 * (spent[0] + spent[1]) / total,
                    "cpu_system_percent": 100 * (spent[2] + sum(spent[5:7])) / total,
                    "cpu_iowait_percent": 100 * spent[_IOWAIT] / total,
                }
            else:
                cores.append({"device": name[3:].decode(), "cpu_percent": busy})
        return host, cores


class CpuSensors:
    """Clock and temperature, read every few seconds: some drivers take milliseconds."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self._columns: Row = {}
        self._read_at = -_SLOW_SECONDS
        self._sensors = self._find_sensors()
        cpus = files.root / "sys/devices/system/cpu"
        self._clocks = [
            str(path.relative_to(files.root))
            for path in sorted(cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
        ]

    def read(self, now: float) -> Row:
        """`cpu_frequency_mhz` and `cpu_temperature_celsius`, where the machine tells."""
        if now - self._read_at >= _SLOW_SECONDS:
            self._read_at = now
            self._columns = {
                "cpu_frequency_mhz": self._clock(),
                "cpu_temperature_celsius": self._temperature(),
            }
        return self._columns

    def _clock(self) -> float | None:
        kilohertz = [
            int(text) for path in self._clocks if (text := self._files.once(path)).isdigit()
        ]
        if kilohertz:
            return sum(kilohertz) / len(kilohertz) / 1000
        megahertz = [
            float(line.split(":")[1])
            for line in self._files.once("proc/cpuinfo").splitlines()
            if line.startswith("cpu MHz") and ":" in line
        ]
        return sum(megahertz) / len(megahertz) if megahertz else None

    def _temperature(self) -> float | None:
        degrees = []
        for path in self._sensors:
            text = self._files.once(path)
            if text.lstrip("-").isdigit() and -50_000 < int(text) < 200_000:
                degrees.append(int(text) / 1000)
        return max(degrees, default=None)

    def _find_sensors(self) -> list[str]:
        root = self._files.root
        found = [
            sensor
            for chip in sorted((root / "sys/class/hwmon").glob("hwmon*"))
            if self._files.once(str((chip / "name").relative_to(root))) in _CPU_SENSORS
            for sensor in sorted(chip.glob("temp*_input"))
        ] or [
            zone / "temp"
            for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))
            if self._files.once(str((zone / "type").relative_to(root))).lower() in _CPU_SENSORS
        ]
        return [str(path.relative_to(root)) for path in found]
