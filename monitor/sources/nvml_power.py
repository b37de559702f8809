"""Whether a GPU sleeps, or would. Told by the kernel: any question to the driver would wake it."""

from __future__ import annotations

from pathlib import Path

from monitor.sources.kernel_files import KernelFiles

_PCI_DEVICES = "sys/bus/pci/devices"
_NVIDIA = "0x10de"
_DISPLAY = "0x03"  # VGA, 3D and other display controllers, not the sound beside them
_ASLEEP = (b"suspended", b"suspending")


class RuntimePower:
    """The kernel's runtime power management, below `root`."""

    def __init__(self, root: Path) -> None:
        self._files = KernelFiles(root)

    def asleep(self, bus_id: str) -> bool:
        """Whether the device at NVML's `00000000:01:00.0` is suspended; False if not known."""
        address = _sysfs_address(bus_id)
        return bool(address) and self._suspended(address)

    def may_sleep(self, bus_id: str) -> bool:
        """Whether it would be suspended if no one used it. Not to be asked while it is.

        Both the kernel and NVIDIA's driver must allow it: laptops, as a rule.
        """
        address = _sysfs_address(bus_id)
        if not address:
            return False
        control = self._files.read(f"{_PCI_DEVICES}/{address}/power/control")
        if control.strip() != b"auto":
            return False
        # Of the files beside it, `information` would wake the GPU; this one does not.
        told = self._files.once(f"proc/driver/nvidia/gpus/{address}/power")
        status = next((line for line in told.splitlines() if line.startswith("Runtime D3")), "")
        return status.partition(":")[2].strip().startswith("Enabled")

    def all_asleep(self) -> bool:
        """Whether there are NVIDIA GPUs, and each of them is suspended."""
        gpus = self.addresses()
        return bool(gpus) and all(self._suspended(address) for address in gpus)

    def addresses(self) -> list[str]:
        """NVIDIA's GPUs by their place in sysfs, `0000:01:00.0`, in the order that NVML has too."""
        try:
            devices = sorted(path.name for path in (self._files.root / _PCI_DEVICES).iterdir())
        except OSError:
            return []
        return [address for address in devices if self._is_gpu(address)]

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
        return status.strip() in _ASLEEP


def bus_id_of(address: str) -> str:
    """NVML's way to write a place in sysfs."""
    domain, _, rest = address.partition(":")
    return f"{int(domain, 16):08X}:{rest.upper()}"


def _sysfs_address(bus_id: str) -> str:
    domain, _, rest = bus_id.partition(":")
    # NVML writes eight digits of domain, sysfs four, or more where it takes more.
    return f"{int(domain, 16):04x}:{rest.lower()}" if rest else ""
