"""All that a Jetson's kernel tells at a tick. No file that hangs holds up whoever asks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from monitor.sources.base import DeviceState, Row
from monitor.sources.jetson_board import board_facts
from monitor.sources.jetson_gpu import gpu_columns, gpu_facts
from monitor.sources.jetson_place import Place, find_gpu
from monitor.sources.jetson_rails import Rails, power_scope, total_watts
from monitor.sources.jetson_thermal import Thermal
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.slow_reading import SlowReading

_ASKED_SHARE = 0.9  # of an interval: a tick that comes a little early asks too
_FACTS_SECONDS = 10.0
# The columns that its own files tell: with neither, there is no GPU.
_OF_THE_GPU = ("utilization_percent", "graphics_clock_mhz")


@dataclass(frozen=True)
class Told:
    """A tick: columns of the GPU (None where it does not answer), rows of zones and rails.

    `facts` are the GPU's; None until they have been read.
    """

    gpu: Row | None
    zones: list[Row]
    rails: list[Row]
    facts: Row | None


class Sysfs:
    """The board, by three threads: its GPU, its sensors (each behind a slow bus), its facts."""

    def __init__(self, files: KernelFiles, interval: float, answer_seconds: float) -> None:
        self._files = files
        self._answer_seconds = answer_seconds
        self._place: Place | None = None
        self._thermal, self._rails = Thermal(files), Rails(files)
        every = _ASKED_SHARE * interval
        self._gpu = SlowReading("jetson-gpu", self._read_gpu, every)
        self._sensors = SlowReading("jetson-sensors", self._read_sensors, every)
        self._facts = SlowReading("jetson-facts", self._read_facts, _FACTS_SECONDS)

    @property
    def has_gpu(self) -> bool:
        """Whether the GPU's files are there."""
        return self._place is not None

    def read(self, now: float) -> Told:
        """What is told at this tick; what does not come in time is missing."""
        end = time.monotonic() + self._answer_seconds
        readings: tuple[SlowReading[Any], ...] = (self._gpu, self._sensors, self._facts)
        for asked in readings:
            asked.latest(now)
        gpu, sensed, facts = (
            asked.latest(now) if asked.wait(end - time.monotonic()) else None for asked in readings
        )
        zones, rails, fan = sensed or ([], [], None)
        if gpu is not None:
            gpu = gpu | {
                "temperature_celsius": self._thermal.of_gpu(zones),
                "power_watts": total_watts(rails),
                "fan_percent": fan,
            }
        if facts is not None:
            facts = facts | self._thermal.gpu_facts() | {"power_scope": power_scope(rails)}
        return Told(gpu, zones, rails, facts)

    def sensors(self) -> list[DeviceState]:
        """Zones and rails, with their facts."""
        zones = [DeviceState("zone", zone.name, facts=zone.facts) for zone in self._thermal.zones]
        return zones + [DeviceState("rail", rail.name) for rail in self._rails.rails]

    def close(self) -> None:
        """Let the threads end."""
        for reading in (self._gpu, self._sensors, self._facts):
            reading.close()

    def _read_gpu(self) -> Row | None:
        # The driver may load after us, and may be loaded anew.
        place = self._place or find_gpu(self._files)
        columns = gpu_columns(self._files, place) if place else {}
        answers = any(columns.get(column) is not None for column in _OF_THE_GPU)
        self._place = place if answers else None
        return columns if answers else None

    def _read_sensors(self) -> tuple[list[Row], list[Row], float | None]:
        return self._thermal.read(), self._rails.read(), self._thermal.fan_percent()

    def _read_facts(self) -> Row:
        place = self._place or find_gpu(self._files)
        return board_facts(self._files) | (gpu_facts(self._files, place) if place else {})
