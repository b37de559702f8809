"""A Jetson's thermal zones, known by their type, and its fan."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.sources.base import Row, Value
from monitor.sources.jetson_names import unique
from monitor.sources.kernel_files import KernelFiles

_FOLDERS = ("sys/class/thermal", "sys/devices/virtual/thermal")
_FANS = ("sys/devices/platform/pwm-fan/hwmon/hwmon*/pwm1", "sys/class/hwmon/hwmon*/pwm1")
_FULL_SPEED = 255
_TRIP_POINTS = 12


@dataclass(frozen=True)
class Zone:
    """A zone by its type, such as `gpu-thermal`, with the facts of it."""

    name: str
    folder: str
    facts: Row = field(compare=False)


class Thermal:
    """Looked for until there is one: zones come with their drivers."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self.zones: tuple[Zone, ...] = ()
        self._fan = ""

    def read(self) -> list[Row]:
        """A row a zone. One that cannot be read now, as of a part without power, is missing."""
        if not self.zones:
            self.zones = tuple(self._found())
        return [
            {"device": zone.name, "temperature_celsius": self._celsius(f"{zone.folder}/temp")}
            for zone in self.zones
        ]

    def of_gpu(self, rows: list[Row]) -> float | None:
        """The GPU's own zone among these rows, in degrees Celsius."""
        celsius = next((row["temperature_celsius"] for row in rows if _is_gpu(row["device"])), None)
        return celsius if isinstance(celsius, float) else None

    def gpu_facts(self) -> Row:
        """Facts of the `gpu` table: where its zone slows down and shuts down, and its fan."""
        own: Row = next((zone.facts for zone in self.zones if _is_gpu(zone.name)), {})
        return {
            "slowdown_temperature_celsius": own.get("passive_temperature_celsius"),
            "shutdown_temperature_celsius": own.get("critical_temperature_celsius"),
            "fan_count": 1 if self._fan else 0,
        }

    def fan_percent(self) -> float | None:
        """How fast the fan is told to turn; None where there is none."""
        pulse = self._files.number(self._fan) if self._fan else None
        if pulse is None:
            fans = [path for pattern in _FANS for path in self._files.names(pattern)]
            self._fan = fans[0] if fans else ""
            pulse = self._files.number(self._fan) if self._fan else None
        return None if pulse is None else min(100.0, max(0.0, 100 * pulse / _FULL_SPEED))

    def _found(self) -> list[Zone]:
        listed = [self._files.names(f"{folder}/thermal_zone*/type") for folder in _FOLDERS]
        types = next(filter(None, listed), [])
        named = [(self._files.once(path), path.rpartition("/")[0]) for path in types]
        # Of old boards' PMIC the driver reports a constant.
        shown = [(name, folder) for name, folder in named if name and "PMIC" not in name]
        names = unique([name for name, _ in shown])
        return [
            Zone(name, folder, self._trip_points(folder))
            for name, (_, folder) in zip(names, shown, strict=True)
        ]

    def _trip_points(self, folder: str) -> Row:
        limits: dict[str, float] = {}
        for number in range(_TRIP_POINTS):
            kind = self._files.once(f"{folder}/trip_point_{number}_type")
            celsius = self._celsius(f"{folder}/trip_point_{number}_temp")
            if not kind:
                break
            if celsius is not None:
                limits[kind] = min(celsius, limits.get(kind, celsius))
        facts: dict[str, Value] = {
            f"{kind}_temperature_celsius": limits.get(kind) for kind in ("passive", "critical")
        }
        return facts

    def _celsius(self, path: str) -> float | None:
        thousandths = self._files.number(path)
        if thousandths is None:
            return None
        celsius = thousandths / 1000
        # -256 means that the sensor has no power.
        return celsius if -50 < celsius < 150 else None


def _is_gpu(name: Value) -> bool:
    return str(name).lower().startswith("gpu")
