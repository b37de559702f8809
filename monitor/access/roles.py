"""What a client may do, by the token that it showed."""

from __future__ import annotations

from collections.abc import MutableMapping
from enum import IntEnum
from typing import Any

from starlette.requests import HTTPConnection

from monitor.api.problems import Refusal


class Role(IntEnum):
    """A higher one may do all that a lower one may."""

    VIEWER = 1
    OPERATOR = 2


def give_role(scope: MutableMapping[str, Any], role: Role) -> None:
    """Note the role of this request."""
    # Servers may hand every request the same state of the lifespan: never written into.
    scope["state"] = {**scope.get("state", {}), "role": role}


def role_of(connection: HTTPConnection) -> Role:
    """The role of a request or WebSocket; the lowest where none was noted."""
    role: Role = connection.scope.get("state", {}).get("role", Role.VIEWER)
    return role


def require_operator(connection: HTTPConnection) -> None:
    """Refusal (403) unless an operator asks."""
    if role_of(connection) < Role.OPERATOR:
        raise Refusal(
            403,
            "operator-needed",
            "Only an operator may do this",
            "You are signed in as a viewer. Sign in with the operator's token to do this.",
        )
