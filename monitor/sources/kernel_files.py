"""Files of /proc and /sys, kept open: the kernel makes their content anew at each read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_CHUNK_BYTES = 65_536


class KernelFiles:
    """Reads files below `root`. A file that is not there, or fails, reads as empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Text is joined in a tenth of the time that paths are.
        self._prefix = os.path.join(root, "")
        self._open: dict[str, int] = {}

    def read(self, path: str) -> bytes:
        """The whole of `path`, such as `proc/stat`."""
        try:
            descriptor = self._open.get(path)
            if descriptor is None:
                descriptor = os.open(self._prefix + path, os.O_RDONLY | os.O_CLOEXEC)
                self._open[path] = descriptor
            content = os.pread(descriptor, _CHUNK_BYTES, 0)
            # The kernel hands out long lists a page at a time, whatever is asked for.
            while more := os.pread(descriptor, _CHUNK_BYTES, len(content)):
                content += more
        except OSError:
            self._forget(path)
            return b""
        return content

    def once(self, path: str) -> str:
        """The text of a file that is read seldom, without space around it."""
        try:
            return (self.root / path).read_bytes().decode(errors="replace").strip("\0\n ")
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return os.path.exists(self.root / path)

    def names(self, pattern: str) -> list[str]:
        """Paths below the root that match, in order."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def close(self) -> None:
        """Close every file."""
        for path in list(self._open):
            self._forget(path)

    def _forget(self, path: str) -> None:
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)
