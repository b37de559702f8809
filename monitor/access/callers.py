"""Who asks: the peer, or the client that a trusted proxy names."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from monitor.access.limits import client_of, is_loopback
from monitor.access.options import UNIX, is_address

FORWARDED = (
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"forwarded",
)
_LONGEST_CHAIN = 16


class Caller(NamedTuple):
    """Who asks, and how."""

    address: str  # empty over a Unix socket
    client: str  # who it is counted as
    secure: bool  # over TLS
    through_proxy: bool  # a trusted one
    forwarded: bool  # headers of a proxy are there, whoever sent them

    @property
    def local(self) -> bool:
        """A program on this machine that asks directly."""
        return not self.forwarded and (not self.address or is_loopback(self.address))


class Callers:
    """Finds out who asks."""

    def __init__(self, proxies: tuple[str, ...]) -> None:
        self._unix = UNIX in proxies
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies if proxy != UNIX]
        self._trusts: Callable[[str], bool] = lru_cache(1024)(self._is_proxy)

    def of(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Caller:
        """Who sent this request."""
        peer = scope.get("client")
        address = peer[0] if peer and is_known_address(peer[0]) else ""
        secure = scope.get("scheme") in {"https", "wss"}
        forwarded = any(name in headers for name in FORWARDED)
        trusted = self._trusts(address)
        if trusted and forwarded:
            secure = secure or _last(headers.get(b"x-forwarded-proto", b"")) == "https"
            address = self._client(headers.get(b"x-forwarded-for", b""), address)
        return Caller(address, client_of(address), secure, trusted, forwarded)

    def _client(self, chain: bytes, peer: str) -> str:
        """The nearest address of the chain that is no proxy of ours; the peer without one."""
        nearest = peer
        for item in reversed(chain.decode("latin-1").split(",")[-_LONGEST_CHAIN:]):
            address = item.strip()
            if not is_known_address(address):
                break
            nearest = address
            if not self._trusts(address):
                break
        return nearest

    def _is_proxy(self, address: str) -> bool:
        if not address:
            return self._unix
        found = ipaddress.ip_address(address)
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return any((mapped or found) in network for network in self._networks)


is_known_address = lru_cache(4096)(is_address)


def _last(value: bytes) -> str:
    return value.decode("latin-1").rpartition(",")[2].strip().lower()
