"""What a client or a proxy may keep of an answer, and how it asks whether that still holds."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from fastapi import Response

_HOUR_MS = 3_600_000
# Flushes and roll-ups of an hour that has ended are done by then.
_SETTLED_MS = 600_000

# Private: who may read an answer is decided for each request.
CHECKED = {"Cache-Control": "private, no-cache"}
"""Headers of what changes: it may be kept, and asked about each time."""
KEPT = {"Cache-Control": "private, max-age=3600"}
"""Headers of what has happened: an hour, as the finest tier that has it goes with age."""


def etag(body: bytes) -> str:
    """The tag of these very bytes: the same in every worker and after a restart."""
    return f'"{sha256(body).hexdigest()[:24]}"'


def is_known(tag: str, asked: str | None) -> bool:
    """Whether an `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if asked is None:
        return False
    return asked.strip() == "*" or any(
        one.strip().removeprefix("W/") == tag for one in asked.split(",")
    )


def is_settled(end: int, now: int) -> bool:
    """Whether the hours up to `end` are closed and written; both are ms since 1970."""
    return end <= (now - _SETTLED_MS) // _HOUR_MS * _HOUR_MS


def checked(request: Mapping[str, str], answer: Response) -> Response:
    """The answer with its tag; 304 and no body where the client has it already.

    Errors, files that are being made and what must not be stored stay as they are.
    """
    keeping = answer.headers.get("cache-control", "no-store")
    if answer.status_code != 200 or "no-store" in keeping or not hasattr(answer, "body"):
        return answer
    tag = etag(bytes(answer.body))
    answer.headers["etag"] = tag
    if not is_known(tag, request.get("if-none-match")):
        return answer
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": keeping})
