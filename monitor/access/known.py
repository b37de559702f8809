"""Where right tokens came from, so that another's wrong ones do not shut out who has one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque

from monitor.access.limits import Buckets
from monitor.access.roles import Role

# Ten wrong tokens at once, then six a minute: a person who mistypes does not notice.
TRIES, TRIES_PER_SECOND = 10, 0.1
_MOST_CLIENTS = 1024
# A script that is set up wrongly sends the same one again and again.
_WRONG_REMEMBERED = 8


class _Client:
    def __init__(self) -> None:
        self.right: set[Role] = set()
        self.wrong: deque[bytes] = deque(maxlen=_WRONG_REMEMBERED)


class Known:
    """The clients that have shown a right token, those heard of last.

    Who guesses from such an address while it is shut has a second bucket of tries, as slow as the
    first, and no answer but 429 for a wrong one.
    """

    def __init__(self) -> None:
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._tries = Buckets(TRIES_PER_SECOND, TRIES)

    def may_try(self, client: str, token: str) -> bool:
        """Whether this token is looked at; one that was found wrong is not, and costs nothing."""
        known = self._clients.get(client)
        return (
            known is not None and _digest(token) not in known.wrong and not self._tries.wait(client)
        )

    def was_right(self, client: str, role: Role | None) -> bool:
        """Whether the token of this role came from there before."""
        return role is not None and role in self._clients[client].right

    def note_wrong(self, client: str, token: str) -> None:
        """It was looked at, and wrong."""
        self._tries.take(client)
        self._clients[client].wrong.append(_digest(token))

    def note_right(self, client: str, role: Role) -> None:
        """It came from there."""
        known = self._clients.pop(client, None) or _Client()
        known.right.add(role)
        self._clients[client] = known
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
