"""Every table and every metric, declared once. To add a metric, add a row.

Order here is order everywhere: in Parquet files, in the API, on the page and in the reference.
Nothing here reads a device; `source` says which interface the number comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from monitor import units
from monitor.units import Unit


class RollUp(Enum):
    """What a coarser tier keeps of the raw values in a bucket. Missing values are left out."""

    MEAN = "mean"  # with `<column>_min` and `<column>_max` beside it
    LAST = "last"  # counters, identity, text
    ANY = "any"  # bit masks: every bit that was set in the bucket
    WORST = "worst"  # XIDs: the most severe of the bucket, of several such the last


@dataclass(frozen=True)
class Threshold:
    """A limit in the metric's unit or, with `share`, in percent of its `full` scale.

    `fact` names a device fact that overrides `value` where the device has it.
    """

    value: float
    fact: str | None = None
    share: bool = False

    def of(self, facts: Mapping[str, object]) -> float:
        """The limit for a device with these facts."""
        own = facts.get(self.fact) if self.fact else None
        return float(own) if isinstance(own, (int, float)) else self.value


# Each is declared once, so the same is the same object: quicker to hash than all its fields.
@dataclass(frozen=True, eq=False)
class Metric:
    """A column: quantity and unit make its name.

    `full` is where its bar is full: a number, a column of the same row, or a device fact.
    """

    column: str
    unit: Unit
    label: str
    help: str
    source: str
    roll_up: RollUp = RollUp.MEAN
    dcgm: str | None = None
    full: float | str | None = None
    warn_at: Threshold | None = None
    critical_at: Threshold | None = None

    @property
    def rolled_columns(self) -> tuple[str, ...]:
        """The columns that a rolled tier has for this metric."""
        if self.roll_up is RollUp.MEAN:
            return (self.column, f"{self.column}_min", f"{self.column}_max")
        return (self.column,)


@dataclass(frozen=True, eq=False)
class Table:
    """One kind of row. `keys` tell rows of one tick apart; `time` and `host` come before them."""

    name: str
    row: str
    device: str
    metrics: tuple[Metric, ...]
    keys: tuple[str, ...] = ("device",)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The metric columns, in order."""
        return tuple(metric.column for metric in self.metrics)

    def __getitem__(self, column: str) -> Metric:
        """The metric of that column; KeyError names both table and column."""
        try:
            return self._by_column[column]
        except KeyError:
            raise KeyError(f"{self.name}.{column}") from None

    @cached_property
    def _by_column(self) -> Mapping[str, Metric]:
        return {metric.column: metric for metric in self.metrics}


KEY_COLUMNS = ("time", "host", "device")

_NVML = "NVML"
_PSUTIL = "psutil"

FANS = 4
"""Fans that have a column each."""


def _fan(number: int) -> Metric:
    return Metric(
        f"fan_{number}_percent",
        units.PERCENT,
        f"Fan {number}",
        f"Intended speed of fan {number}.",
        f"{_NVML} nvmlDeviceGetFanSpeed_v2({number})",
    )


def _active(column: str, label: str, what: str, metric: str, dcgm: str) -> Metric:
    return Metric(
        column,
        units.PERCENT,
        label,
        f"{what}, since the reading before; missing on GPUs before Hopper.",
        f"{_NVML} nvmlGpmMetricsGet, NVML_GPM_METRIC_{metric}",
        dcgm=f"DCGM_FI_PROF_{dcgm}",
    )


def _lost(column: str, label: str, why: str) -> Metric:
    return Metric(
        column,
        units.SECONDS_COUNTED,
        label,
        f"Time {why}, since recording began.",
        f"{_NVML} nvmlDeviceGetCurrentClocksEventReasons, at each tick",
        RollUp.LAST,
    )


