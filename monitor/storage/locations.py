"""Where each file lives, from the settings alone."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from pathlib import Path

from monitor.settings import BadSetting, Settings

# SQLite's write-ahead log needs memory shared between processes, which these cannot give.
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "lustre", "fuse.", "9p", "ceph", "gpfs", "beegfs")


def host_name() -> str:
    """The name of this machine, as the `host` column and the path have it."""
    return socket.gethostname() or "localhost"


def live_db(settings: Settings) -> Path:
    """live.db: in the data folder, or in the state folder where that is remote."""
    return _local_folder(settings) / "live.db"


def overflow_db(settings: Settings) -> Path:
    """live.db's stand-in, in memory, for ticks that find the disk full."""
    memory = Path("/dev/shm")
    base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return base / f"system-monitor-{os.getuid()}-{_tag(settings)}" / "overflow.db"


def recorder_lock(settings: Settings) -> Path:
    """The lock that the one recorder holds."""
    return _local_folder(settings) / "recorder.lock"


def check_writable(settings: Settings) -> None:
    """BadSetting where data and live.db cannot be written; leaves nothing behind."""
    folders = {_local_folder(settings)} | (set() if settings.remote else {Path(settings.data)})
    for folder in folders:
        # The nearest ancestor that exists decides whether the folder can be made.
        existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
        if not existing.is_dir():
            raise BadSetting(
                f"data (--data, MONITOR_DATA) cannot be {str(folder)!r}: not a folder."
            )
        try:
            tempfile.TemporaryFile(dir=existing).close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise BadSetting(
                f"data (--data, MONITOR_DATA) cannot be {str(folder)!r}: {reason}."
            ) from None


def file_system_of(folder: Path, root: Path = Path("/")) -> str:
    """The kind of file system a folder is on, such as `ext4`; empty when not known."""
    target = folder.resolve()
    kind, longest = "", -1
    try:
        mounts = (root / "proc/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in mounts:
        _, mount, name, *_ = line.split()
        point = Path(mount.encode().decode("unicode_escape"))
        if target.is_relative_to(point) and len(point.parts) > longest:
            kind, longest = name, len(point.parts)
    return kind


def is_on_network(folder: Path, root: Path = Path("/")) -> bool:
    """Whether the folder is on another machine."""
    return file_system_of(folder, root).startswith(_NETWORK_FILE_SYSTEMS)


def _local_folder(settings: Settings) -> Path:
    if settings.state_dir is not None:
        return settings.state_dir
    if not settings.remote and not is_on_network(Path(settings.data), settings.root):
        return Path(settings.data)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "system-monitor" / _tag(settings)


def _tag(settings: Settings) -> str:
    where = settings.data if settings.remote else str(Path(settings.data).resolve())
    return hashlib.sha256(where.encode()).hexdigest()[:12]
