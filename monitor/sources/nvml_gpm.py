"""GPM: how busy the parts of a GPU were between two samples, on Hopper and later.

What fails here costs its own cells, whatever the error says of the device: the other readings tell
how it is.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import pynvml

from monitor.sources.base import Row, Value
from monitor.sources.nvml_errors import FAILURES, STABLE, code_of
from monitor.sources.nvml_reader import Handle

_METRICS = {
    "graphics_active_percent": pynvml.NVML_GPM_METRIC_GRAPHICS_UTIL,
    "sm_active_percent": pynvml.NVML_GPM_METRIC_SM_UTIL,
    "sm_occupancy_percent": pynvml.NVML_GPM_METRIC_SM_OCCUPANCY,
    "tensor_active_percent": pynvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL,
    "dram_active_percent": pynvml.NVML_GPM_METRIC_DRAM_BW_UTIL,
}
_NOTHING: tuple[Value, ...] = (None,) * len(_METRICS)
# Over less the hardware's counters say nothing (NVIDIA, in DCGM's issue 310).
_SHORTEST_SECONDS = 0.1

_Sample = Any


class Samples:
    """The buffers that a session with the driver was given; to be freed before it ends."""

    def __init__(self) -> None:
        self._held: list[_Sample] = []

    def new(self) -> _Sample:
        """One more."""
        sample = pynvml.nvmlGpmSampleAlloc()
        self._held.append(sample)
        return sample

    def free(self) -> None:
        """Give all back. Call while no reading is under way."""
        while self._held:
            with contextlib.suppress(*FAILURES):
                pynvml.nvmlGpmSampleFree(self._held.pop())


class Gpm:
    """The interface of one GPU, and of its MIG instances, in one session with the driver."""

    def __init__(self, samples: Samples, clock: Callable[[], float]) -> None:
        self.samples, self.clock = samples, clock
        self._handle: Handle = None
        self._supported: bool | None = None
        self._activities: dict[int | None, _Activity] = {}

    def begin(self, handle: Handle) -> None:
        """Read by this handle from now on."""
        self._handle = handle
        self.forget()

    def forget(self) -> None:
        """What was sampled before a gap is not compared with what comes after it."""
        for activity in self._activities.values():
            activity.forget()

    def cells(self, gpu_instance: int | None = None) -> Row:
        """Columns of the whole GPU, or of the GPU instance of that number."""
        if gpu_instance not in self._activities:
            self._activities[gpu_instance] = _Activity(self, gpu_instance)
        return self._activities[gpu_instance].cells()

    def is_supported(self) -> bool:
        """Whether the GPU has it; asked once."""
        if self._supported is None:
            answer = pynvml.nvmlGpmQueryDeviceSupport(self._handle)
            self._supported = bool(answer.isSupportedDevice)
        return self._supported

    def take(self, sample: _Sample, gpu_instance: int | None) -> None:
        """Fill the buffer."""
        if gpu_instance is None:
            pynvml.nvmlGpmSampleGet(self._handle, sample)
        else:
            pynvml.nvmlGpmMigSampleGet(self._handle, gpu_instance, sample)


class _Activity:
    """Of one device: takes a sample and compares it with the one before."""

    def __init__(self, gpm: Gpm, gpu_instance: int | None) -> None:
        self._gpm = gpm
        self._gpu_instance = gpu_instance
        self._refused = False
        self._buffers: list[_Sample] = []  # that of the newest sample first
        self._taken_at: float | None = None
        self._values = _NOTHING
        self._question = pynvml.c_nvmlGpmMetricsGet_t()
        self._question.version = pynvml.NVML_GPM_METRICS_GET_VERSION
        self._question.numMetrics = len(_METRICS)
        for metric, number in zip(self._question.metrics, _METRICS.values(), strict=False):
            metric.metricId = number

    def cells(self) -> Row:
        """What is known of the time since the last call."""
        if self._refused:
            return {}
        try:
            return dict(zip(_METRICS, self._read(), strict=True))
        except FAILURES as error:
            self._refused = code_of(error) in STABLE
            return {}

    def forget(self) -> None:
        """The next sample is compared with none."""
        self._taken_at = None

    def _read(self) -> tuple[Value, ...]:
        now, before = self._gpm.clock(), self._taken_at
        if before is not None and now - before < _SHORTEST_SECONDS:
            return self._values
        if not self._gpm.is_supported():
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        while len(self._buffers) < 2:
            self._buffers.append(self._gpm.samples.new())
        self._taken_at, self._values = None, _NOTHING
        self._gpm.take(self._buffers[1], self._gpu_instance)
        self._taken_at = now
        self._buffers.reverse()
        if before is not None:
            self._values = self._compared()
        return self._values

    def _compared(self) -> tuple[Value, ...]:
        self._question.sample2, self._question.sample1 = self._buffers
        pynvml.nvmlGpmMetricsGet(self._question)
        asked = self._question.metrics[: len(_METRICS)]
        return tuple(
            None if metric.nvmlReturn or not math.isfinite(metric.value) else metric.value
            for metric in asked
        )
