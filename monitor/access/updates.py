"""What the page may ask of Dash. Dash itself fails at what it does not know, and says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from monitor.api.problems import Refusal

UPDATE, SOCKET, FILES = "/_dash-update-component", "/_dash-ws-callback", "/_dash-component-suites/"
_DICT_ID = "{"


class Updates:
    """The callbacks that there are, by their outputs."""

    def __init__(self, callbacks: Mapping[str, Mapping[str, Any]]) -> None:
        self._callbacks = callbacks

    def check(self, body: bytes, content_type: bytes) -> None:
        """Refusal (400) unless it asks for one of them, as the page does."""
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            asked = None
        # Another type is one that a browser sends for any page without asking first.
        if not content_type.startswith(b"application/json") or not self.knows(asked):
            detail = "No page of this server asks for this. Load it again if it is an older one."
            raise Refusal(400, "bad-update", "Not understood", detail)

    def knows(self, asked: object) -> bool:
        """Whether this is a whole request for one of them."""
        if not isinstance(asked, dict) or not isinstance(asked.get("output"), str):
            return False
        known = self._callbacks.get(asked["output"])
        changed = asked.get("changedPropIds", [])
        return (
            known is not None
            and "callback" in known
            and _fits(asked.get("inputs", []), known["inputs"])
            and _fits(asked.get("state", []), known["state"])
            and isinstance(changed, list)
            and all(isinstance(name, str) for name in changed)
            and _are_places(asked.get("outputs", []))
        )

    def knows_message(self, said: str | bytes) -> bool:
        """Whether a page says this over Dash's WebSocket."""
        try:
            message = orjson.loads(said)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(message, dict):
            return False
        if message.get("type") != "callback_request":
            return True
        payload = message.get("payload")
        return (
            self.knows(payload)
            and isinstance(payload, dict)
            and bool(self._callbacks[payload["output"]].get("websocket"))
            and isinstance(message.get("requestId"), str | int)
        )


def _fits(given: object, known: list[dict[str, str]]) -> bool:
    """Whether these are the values of those properties."""
    if not isinstance(given, list) or len(given) != len(known):
        return False
    return all(_is_value(one, of) for one, of in zip(given, known, strict=True))


def _is_value(given: object, of: dict[str, str]) -> bool:
    if of["id"].startswith(_DICT_ID):
        return _are_places(given)
    return (
        isinstance(given, dict)
        and given.get("id") == of["id"]
        and given.get("property") == of["property"]
    )


def _are_places(given: object, depth: int = 3) -> bool:
    """Whether it is the place of a property, or a list of them, or of lists."""
    if isinstance(given, list):
        return depth > 0 and all(_are_places(one, depth - 1) for one in given)
    return (
        isinstance(given, dict)
        and isinstance(given.get("id"), str | dict)
        and isinstance(given.get("property"), str)
    )
