"""Under which names a browser may ask.

A page of another name may let its own name point here (DNS rebinding); the browser then takes it
for a page of ours, and only the name in `Host` tells.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from functools import lru_cache

from monitor.access.limits import ANY_ADDRESS, is_loopback
from monitor.access.options import is_address
from monitor.api.problems import Refusal

_WRITTEN = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,255})(:\d{1,5})?")


class TrustedHosts:
    """The names that `Host` may have: the given ones, or else those of this machine."""

    def __init__(self, given: tuple[str, ...], bound: str) -> None:
        own = (bound, socket.gethostname().lower(), socket.gethostname().lower().split(".")[0])
        names = given or own
        self._names = {name for name in names if not name.startswith("*.")} | {"localhost"}
        self._endings = (*(name[1:] for name in names if name.startswith("*.")), ".localhost")
        # An address is no name that anyone could point here.
        self._addresses = not given and bound in ANY_ADDRESS
        # Looked up for each request; a bounded number of what was sent is remembered.
        self.trusts: Callable[[bytes], bool] = lru_cache(256)(self._trusts)

    def check(self, written: bytes) -> None:
        """Refusal unless the header names a host that is trusted: 400 or 421."""
        if not self.trusts(written):
            raise _refusal(written)

    def _trusts(self, written: bytes) -> bool:
        found = _WRITTEN.fullmatch(written)
        if found is None:
            return False
        name = found[1].decode().strip("[]").lower().removesuffix(".")
        return (
            name in self._names
            or name.endswith(self._endings)
            or is_loopback(name)
            or (self._addresses and is_address(name))
        )


def _refusal(written: bytes) -> Refusal:
    found = _WRITTEN.fullmatch(written)
    if found is None:
        return Refusal(400, "bad-host", "Bad Host header", "The Host header is no host name.")
    name = found[1].decode()
    return Refusal(
        421,
        "unknown-host",
        "Not known by this name",
        f"This server does not answer as {name}. Name it in trusted-hosts (--trusted-hosts,"
        " MONITOR_TRUSTED_HOSTS) if it should.",
    )
