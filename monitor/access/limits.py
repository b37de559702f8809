"""How often and how much at once: per client, for a bounded number of clients."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # where one listens that listens everywhere
_MOST_CLIENTS = 4096


class Buckets:
    """A bucket of `burst` tries for each client, refilled at `rate` a second.

    The client heard of least recently is forgotten when there are too many.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        most: int = _MOST_CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._left)

    def wait(self, client: str) -> float:
        """Seconds until the client may try once more; 0 where it may now."""
        left, at = self._left.get(client, (self._burst, self._clock()))
        return max(0.0, (1.0 - left) / self._rate - (self._clock() - at))

    def take(self, client: str) -> float:
        """Take one try. Seconds to wait where there is none; 0 where there was."""
        now = self._clock()
        found = self._left.get(client)
        if found is None:
            while len(self._left) >= self._most:
                self._left.popitem(last=False)
            left = self._burst
        else:
            left = min(self._burst, found[0] + (now - found[1]) * self._rate)
            self._left.move_to_end(client)
        if left < 1.0:
            self._left[client] = (left, now)
            return (1.0 - left) / self._rate
        self._left[client] = (left - 1.0, now)
        return 0.0


class Open:
    """What is open at once, in all and for each client."""

    def __init__(self, most: int, share: int) -> None:
        self.most = most
        self.share = share
        self.total = 0
        self._of: dict[str, int] = {}

    def full(self) -> bool:
        """Whether there is room for nobody."""
        return self.total >= self.most

    def has_share(self, client: str) -> bool:
        """Whether this client has all that one may have."""
        return self._of.get(client, 0) >= self.share

    def enter(self, client: str) -> None:
        """One more."""
        self.total += 1
        self._of[client] = self._of.get(client, 0) + 1

    def leave(self, client: str) -> None:
        """One less. A client that has nothing open is forgotten."""
        self.total -= 1
        left = self._of[client] - 1
        if left:
            self._of[client] = left
        else:
            del self._of[client]


def share(most: int) -> int:
    """How much of what may be open in all is one client's at most."""
    return max(8, most // 4)


@lru_cache(_MOST_CLIENTS)
def client_of(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 network of an IPv6 one.

    One subscriber is given a whole /64, and would otherwise be as many clients as it likes.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


@lru_cache(_MOST_CLIENTS)
def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine alone."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
