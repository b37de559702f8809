"""Where the program runs and where it writes: folder, file system, recorder, container."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from monitor import units
from monitor.findings import Finding
from monitor.recording.lock import is_held
from monitor.settings import BadSetting, Settings
from monitor.sources.pid_namespace import pid_namespace
from monitor.storage.locations import (
    check_writable,
    file_system_of,
    is_on_network,
    live_db,
    recorder_lock,
)

_ENOUGH_BYTES = 5 << 30
_TOO_LITTLE_BYTES = 200 << 20
_CONTAINER_FILES = (".dockerenv", "run/.containerenv")
_CONTAINER_GROUPS = ("docker", "kubepods", "containerd", "libpod", "lxc")


def place_findings(settings: Settings) -> Iterator[Finding]:
    """Data folder, room, file system, recorder, container."""
    yield from _data(settings)
    yield _recorder(settings)
    yield from _container(settings.root)


def _data(settings: Settings) -> Iterator[Finding]:
    try:
        check_writable(settings)
    except BadSetting as error:
        yield Finding("bad", "data", str(error), "Choose another folder with --data.")
        return
    if settings.remote:
        yield Finding("note", "data", f"{settings.data} is remote: not tried here.")
        return
    folder = Path(settings.data).resolve()
    kind = file_system_of(folder, settings.root) or "an unknown file system"
    yield Finding("ok", "data", f"{folder} can be written, on {kind}.")
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    yield room_finding(shutil.disk_usage(existing).free)
    if is_on_network(folder, settings.root):
        text = (
            f"The folder is on another machine, so live.db is kept in {live_db(settings).parent}."
        )
        yield Finding("note", "live.db", text)
    if kind in {"tmpfs", "ramfs"}:
        text = "The folder is in memory: the history ends with the machine's."
        yield Finding("note", "data", text, "Choose a folder on a disk with --data.")
    if kind == "overlay":
        text = "The folder is inside a container: the history ends with the container."
        yield Finding("note", "data", text, "Mount a volume there.")


def room_finding(free_bytes: int) -> Finding:
    """Whether there is room to write for long."""
    text = f"{units.BYTES.text(free_bytes)} free."
    if free_bytes >= _ENOUGH_BYTES:
        return Finding("ok", "room", text)
    advice = "Make room, or keep less with --tiers."
    return Finding("bad" if free_bytes < _TOO_LITTLE_BYTES else "note", "room", text, advice)


def _recorder(settings: Settings) -> Finding:
    lock = recorder_lock(settings)
    if lock.exists() and is_held(lock):
        return Finding("ok", "recorder", "One runs for this folder.")
    advice = "python app.py starts one, and so does python -m monitor record."
    return Finding("note", "recorder", "None runs for this folder.", advice)


def _container(root: Path) -> Iterator[Finding]:
    if not _in_container(root):
        return
    yield Finding("ok", "container", "This runs in a container.")
    if pid_namespace(root) == "own":
        text = "It has a PID namespace of its own: processes outside it cannot be named."
        yield Finding("note", "container", text, "Start the container with --pid=host.")
    if root == Path("/"):
        text = "Disks and interfaces are those that the container sees."
        advice = "Mount the host's / there and give it as --root to see the host's."
        yield Finding("note", "container", text, advice)


def _in_container(root: Path) -> bool:
    # The program's own place, and the root's where that is another.
    if any((base / name).exists() for base in {Path("/"), root} for name in _CONTAINER_FILES):
        return True
    try:
        groups = (root / "proc/1/cgroup").read_text(errors="replace")
    except OSError:
        return False
    return any(name in groups for name in _CONTAINER_GROUPS)
