"""A program in a terminal of its own, 120 columns by 60 lines, that nobody looks at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence

_COLUMNS, _LINES = 120, 60
# Programs ask where the cursor is, and wait for the answer.
_QUESTION, _ANSWER = b"\x1b[6n", b"\x1b[1;1R"


@contextlib.contextmanager
def in_terminal(
    command: Sequence[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, killed afterwards."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        env={**variables, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    reader = threading.Thread(target=_read, args=(ours,), daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(ours)


def _read(terminal: int) -> None:
    with contextlib.suppress(OSError):  # the program has ended
        while shown := os.read(terminal, 65536):
            for _ in range(shown.count(_QUESTION)):
                os.write(terminal, _ANSWER)
