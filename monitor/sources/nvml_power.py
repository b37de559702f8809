"""Whether a GPU sleeps. Told by the kernel: any question to the driver would wake it."""

from __future__ import annotations

from pathlib import Path

from monitor.sources.kernel_files import KernelFiles

_PCI_DEVICES = "sys/bus/pci/devices"
_NVIDIA = "0x10de"
_DISPLAY = "0x03"  # VGA, 3D and other display controllers


class RuntimePower:
    """The kernel's runtime power management, below `root`."""

    def __init__(self, root: Path) -> None:
        self._files = KernelFiles(root)

    def asleep(self, bus_id: str) -> bool:
        """Whether the device at NVML's `00000000:01:00.0` is suspended; False if not known."""
        domain, _, rest = bus_id.partition(":")
        if not rest:
            return False
        # NVML writes eight digits of domain, sysfs four, or more where it takes more.
        return self._suspended(f"{int(domain, 16):04x}:{rest.lower()}")

    def all_asleep(self) -> bool:
        """Whether there are NVIDIA GPUs, and each of them is suspended."""
        try:
            addresses = sorted(path.name for path in (self._files.root / _PCI_DEVICES).iterdir())
        except OSError:
            return False
        gpus = [address for address in addresses if self._is_gpu(address)]
        return bool(gpus) and all(self._suspended(address) for address in gpus)

    def close(self) -> None:
        """Close every file."""
        self._files.close()

    def _is_gpu(self, address: str) -> bool:
        device = f"{_PCI_DEVICES}/{address}"
        return self._files.once(f"{device}/vendor") == _NVIDIA and self._files.once(
            f"{device}/class"
        ).startswith(_DISPLAY)

    def _suspended(self, address: str) -> bool:
        status = self._files.read(f"{_PCI_DEVICES}/{address}/power/runtime_status")
        return status.strip() == b"suspended"
