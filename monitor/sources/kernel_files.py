"""Files of /proc and /sys, kept open: the kernel makes their content anew at each read."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

_CHUNK_BYTES = 65_536
# Without effect on /proc and /sys; what is no file, such as a pipe, cannot hold a reader up.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_NUMBER = re.compile(r"-?[0-9]{1,19}")


def _opened(path: str, _: int) -> int:
    return os.open(path, _FLAGS)


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
                descriptor = os.open(self._prefix + path, _FLAGS)
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
            with open(self.root / path, "rb", buffering=0, opener=_opened) as file:
                # None where the driver says "not now" (EAGAIN), as zones of a Jetson do.
                content = file.read() or b""
        except OSError:
            return ""
        return content.decode(errors="replace").strip("\0\n ")

    def number(self, path: str) -> int | None:
        """The whole number in a file that is read seldom; None where there is none."""
        text = self.once(path)
        return int(text) if _NUMBER.fullmatch(text) else None

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
