"""What is read of a GPU: in each tick, about once a second beside it, and now and then."""

from __future__ import annotations

from collections.abc import Callable

import pynvml

from monitor.sources.base import Value
from monitor.sources.nvml_fans import fans
from monitor.sources.nvml_reader import Handle, Reading, Way, reading
from monitor.sources.rates import Rates

_GPU_SENSOR = pynvml.NVML_TEMPERATURE_GPU
_ALL_LINKS = 0xFFFFFFFF
# With a scope, which it has none of: pynvml finds a bare number by failing at it first.
_MEMORY_TEMPERATURE = [(pynvml.NVML_FI_DEV_MEMORY_TEMP, 0)]
_NVLINK_FIELDS = [
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, _ALL_LINKS),
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, _ALL_LINKS),
]
# By the type that the driver gives: another member of the union is rubbish.
_MEMBERS = {
    pynvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
}


def memory_v2(handle: Handle) -> tuple[Value, ...]:
    """(used, total, reserved) in bytes; used is what processes allocated."""
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    # A total of 0 is a device that shares the system's memory.
    return (memory.used, total, memory.reserved) if (total := memory.total) else (None,) * 3


def memory_v1(handle: Handle) -> tuple[Value, ...]:
    """(used, total, None) in bytes, from a driver that does not tell the reserved part."""
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return (memory.used, total, None) if (total := memory.total) else (None,) * 3


def _utilization(handle: Handle) -> tuple[Value, ...]:
    rates = pynvml.nvmlDeviceGetUtilizationRates(handle)
    return rates.gpu, rates.memory


def _memory_temperature(handle: Handle) -> tuple[Value, ...]:
    return fields(handle, _MEMORY_TEMPERATURE)


def _performance_state(handle: Handle) -> tuple[Value, ...]:
    state = pynvml.nvmlDeviceGetPerformanceState(handle)
    return (None if state == pynvml.NVML_PSTATE_UNKNOWN else state,)


def _remapped_rows(handle: Handle) -> tuple[Value, ...]:
    corrected, uncorrected, _pending, _failed = pynvml.nvmlDeviceGetRemappedRows(handle)
    return (corrected + uncorrected,)


def _retired_pages(handle: Handle) -> tuple[Value, ...]:
    causes = range(pynvml.NVML_PAGE_RETIREMENT_CAUSE_COUNT)
    return (sum(len(pynvml.nvmlDeviceGetRetiredPages(handle, cause)) for cause in causes),)


def fields(handle: Handle, asked: list[tuple[int, int]]) -> tuple[Value, ...]:
    """The values of NVML fields. The call succeeds while a field fails: raises that field's."""
    values = []
    for field in pynvml.nvmlDeviceGetFieldValues(handle, asked):
        if code := field.nvmlReturn:
            # So answer drivers that do not know the field yet.
            unknown = code == pynvml.NVML_ERROR_INVALID_ARGUMENT
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED if unknown else code)
        values.append(getattr(field.value, _MEMBERS[field.valueType]))
    return tuple(values)


def _clock(kind: int) -> Way:
    return lambda handle: (pynvml.nvmlDeviceGetClockInfo(handle, kind),)


def _ecc(kind: int) -> Way:
    return lambda handle: (
        pynvml.nvmlDeviceGetTotalEccErrors(handle, kind, pynvml.NVML_AGGREGATE_ECC),
    )


def _pcie(direction: int) -> Way:
    # KB as in 1000 bytes: nvml.h writes KiB where it means 1024.
    return lambda handle: (pynvml.nvmlDeviceGetPcieThroughput(handle, direction) * 1000,)


MEMORY = reading("memory_used_bytes memory_total_bytes memory_reserved_bytes", memory_v2, memory_v1)

# One call each, in each tick.
QUICK = (
    reading("utilization_percent memory_utilization_percent", _utilization),
    MEMORY,
    reading(
        "temperature_celsius",
        lambda handle: (pynvml.nvmlDeviceGetTemperatureV(handle, _GPU_SENSOR),),
        lambda handle: (pynvml.nvmlDeviceGetTemperature(handle, _GPU_SENSOR),),
    ),
    reading("memory_temperature_celsius", _memory_temperature),
    reading("power_watts", lambda handle: (pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,)),
    reading(
        "power_limit_watts",
        lambda handle: (pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000,),
    ),
    reading(
        "energy_joules",
        lambda handle: (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000,),
    ),
    reading("graphics_clock_mhz", _clock(pynvml.NVML_CLOCK_GRAPHICS)),
    reading("sm_clock_mhz", _clock(pynvml.NVML_CLOCK_SM)),
    reading("memory_clock_mhz", _clock(pynvml.NVML_CLOCK_MEM)),
    reading("video_clock_mhz", _clock(pynvml.NVML_CLOCK_VIDEO)),
    reading("performance_state", _performance_state),
    reading(
        "clock_event_reasons",
        lambda handle: (pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),),
        lambda handle: (pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),),
    ),
    reading("encoder_percent", lambda handle: (pynvml.nvmlDeviceGetEncoderUtilization(handle)[0],)),
    reading("decoder_percent", lambda handle: (pynvml.nvmlDeviceGetDecoderUtilization(handle)[0],)),
    reading("jpeg_percent", lambda handle: (pynvml.nvmlDeviceGetJpgUtilization(handle)[0],)),
    reading("ofa_percent", lambda handle: (pynvml.nvmlDeviceGetOfaUtilization(handle)[0],)),
)

# Of a MIG instance the driver tells little else but by GPM.
INSTANCE = (MEMORY,)

# Counters that change seldom, some of which the driver fetches from the card's own memory.
HEALTH = (
    reading("ecc_corrected_count", _ecc(pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED)),
    reading("ecc_uncorrected_count", _ecc(pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)),
    reading("remapped_rows_count", _remapped_rows),
    reading("retired_pages_count", _retired_pages),
)


def traffic(clock: Callable[[], float]) -> tuple[Reading, ...]:
    """Readings that take long, or go by what was read before. `clock` is monotonic, in seconds."""
    rates = Rates()

    def nvlink(handle: Handle) -> tuple[Value, ...]:
        counters, now = fields(handle, _NVLINK_FIELDS), clock()
        return tuple(
            rates.per_second(key, float(kib or 0) * 1024, now)
            for key, kib in zip("tr", counters, strict=True)
        )

    return (
        # First, for each PCIe direction takes 20 ms: a rate's time is that of its counters.
        reading("nvlink_tx_bytes_per_second nvlink_rx_bytes_per_second", nvlink),
        fans(),
        reading(
            "pcie_link_generation",
            lambda handle: (pynvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),),
        ),
        reading("pcie_link_width", lambda handle: (pynvml.nvmlDeviceGetCurrPcieLinkWidth(handle),)),
        reading(
            "pcie_replay_count", lambda handle: (pynvml.nvmlDeviceGetPcieReplayCounter(handle),)
        ),
        reading("pcie_tx_bytes_per_second", _pcie(pynvml.NVML_PCIE_UTIL_TX_BYTES)),
        reading("pcie_rx_bytes_per_second", _pcie(pynvml.NVML_PCIE_UTIL_RX_BYTES)),
    )
