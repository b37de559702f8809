"""The container or pod that a process runs in, by the names of its control groups.

Runtimes put a container's id into the path, with systemd's groups as well as without, and
cgroup v1 as well as v2. A group nested in another belongs to the innermost container.
"""

from __future__ import annotations

import re

_SHOWN_DIGITS = 12
_ID = r"[0-9a-f]{64}"
# systemd writes the pod's UID with underscores; that of a static pod is a digest.
_POD = re.compile(
    r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?=[./\n]|$)"
)
_RUNTIMES = (
    ("podman", re.compile(rf"libpod-({_ID})")),
    ("docker", re.compile(rf"docker[-/]({_ID})")),
    ("containerd", re.compile(rf"(?:cri-containerd|nerdctl)-({_ID})")),
    ("cri-o", re.compile(rf"crio-({_ID})")),
)
_LXC = re.compile(r"/lxc(?:\.payload\.|/)([^/\n]+)")
# Of a runtime that does not say its name, such as containerd without systemd's groups.
_NAMELESS = re.compile(rf"/({_ID})(?:/|$)", re.MULTILINE)


def container_of(cgroup: str) -> str | None:
    """`docker 4be1f27a90c3`, `pod <uid>`, `lxc web`; None for a process of the host.

    `cgroup` is the text of `/proc/PID/cgroup`.
    """
    if pods := _POD.findall(cgroup):
        return f"pod {pods[-1].replace('_', '-')}"
    for runtime, pattern in _RUNTIMES:
        if found := pattern.findall(cgroup):
            return f"{runtime} {found[-1][:_SHOWN_DIGITS]}"
    if found := _LXC.findall(cgroup):
        return f"lxc {found[-1]}"
    if found := _NAMELESS.findall(cgroup):
        return f"container {found[-1][:_SHOWN_DIGITS]}"
    return None
