"""A place for files, on this machine or in a bucket: a file is there whole, or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

log = logging.getLogger(__name__)

# Neither `*.parquet` nor a dataset reader, which skips names with a dot before them, sees these.
_TEMPORARY = re.compile(r"\..+\.tmp-\d+")


@dataclass(frozen=True)
class Folder:
    """Paths in here are relative to `base`. `local` means that a rename replaces at once.

    `sync` is asked to carry a file or a folder to the disk; tests count or fail it.
    """

    filesystem: fs.FileSystem
    base: str
    local: bool
    sync: Callable[[str], None] = lambda path: _sync(path)

    @classmethod
    def at(cls, where: str) -> Folder:
        """The folder of a path or of a URI such as s3://bucket/prefix."""
        if "://" in where:
            filesystem, base = fs.FileSystem.from_uri(where)
        else:
            filesystem, base = fs.LocalFileSystem(), str(Path(where).resolve())
        return cls(filesystem, base.rstrip("/"), isinstance(filesystem, fs.LocalFileSystem))

    def path(self, name: str) -> str:
        """The path that the file system knows."""
        return f"{self.base}/{name}"

    def read(self, name: str) -> pa.Buffer:
        """All bytes of a file. FileNotFoundError, OSError."""
        with self.filesystem.open_input_file(self.path(name)) as file:
            return file.read_buffer()

    def put(self, name: str, write: Callable[[pa.NativeFile], object]) -> None:
        """Make or replace a file with what `write` writes. OSError leaves what was there."""
        parent = name.rpartition("/")[0]
        self.filesystem.create_dir(self.path(parent), recursive=True)
        if not self.local:
            # An object appears when its upload is complete, and replaces the one before.
            with self.filesystem.open_output_stream(self.path(name)) as stream:
                write(stream)
            return
        temporary = self.path(f"{parent}/.{name.rpartition('/')[2]}.tmp-{os.getpid()}")
        try:
            with self.filesystem.open_output_stream(temporary) as stream:
                write(stream)
            self.sync(temporary)
            self.filesystem.move(temporary, self.path(name))
        except BaseException:
            with contextlib.suppress(OSError):
                self.filesystem.delete_file(temporary)
            raise
        self.sync(self.path(parent))

    def names(self, parent: str) -> list[str]:
        """Names of the files in a folder, in order; none where there is no such folder."""
        return sorted(info.base_name for info in self._list(parent) if info.is_file)

    def folders(self, parent: str) -> list[str]:
        """Names of the folders in a folder, in order."""
        found = self._list(parent)
        return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        info: fs.FileInfo = self.filesystem.get_file_info(self.path(name))
        return bool(info.is_file)

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens where it is gone already."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.delete_file(self.path(name))

    def delete_if_empty(self, parent: str) -> None:
        """Delete a local folder that has nothing in it, and its parents up to here likewise."""
        while parent and self.local:
            try:
                os.rmdir(self.path(parent))
            except OSError:
                return
            parent = parent.rpartition("/")[0]

    def set_aside(self, name: str, moment: datetime, reason: str) -> str:
        """Rename a file that cannot be read to `<name>.corrupt-<UTC stamp>-<reason>`."""
        short = re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:40]
        aside = f"{name}.corrupt-{moment:%Y%m%dT%H%M%SZ}-{short}"
        self.filesystem.move(self.path(name), self.path(aside))
        log.warning("%s cannot be read (%s); moved aside to %s.", name, reason, aside)
        return aside

    def remove_strays(self, parent: str) -> None:
        """Delete temporary files that a writer who died left in a folder."""
        for info in self._list(parent):
            if info.is_file and _TEMPORARY.fullmatch(info.base_name):
                self.filesystem.delete_file(info.path)

    def _list(self, parent: str) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self.path(parent), allow_not_found=True)
        found: list[fs.FileInfo] = self.filesystem.get_file_info(selector)
        return found


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