GPU = Table(
    "gpu",
    row="a GPU, or a MIG instance, at a tick",
    device="UUID",
    metrics=(
        Metric(
            "index",
            units.NUMBER,
            "Index",
            "Number of the GPU, in nvidia-smi's order.",
            f"{_NVML} nvmlDeviceGetIndex",
            RollUp.LAST,
        ),
        Metric(
            "utilization_percent",
            units.PERCENT,
            "GPU utilization",
            "Share of the last sample period in which a kernel ran.",
            f"{_NVML} nvmlDeviceGetUtilizationRates.gpu",
            dcgm="DCGM_FI_DEV_GPU_UTIL",
        ),
        Metric(
            "memory_utilization_percent",
            units.PERCENT,
            "Memory activity",
            "Share of the last sample period in which memory was read or written. "
            "Not how full it is.",
            f"{_NVML} nvmlDeviceGetUtilizationRates.memory",
            dcgm="DCGM_FI_DEV_MEM_COPY_UTIL",
        ),
        Metric(
            "memory_used_bytes",
            units.BYTES,
            "GPU memory",
            "Memory allocated by processes, without the driver's own share.",
            f"{_NVML} nvmlDeviceGetMemoryInfo_v2.used",
            dcgm="DCGM_FI_DEV_FB_USED",
            warn_at=Threshold(95.0, share=True),
            full="memory_total_bytes",
        ),
        Metric(
            "memory_total_bytes",
            units.BYTES,
            "GPU memory, total",
            "Size of the GPU's memory.",
            f"{_NVML} nvmlDeviceGetMemoryInfo_v2.total",
            dcgm="DCGM_FI_DEV_FB_TOTAL",
        ),
        Metric(
            "memory_reserved_bytes",
            units.BYTES,
            "GPU memory, reserved",
            "Memory the driver and firmware keep for themselves; missing on drivers before 510.",
            f"{_NVML} nvmlDeviceGetMemoryInfo_v2.reserved",
            dcgm="DCGM_FI_DEV_FB_RESERVED",
        ),
        Metric(
            "temperature_celsius",
            units.CELSIUS,
            "GPU temperature",
            "Temperature of the GPU.",
            f"{_NVML} nvmlDeviceGetTemperatureV",
            dcgm="DCGM_FI_DEV_GPU_TEMP",
            warn_at=Threshold(85.0, fact="slowdown_temperature_celsius"),
            full=100.0,
        ),
        Metric(
            "memory_temperature_celsius",
            units.CELSIUS,
            "Memory temperature",
            "Temperature of the GPU's memory.",
            f"{_NVML} field NVML_FI_DEV_MEMORY_TEMP",
            dcgm="DCGM_FI_DEV_MEMORY_TEMP",
            warn_at=Threshold(95.0, fact="memory_max_temperature_celsius"),
            full=110.0,
        ),
        Metric(
            "power_watts",
            units.WATTS,
            "GPU power",
            "Power drawn by the board: a one-second average on most GPUs since Ampere, "
            "an instant on older ones and on A100.",
            f"{_NVML} nvmlDeviceGetPowerUsage",
            dcgm="DCGM_FI_DEV_POWER_USAGE",
            full="power_limit_watts",
        ),
        Metric(
            "power_limit_watts",
            units.WATTS,
            "Power limit",
            "The limit in force after every limiter.",
            f"{_NVML} nvmlDeviceGetEnforcedPowerLimit",
            dcgm="DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
        ),
        Metric(
            "energy_joules",
            units.JOULES,
            "Energy",
            "Energy used since the driver was loaded.",
            f"{_NVML} nvmlDeviceGetTotalEnergyConsumption",
            RollUp.LAST,
            dcgm="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        ),
        Metric(
            "fan_percent",
            units.PERCENT,
            "Fan",
            "Intended speed of the fastest fan; may exceed 100 % for short times.",
            f"{_NVML} nvmlDeviceGetFanSpeed_v2",
            dcgm="DCGM_FI_DEV_FAN_SPEED",
        ),
        *(_fan(number) for number in range(FANS)),
        Metric(
            "graphics_clock_mhz",
            units.MEGAHERTZ,
            "Graphics clock",
            "Current graphics clock.",
            f"{_NVML} nvmlDeviceGetClockInfo(GRAPHICS)",
            full="max_graphics_clock_mhz",
        ),
        Metric(
            "sm_clock_mhz",
            units.MEGAHERTZ,
            "SM clock",
            "Current SM clock.",
            f"{_NVML} nvmlDeviceGetClockInfo(SM)",
            dcgm="DCGM_FI_DEV_SM_CLOCK",
            full="max_sm_clock_mhz",
        ),
        Metric(
            "memory_clock_mhz",
            units.MEGAHERTZ,
            "Memory clock",
            "Current memory clock.",
            f"{_NVML} nvmlDeviceGetClockInfo(MEM)",
            dcgm="DCGM_FI_DEV_MEM_CLOCK",
            full="max_memory_clock_mhz",
        ),
        Metric(
            "video_clock_mhz",
            units.MEGAHERTZ,
            "Video clock",
            "Current clock of the video engines.",
            f"{_NVML} nvmlDeviceGetClockInfo(VIDEO)",
            dcgm="DCGM_FI_DEV_VIDEO_CLOCK",
            full="max_video_clock_mhz",
        ),
        Metric(
            "pcie_tx_bytes_per_second",
            units.BYTES_PER_SECOND,
            "PCIe sent",
            "Traffic from the GPU to the host, sampled over 20 ms.",
            f"{_NVML} nvmlDeviceGetPcieThroughput(TX)",
            dcgm="DCGM_FI_PROF_PCIE_TX_BYTES",
        ),
        Metric(
            "pcie_rx_bytes_per_second",
            units.BYTES_PER_SECOND,
            "PCIe received",
            "Traffic from the host to the GPU, sampled over 20 ms.",
            f"{_NVML} nvmlDeviceGetPcieThroughput(RX)",
            dcgm="DCGM_FI_PROF_PCIE_RX_BYTES",
        ),
        Metric(
            "pcie_link_generation",
            units.NUMBER,
            "PCIe generation",
            "Current generation of the link; lower when idle.",
            f"{_NVML} nvmlDeviceGetCurrPcieLinkGeneration",
            dcgm="DCGM_FI_DEV_PCIE_LINK_GEN",
        ),
        Metric(
            "pcie_link_width",
            units.NUMBER,
            "PCIe width",
            "Current lanes of the link.",
            f"{_NVML} nvmlDeviceGetCurrPcieLinkWidth",
            dcgm="DCGM_FI_DEV_PCIE_LINK_WIDTH",
        ),
        Metric(
            "pcie_replay_count",
            units.COUNT,
            "PCIe replays",
            "Packets sent again since the driver was loaded.",
            f"{_NVML} nvmlDeviceGetPcieReplayCounter",
            RollUp.LAST,
            dcgm="DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        ),
        Metric(
            "nvlink_tx_bytes_per_second",
            units.BYTES_PER_SECOND,
            "NVLink sent",
            "Data sent over all NVLinks of the GPU.",
            f"{_NVML} field NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX",
            dcgm="DCGM_FI_PROF_NVLINK_TX_BYTES",
        ),
        Metric(
            "nvlink_rx_bytes_per_second",
            units.BYTES_PER_SECOND,
            "NVLink received",
            "Data received over all NVLinks of the GPU.",
            f"{_NVML} field NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX",
            dcgm="DCGM_FI_PROF_NVLINK_RX_BYTES",
        ),
        Metric(
            "encoder_percent",
            units.PERCENT,
            "Encoder",
            "Use of the video encoder.",
            f"{_NVML} nvmlDeviceGetEncoderUtilization",
            dcgm="DCGM_FI_DEV_ENC_UTIL",
        ),
        Metric(
            "decoder_percent",
            units.PERCENT,
            "Decoder",
            "Use of the video decoder.",
            f"{_NVML} nvmlDeviceGetDecoderUtilization",
            dcgm="DCGM_FI_DEV_DEC_UTIL",
        ),
        Metric(
            "jpeg_percent",
            units.PERCENT,
            "JPEG engine",
            "Use of the JPEG decoder.",
            f"{_NVML} nvmlDeviceGetJpgUtilization",
        ),
        Metric(
            "ofa_percent",
            units.PERCENT,
            "Optical flow",
            "Use of the optical flow engine.",
            f"{_NVML} nvmlDeviceGetOfaUtilization",
        ),
        _active(
            "graphics_active_percent",
            "Graphics active",
            "Share of time in which a graphics or compute engine was at work",
            "GRAPHICS_UTIL",
            "GR_ENGINE_ACTIVE",
        ),
        _active(
            "sm_active_percent",
            "SM active",
            "Share of time in which an SM had work, averaged over all SMs",
            "SM_UTIL",
            "SM_ACTIVE",
        ),
        _active(
            "sm_occupancy_percent",
            "SM occupancy",
            "Warps on the SMs, of as many as they can hold",
            "SM_OCCUPANCY",
            "SM_OCCUPANCY",
        ),
        _active(
            "tensor_active_percent",
            "Tensor cores",
            "Share of time in which tensor cores were at work, of any precision",
            "ANY_TENSOR_UTIL",
            "PIPE_TENSOR_ACTIVE",
        ),
        _active(
            "dram_active_percent",
            "DRAM active",
            "Bandwidth of the GPU's memory in use, of the most there can be",
            "DRAM_BW_UTIL",
            "DRAM_ACTIVE",
        ),
        Metric(
            "performance_state",
            units.NUMBER,
            "Performance state",
            "0 is the fastest, 15 the slowest.",
            f"{_NVML} nvmlDeviceGetPerformanceState",
            dcgm="DCGM_FI_DEV_PSTATE",
        ),
        Metric(
            "clock_event_reasons",
            units.BITS,
            "Clock event reasons",
            "Why clocks are below their best, as NVML's bit mask.",
            f"{_NVML} nvmlDeviceGetCurrentClocksEventReasons",
            RollUp.ANY,
            dcgm="DCGM_FI_DEV_CLOCK_THROTTLE_REASONS",
        ),
        _lost(
            "application_clocks_seconds",
            "At application clocks",
            "at the clocks that someone set for applications",
        ),
        _lost(
            "sw_power_cap_seconds",
            "Slowed by the power cap",
            "with clocks below their best to stay within the power limit",
        ),
        _lost(
            "hw_slowdown_seconds",
            "Slowed by the hardware",
            "slowed by the hardware, for heat or for the power brake",
        ),
        _lost(
            "sync_boost_seconds",
            "Slowed by sync boost",
            "slowed to the clocks of the other GPUs of its group",
        ),
        _lost(
            "sw_thermal_slowdown_seconds",
            "Slowed for heat by the driver",
            "slowed by the driver because GPU or memory were too hot",
        ),
        _lost(
            "hw_thermal_slowdown_seconds",
            "Slowed for heat by the hardware",
            "slowed by the hardware because the GPU was too hot",
        ),
        _lost(
            "hw_power_brake_seconds",
            "Slowed by the power brake",
            "slowed because the power supply asked for it",
        ),
        _lost(
            "display_clocks_seconds",
            "At display clocks",
            "at the clocks that a display sets",
        ),
        _lost(
            "board_limit_seconds",
            "Slowed by a board limit",
            "with clocks below their best for a limit of the board",
        ),
        _lost(
            "reliability_seconds",
            "Slowed for reliability",
            "with clocks below their best for reliability",
        ),
        _lost(
            "other_reason_seconds",
            "Slowed for another reason",
            "with clocks below their best for reasons of a newer driver, not known here",
        ),
        Metric(
            "ecc_corrected_count",
            units.COUNT,
            "ECC corrected",
            "Memory errors corrected in the GPU's lifetime.",
            f"{_NVML} nvmlDeviceGetTotalEccErrors(CORRECTED, AGGREGATE)",
            RollUp.LAST,
            dcgm="DCGM_FI_DEV_ECC_SBE_AGG_TOTAL",
        ),
        Metric(
            "ecc_uncorrected_count",
            units.COUNT,
            "ECC uncorrected",
            "Memory errors that could not be corrected in the GPU's lifetime.",
            f"{_NVML} nvmlDeviceGetTotalEccErrors(UNCORRECTED, AGGREGATE)",
            RollUp.LAST,
            dcgm="DCGM_FI_DEV_ECC_DBE_AGG_TOTAL",
        ),
        Metric(
            "remapped_rows_count",
            units.COUNT,
            "Remapped rows",
            "Memory rows replaced by spare ones.",
            f"{_NVML} nvmlDeviceGetRemappedRows",
            RollUp.LAST,
        ),
        Metric(
            "retired_pages_count",
            units.COUNT,
            "Retired pages",
            "Memory pages taken out of use.",
            f"{_NVML} nvmlDeviceGetRetiredPages",
            RollUp.LAST,
        ),
        Metric(
            "xid_count",
            units.COUNT,
            "XID errors",
            "Critical driver errors (XID) seen since recording began.",
            f"{_NVML} nvmlEventTypeXidCriticalError",
            RollUp.LAST,
        ),
        Metric(
            "xid",
            units.NUMBER,
            "XID",
            "Number of a driver error that came, missing where none did. Of several numbers each "
            "has a tick of its own, in which `xid_count` grows by those of that number.",
            f"{_NVML} nvmlEventTypeXidCriticalError",
            RollUp.WORST,
        ),
    ),
)

HOST = Table(
    "host",
    row="the machine at a tick",
    device="the word host",
    metrics=(
        Metric(
            "cpu_percent",
            units.PERCENT,
            "CPU utilization",
            "Share of all CPU time that was not idle.",
            "/proc/stat",
            warn_at=Threshold(95.0),
        ),
        Metric(
            "cpu_user_percent",
            units.PERCENT,
            "CPU user",
            "Share of CPU time in user code, nice included.",
            "/proc/stat",
        ),
        Metric(
            "cpu_system_percent",
            units.PERCENT,
            "CPU system",
            "Share of CPU time in the kernel, interrupts included.",
            "/proc/stat",
        ),
        Metric(
            "cpu_iowait_percent",
            units.PERCENT,
            "CPU waiting for disks",
            "Share of CPU time idle while a disk request was open.",
            "/proc/stat",
        ),
        Metric(
            "load_1m",
            units.RATIO,
            "Load, 1 minute",
            "Mean number of tasks running, waiting for a CPU or for a disk.",
            "/proc/loadavg",
        ),
        Metric(
            "cpu_frequency_mhz",
            units.MEGAHERTZ,
            "CPU clock",
            "Mean clock of the cores.",
            "/sys/devices/system/cpu cpufreq, else /proc/cpuinfo",
        ),
        Metric(
            "cpu_temperature_celsius",
            units.CELSIUS,
            "CPU temperature",
            "Hottest sensor of the CPU package.",
            "/sys/class/hwmon, else /sys/class/thermal",
            warn_at=Threshold(90.0),
            full=100.0,
        ),
        Metric(
            "memory_used_bytes",
            units.BYTES,
            "RAM",
            "Total minus available: what cannot be had without swapping.",
            "/proc/meminfo",
            warn_at=Threshold(95.0, share=True),
            full="memory_total_bytes",
        ),
        Metric(
            "memory_available_bytes",
            units.BYTES,
            "RAM, available",
            "Memory a new program can have without swapping.",
            "/proc/meminfo MemAvailable",
        ),
        Metric(
            "memory_cached_bytes",
            units.BYTES,
            "RAM, cache",
            "Page cache, buffers and reclaimable kernel memory.",
            "/proc/meminfo Cached + Buffers + SReclaimable",
        ),
        Metric(
            "memory_total_bytes",
            units.BYTES,
            "RAM, total",
            "Memory of the machine.",
            "/proc/meminfo MemTotal",
        ),
        Metric(
            "swap_used_bytes",
            units.BYTES,
            "Swap",
            "Swap space in use.",
            "/proc/meminfo SwapTotal - SwapFree",
            warn_at=Threshold(80.0, share=True),
            full="swap_total_bytes",
        ),
        Metric(
            "swap_total_bytes",
            units.BYTES,
            "Swap, total",
            "Swap space of the machine.",
            "/proc/meminfo SwapTotal",
        ),
        Metric(
            "disk_read_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Disk read",
            "Read from all physical disks.",
            "/proc/diskstats",
        ),
        Metric(
            "disk_write_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Disk write",
            "Written to all physical disks.",
            "/proc/diskstats",
        ),
        Metric(
            "network_received_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Network received",
            "Received on all interfaces that are not loopback or virtual.",
            "/proc/net/dev",
        ),
        Metric(
            "network_sent_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Network sent",
            "Sent on all interfaces that are not loopback or virtual.",
            "/proc/net/dev",
        ),
        Metric(
            "pressure_cpu_percent",
            units.PERCENT,
            "CPU pressure",
            "Share of time in which some task waited for a CPU.",
            "/proc/pressure/cpu some",
        ),
        Metric(
            "pressure_io_percent",
            units.PERCENT,
            "I/O pressure",
            "Share of time in which some task waited for a disk.",
            "/proc/pressure/io some",
        ),
        Metric(
            "pressure_memory_percent",
            units.PERCENT,
            "Memory pressure",
            "Share of time in which some task waited for memory.",
            "/proc/pressure/memory some",
        ),
    ),
)

CORE = Table(
    "core",
    row="a CPU core at a tick",
    device="core number",
    metrics=(
        Metric(
            "cpu_percent",
            units.PERCENT,
            "Core utilization",
            "Share of the core's time that was not idle.",
            "/proc/stat",
        ),
    ),
)

DISK = Table(
    "disk",
    row="a mounted file system at a tick",
    device="mount point",
    metrics=(
        Metric(
            "used_bytes",
            units.BYTES,
            "Disk usage",
            "Space in use.",
            "statvfs",
            warn_at=Threshold(90.0, share=True),
            critical_at=Threshold(97.0, share=True),
            full="total_bytes",
        ),
        Metric(
            "total_bytes",
            units.BYTES,
            "Disk size",
            "Space in use and space that users may have.",
            "statvfs",
        ),
        Metric(
            "read_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Read",
            "Read from the block device under the mount.",
            "/proc/diskstats",
        ),
        Metric(
            "write_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Write",
            "Written to the block device under the mount.",
            "/proc/diskstats",
        ),
        Metric(
            "busy_percent",
            units.PERCENT,
            "Busy",
            "Share of time in which the block device had a request open.",
            "/proc/diskstats",
        ),
        Metric(
            "latency_seconds",
            units.SECONDS,
            "Latency",
            "Mean time a request took; missing when there was none.",
            "/proc/diskstats",
        ),
    ),
)

NETWORK = Table(
    "network",
    row="a network interface at a tick",
    device="interface name",
    metrics=(
        Metric(
            "received_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Received",
            "Received on the interface.",
            "/proc/net/dev",
        ),
        Metric(
            "sent_bytes_per_second",
            units.BYTES_PER_SECOND,
            "Sent",
            "Sent on the interface.",
            "/proc/net/dev",
        ),
        Metric(
            "error_count",
            units.COUNT,
            "Errors",
            "Errors and drops, both directions, since the interface came up.",
            "/proc/net/dev",
            RollUp.LAST,
        ),
    ),
)

ZONE = Table(
    "zone",
    row="a thermal zone of a Jetson at a tick",
    device="zone's type",
    metrics=(
        Metric(
            "temperature_celsius",
            units.CELSIUS,
            "Zone temperature",
            "Temperature of the zone; missing while that part of the chip has no power.",
            "/sys/class/thermal",
            warn_at=Threshold(95.0, fact="passive_temperature_celsius"),
            critical_at=Threshold(104.0, fact="critical_temperature_celsius"),
            full=100.0,
        ),
    ),
)

RAIL = Table(
    "rail",
    row="a power rail of a Jetson at a tick",
    device="rail's label",
    metrics=(
        Metric(
            "power_watts",
            units.WATTS,
            "Rail power",
            "Power drawn from the rail, as measured: near 0 it may be a little negative.",
            "/sys/class/hwmon ina3221",
        ),
    ),
)

PROCESS = Table(
    "process",
    row="a process on a GPU, every 2 s",
    device="GPU UUID",
    keys=("device", "pid"),
    metrics=(
        Metric(
            "pid",
            units.NUMBER,
            "PID",
            "Process id, in the host's namespace.",
            f"{_NVML} nvmlDeviceGet*RunningProcesses",
            RollUp.LAST,
        ),
        Metric("name", units.TEXT, "Name", "Name of the program.", _PSUTIL, RollUp.LAST),
        Metric("user", units.TEXT, "User", "Owner of the process.", _PSUTIL, RollUp.LAST),
        Metric(
            "command", units.TEXT, "Command", "Command line, secrets masked.", _PSUTIL, RollUp.LAST
        ),
        Metric(
            "gpu_memory_bytes",
            units.BYTES,
            "GPU memory",
            "Memory held on the GPU.",
            f"{_NVML} nvmlDeviceGet*RunningProcesses",
        ),
        Metric(
            "sm_percent",
            units.PERCENT,
            "SM",
            "Share of SM time used by the process.",
            f"{_NVML} nvmlDeviceGetProcessUtilization",
        ),
        Metric(
            "encoder_percent",
            units.PERCENT,
            "Encoder",
            "Use of the video encoder.",
            f"{_NVML} nvmlDeviceGetProcessUtilization",
        ),
        Metric(
            "decoder_percent",
            units.PERCENT,
            "Decoder",
            "Use of the video decoder.",
            f"{_NVML} nvmlDeviceGetProcessUtilization",
        ),
        Metric(
            "cpu_percent",
            units.PERCENT,
            "CPU",
            "CPU time used since the reading before; 100 % is one core.",
            "/proc/PID/stat",
        ),
        Metric("memory_bytes", units.BYTES, "RAM", "Resident memory.", "/proc/PID/stat"),
        Metric("started", units.MOMENT, "Started", "When the process began.", _PSUTIL, RollUp.LAST),
        Metric(
            "type",
            units.TEXT,
            "Type",
            "The driver's lists that have it: `compute`, `graphics` or `both`.",
            f"{_NVML} nvmlDeviceGet*RunningProcesses",
            RollUp.LAST,
        ),
        Metric(
            "container",
            units.TEXT,
            "Container",
            "Container or pod that it runs in, where its cgroup tells.",
            "/proc/PID/cgroup",
            RollUp.LAST,
        ),
        Metric(
            "visibility",
            units.TEXT,
            "Visibility",
            "Whether it can be seen: `visible`; `dead` where it has ended and its memory is still "
            "held; `elsewhere` where it runs in another PID namespace; missing where /proc hides "
            "other users' processes.",
            "/proc/PID",
            RollUp.LAST,
        ),
    ),
)

RECORDER = Table(
    "recorder",
    row="the recorder itself at a tick",
    device="the word host",
    metrics=(
        Metric(
            "cpu_percent", units.PERCENT, "CPU", "CPU time used; 100 % is one core.", "getrusage"
        ),
        Metric("memory_bytes", units.BYTES, "Memory", "Resident memory.", "/proc/self/statm"),
        Metric(
            "tick_seconds",
            units.SECONDS,
            "Tick",
            "Time it took to read every source.",
            "the recorder's clock",
        ),
        Metric(
            "lateness_seconds",
            units.SECONDS,
            "Lateness",
            "How long after its second the tick began.",
            "the recorder's clock",
        ),
        Metric(
            "missed_count",
            units.COUNT,
            "Missed ticks",
            "Ticks skipped since the recorder started.",
            "the recorder's clock",
            RollUp.LAST,
        ),
    ),
)

TABLES: Mapping[str, Table] = {
    table.name: table for table in (GPU, HOST, CORE, DISK, NETWORK, ZONE, RAIL, PROCESS, RECORDER)
}
