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
        if "://" in data:
            self.files, self._root = fs.FileSystem.from_uri(data)
        else:
            self.files, self._root = fs.LocalFileSystem(), str(Path(data).resolve())
        self.host = host
        self.local = isinstance(self.files, fs.LocalFileSystem)

    def folder(self, table: Table, tier: Tier) -> str:
        """Where a table's files of a tier are."""
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in self.host)
        return f"{self._root}/{table.name}/tier={tier.name}/host={safe}"
