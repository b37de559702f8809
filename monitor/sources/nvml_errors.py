"""What NVML's errors mean to a person, and to whoever asks again."""

from __future__ import annotations

from dataclasses import dataclass

import pynvml

from monitor.sources.base import DeviceStatus

# NVMLLibraryMismatchError is no NVMLError; a name that is not UTF-8 fails within pynvml.
FAILURES = (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError, UnicodeDecodeError)

# The answer will be the same for as long as the session lasts.
STABLE = frozenset(
    {
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    }
)
# About the device, whichever question was asked.
GONE = frozenset(
    {
        pynvml.NVML_ERROR_GPU_IS_LOST,
        pynvml.NVML_ERROR_RESET_REQUIRED,
        pynvml.NVML_ERROR_GPU_NOT_FOUND,
        pynvml.NVML_ERROR_UNINITIALIZED,
    }
)
_KERNEL_LOG = "See the kernel's log (dmesg) for lines with NVRM or Xid."

_OF_A_DEVICE = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "The GPU has fallen off the bus or stopped answering.",
    pynvml.NVML_ERROR_RESET_REQUIRED: "The GPU needs a reset before it can be used again.",
    pynvml.NVML_ERROR_GPU_NOT_FOUND: "The driver does not find the GPU any more.",
    pynvml.NVML_ERROR_NOT_FOUND: "The driver does not list the GPU any more.",
    pynvml.NVML_ERROR_NO_PERMISSION: "This user may not open the GPU.",
    pynvml.NVML_ERROR_UNINITIALIZED: "The connection to the driver was closed.",
    pynvml.NVML_ERROR_UNKNOWN: "The driver answers for this GPU with an unknown error.",
    pynvml.NVML_ERROR_TIMEOUT: "The GPU did not answer the driver in time.",
}
_OF_THE_DRIVER = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: (
        "NVIDIA's library, libnvidia-ml.so.1, was not found.",
        "Install the NVIDIA driver; start a container with its GPUs (--gpus all).",
    ),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: (
        "The NVIDIA driver is not loaded.",
        "Load it (modprobe nvidia); the kernel's log (dmesg) says why it did not load by itself.",
    ),
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "The NVIDIA driver in the kernel and its library are of different versions.",
        "The driver was upgraded: reboot, or reload its kernel modules and restart the monitor.",
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: (
        "This user may not use the NVIDIA driver.",
        "Give the user access to /dev/nvidiactl and /dev/nvidia0 and up.",
    ),
    pynvml.NVML_ERROR_UNKNOWN: (
        "The NVIDIA driver answers with an unknown error.",
        f"A container that lost its devices must be made anew. Elsewhere: {_KERNEL_LOG}",
    ),
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: (
        "The NVIDIA driver is too old to be read.",
        "Install a driver of the 450 series or newer.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """An error as a sentence, with what can be done about it."""

    code: int
    reason: str
    advice: str = ""

    @property
    def status(self) -> DeviceStatus:
        """How a device is whose every answer is this error."""
        if self.code in GONE or self.code == pynvml.NVML_ERROR_NOT_FOUND:
            return "lost"
        return "denied" if self.code == pynvml.NVML_ERROR_NO_PERMISSION else "failed"


def code_of(error: BaseException) -> int:
    """NVML's number of the error; UNKNOWN for those that have none."""
    if isinstance(error, pynvml.NVMLLibraryMismatchError):
        return int(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    # NVMLError(0) exists: pynvml raises it where a size query "succeeds".
    return int(getattr(error, "value", 0)) or int(pynvml.NVML_ERROR_UNKNOWN)


def of_device(code: int) -> Problem:
    """The problem of one device."""
    return Problem(
        code, _OF_A_DEVICE.get(code, f"The driver answers for this GPU: {words_of(code)}.")
    )


def of_driver(code: int) -> Problem:
    """The problem of all of NVML."""
    known = _OF_THE_DRIVER.get(code)
    return Problem(code, *(known or (f"The NVIDIA driver answers: {words_of(code)}.", _KERNEL_LOG)))


def words_of(code: int) -> str:
    """NVML's own words for an error, such as `Not Supported`."""
    # Not str(NVMLError): for numbers it does not know it asks the library, which may hang.
    return str(pynvml.NVMLError._errcode_to_string.get(code, f"error {code}")).rstrip(".")
