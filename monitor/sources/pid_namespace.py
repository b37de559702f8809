"""In which PID namespace we run: the driver's process ids mean something in the host's only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

PidNamespace = Literal["host", "own"]

# The kernel's first PID namespace always has this inode (PROC_PID_INIT_INO in proc_ns.h).
_FIRST = "pid:[4026531836]"


def pid_namespace(root: Path) -> PidNamespace | None:
    """`own` in a container that was not given the host's; None where the kernel does not tell."""
    try:
        return "host" if os.readlink(root / "proc/self/ns/pid") == _FIRST else "own"
    except OSError:
        return None
