"""Where the Parquet files of a host are, on any file system that pyarrow knows."""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs

from monitor.metrics import Table
from monitor.storage.tiers import Tier

SUFFIX = ".parquet"


class HostFolders:
    """One host's folders below `data`, which is a path or an address such as s3://bucket/prefix."""

    def __init__(self, data: str, host: str) -> None:
        self.files, self._root = file_system(data)
        self.host = host
        self.local = isinstance(self.files, fs.LocalFileSystem)

    def folder(self, table: Table, tier: Tier) -> str:
        """Where a table's files of a tier are."""
        return f"{self._root}/{table.name}/tier={tier.name}/host={folder_name(self.host)}"


def file_system(data: str) -> tuple[fs.FileSystem, str]:
    """Where `data` is, and its path there."""
    if "://" in data:
        files, root = fs.FileSystem.from_uri(data)
        return files, root
    return fs.LocalFileSystem(), str(Path(data).resolve())


def folder_name(host: str) -> str:
    """A host's name without characters that a path cannot have."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in host)
