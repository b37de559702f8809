"""Files of /proc and /sys, kept open: the kernel makes their content anew at each read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_FIRST_BYTES = 16_384


class KernelFiles:
    """Reads files below `root`. A file that is not there, or fails, reads as empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, int] = {}
        self._sizes: dict[str, int] = {}

    def read(self, path: str) -> bytes:
        """The whole of `path`, such as `proc/stat`."""
        try:
            descriptor = self._open.get(path)
            if descriptor is None:
                descriptor = os.open(self.root / path, os.O_RDONLY | os.O_CLOEXEC)
                self._open[path] = descriptor
            size = self._sizes.get(path, _FIRST_BYTES)
            content = os.pread(descriptor, size, 0)
            while len(content) == size:
                size *= 2
                self._sizes[path] = size
                content = os.pread(descriptor, size, 0)
        except OSError:
            self._forget(path)
            return b""
        return content

    def once(self, path: str) -> str:
        """The text of a file that is read seldom, without its newline."""
        try:
            return (self.root / path).read_bytes().decode(errors="replace").strip("\0\n ")
        except (OSError, ValueError):
            return ""

    def close(self) -> None:
        """Close every file."""
        for path in list(self._open):
            self._forget(path)

    def _forget(self, path: str) -> None:
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)
