"""A Jetson's power rails, measured by INA3221 chips, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.sources.base import Row
from monitor.sources.jetson_names import unique
from monitor.sources.kernel_files import KernelFiles

_CHIP = "ina3221"
_CHANNELS = (1, 2, 3)  # those above are shunts and their sum
_NOT_CONNECTED = re.compile(r"(?<![A-Z])NC(?![A-Z])")
# These carry all the others.
_INPUTS = ("VDD_IN", "POM_5V_IN")


@dataclass(frozen=True)
class Rail:
    """A rail by its label, such as `VDD_CPU_CV`, and the files of its mV and mA."""

    name: str
    millivolts: str
    milliamperes: str


class Rails:
    """Looked for until there is one: rails come with their driver."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self.rails: tuple[Rail, ...] = ()

    def read(self) -> list[Row]:
        """A row a rail, as measured: near 0 it may be a little negative."""
        if not self.rails:
            self.rails = tuple(self._found())
        return [{"device": rail.name, "power_watts": self._watts(rail)} for rail in self.rails]

    def _watts(self, rail: Rail) -> float | None:
        millivolts = self._files.number(rail.millivolts)
        milliamperes = self._files.number(rail.milliamperes)
        if millivolts is None or milliamperes is None:
            return None
        return millivolts * milliamperes / 1e6

    def _found(self) -> list[Rail]:
        labelled = [
            (self._files.once(f"{chip}/in{channel}_label"), chip, channel)
            for chip in self._chips()
            for channel in _CHANNELS
        ]
        used = [each for each in labelled if each[0] and not _NOT_CONNECTED.search(each[0])]
        names = unique([label for label, _, _ in used])
        return [
            Rail(name, f"{chip}/in{channel}_input", f"{chip}/curr{channel}_input")
            for name, (_, chip, channel) in zip(names, used, strict=True)
        ]

    def _chips(self) -> list[str]:
        names = self._files.names("sys/class/hwmon/hwmon*/name")
        return [path.rpartition("/")[0] for path in names if self._files.once(path) == _CHIP]


def total_watts(rows: Sequence[Row]) -> float | None:
    """The input rail where there is one, else the sum; None where a part of it is missing."""
    counted = [row["power_watts"] for row in _counted(rows)]
    watts = [float(part) for part in counted if isinstance(part, (int, float))]
    return sum(watts) if watts and len(watts) == len(counted) else None


def power_scope(rows: Sequence[Row]) -> str | None:
    """What `total_watts` is of, in words. A sum leaves out what the carrier board draws."""
    counted = _counted(rows)
    if not counted:
        return None
    if counted[0]["device"] in _INPUTS:
        return f"whole module, at {counted[0]['device']}"
    return f"sum of {len(counted)} rails" if len(counted) > 1 else f"rail {counted[0]['device']}"


def _counted(rows: Sequence[Row]) -> Sequence[Row]:
    inputs = [row for row in rows if row["device"] in _INPUTS]
    return inputs[:1] or rows
