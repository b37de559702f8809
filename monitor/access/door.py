"""Who a request is from and what they may do: token, cookie, proxy, or the same machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

from monitor.access import denied
from monitor.access.callers import Caller
from monitor.access.known import TRIES, TRIES_PER_SECOND, Known
from monitor.access.limits import Buckets
from monitor.access.policy import is_open, secret
from monitor.access.roles import Role
from monitor.access.sessions import LASTS_SECONDS, Session, Sessions, Tokens
from monitor.settings import Settings

log = logging.getLogger(__name__)

_PROXY_ROLES = {"none": None, "viewer": Role.VIEWER, "operator": Role.OPERATOR}


class Guest(NamedTuple):
    """Someone who has been let in."""

    role: Role
    session: Session | None = None
    # The browser sends it by itself, whichever page asks.
    ambient: bool = False


class Door:
    """Lets in, or raises Denied."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = Tokens(secret(settings.token), secret(settings.viewer_token))
        self.sessions = Sessions(self.tokens)
        self.tries = Buckets(TRIES_PER_SECOND, TRIES)
        self._known = Known()
        self._open = is_open(settings)
        self._proxy_role = _PROXY_ROLES[settings.proxy_access]
        self._path = settings.url_prefix

    def admit(self, headers: Mapping[bytes, bytes], caller: Caller) -> Guest:
        """Who this is, by what came with the request."""
        shown = headers.get(b"authorization", b"")
        # Other schemes are those of a proxy in front.
        if self.tokens and shown[:7].lower() == b"bearer ":
            return Guest(self.present(shown[7:].strip().decode("latin-1"), caller))
        session = self.sessions.find(headers[b"cookie"]) if b"cookie" in headers else None
        role = session.role if session else None
        if self._proxy_role and caller.through_proxy:
            role = max(role or self._proxy_role, self._proxy_role)
        if role:
            return Guest(role, session, ambient=True)
        if self._open and caller.local:
            return Guest(Role.OPERATOR)
        raise denied.nobody_named() if self._open else denied.token_needed()

    def present(self, token: str, caller: Caller) -> Role:
        """What this token gives. Denied where it is wrong, or where too many were.

        Then one that was right from there before is still let in: programs share an address.
        """
        client = caller.client
        wait = self.tries.wait(client)
        if wait and not self._known.may_try(client, token):
            raise denied.too_many_tries(wait)
        role = self.tokens.role(token)
        if wait and not self._known.was_right(client, role):
            self._known.note_wrong(client, token)
            raise denied.too_many_tries(wait)
        if role is None:
            self.tries.take(client)
            log.warning("A wrong token came from %s.", caller.address or "a Unix socket")
            raise denied.wrong_token()
        self._known.note_right(client, role)
        return role

    def cookie(self, role: Role, caller: Caller, *, framed: bool = False) -> str:
        """The `Set-Cookie` that stands for a token.

        Lax, not Strict: someone who follows a link to here from a wiki is signed in, and a page's
        address with a token works from there. Nothing changes by following a link.
        In a frame of another site a browser keeps none but a partitioned one, which is sent from
        frames in that site's pages alone; whoever comes that way is a viewer.
        """
        value = self.sessions.make(min(role, Role.VIEWER) if framed else role)
        kept = (
            f"{self.sessions.cookie}={value}; Path={self._path}; Max-Age={LASTS_SECONDS}; HttpOnly"
        )
        if framed and caller.secure:
            return f"{kept}; SameSite=None; Secure; Partitioned"
        return f"{kept}; SameSite=Lax{'; Secure' if caller.secure else ''}"
