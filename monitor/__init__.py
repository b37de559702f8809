"""Records a machine's GPUs and host every second, and keeps what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.recordings import open_store as open_store

__version__ = "0.1.0"
__all__ = ["__version__", "open_store"]


def __getattr__(name: str) -> object:
    """`open_store`, loaded when it is asked for: a recorder has no use for it."""
    if name == "open_store":
        from monitor.recordings import open_store

        return open_store
    raise AttributeError(name)
