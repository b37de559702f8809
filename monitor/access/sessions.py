"""Tokens, and the signed cookie that stands for one."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import NamedTuple

from itsdangerous import BadSignature, TimestampSigner

from monitor.access.roles import Role

LASTS_SECONDS = 30 * 86_400
# On a page that is in use the cookie is made anew this often, so that it does not expire.
RENEWED_SECONDS = 86_400
_LONGEST_COOKIE = 256
_MOST_REMEMBERED = 1024


class Session(NamedTuple):
    """Whose cookie it is."""

    role: Role
    since: int  # seconds since 1970


class Tokens:
    """Which role a token gives."""

    def __init__(self, operator: str | None, viewer: str | None) -> None:
        self.given = {
            role: token
            for role, token in ((Role.OPERATOR, operator), (Role.VIEWER, viewer))
            if token
        }
        self._digests = {role: _digest(token) for role, token in self.given.items()}

    def __bool__(self) -> bool:
        return bool(self.given)

    def role(self, token: str) -> Role | None:
        """What this token gives; None for a wrong one. Takes as long for any."""
        given = _digest(token)
        found = None
        for role, digest in self._digests.items():
            if hmac.compare_digest(given, digest):
                found = role
        return found


class Sessions:
    """Makes cookies and reads them.

    Keys come from the tokens: all workers have the same, a restart keeps them, and another token
    makes every cookie of the old one void.
    """

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._signers = {role: _Signer(token, role, clock) for role, token in tokens.given.items()}
        # Two monitors on one host have one set of cookies: a browser tells no ports apart.
        whose = _digest("\n".join(sorted(tokens.given.values())) + "\nname").hex()[:8]
        self.cookie = f"monitor_{whose}"
        self._mark = f"{self.cookie}=".encode()
        self._known: dict[bytes, Session] = {}

    def make(self, role: Role) -> str:
        """The value of a new cookie."""
        return self._signers[role].sign(role.name.lower()).decode()

    def find(self, header: bytes) -> Session | None:
        """Whose the cookie is in a `Cookie` header; None without one that is valid now."""
        if self._mark not in header:
            return None
        for pair in header.split(b";"):
            name, _, value = pair.strip().partition(b"=")
            if name == self._mark[:-1] and (session := self._read(value)):
                return session
        return None

    def _read(self, value: bytes) -> Session | None:
        found = self._known.get(value) or self._verified(value)
        if found is None or not 0 <= self._clock() - found.since + 60 <= LASTS_SECONDS + 60:
            return None
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[value] = found
        return found

    def _verified(self, value: bytes) -> Session | None:
        if len(value) > _LONGEST_COOKIE:
            return None
        for role, signer in self._signers.items():
            try:
                _, since = signer.unsign(value, return_timestamp=True)
            except BadSignature:
                continue
            return Session(role, round(since.timestamp()))
        return None


class _Signer(TimestampSigner):
    def __init__(self, token: str, role: Role, clock: Callable[[], float]) -> None:
        super().__init__(
            token,
            salt=f"system-monitor.session.{role.name.lower()}",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
