"""A request's body has a greatest size, said beforehand or not."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Message, Receive

from monitor.api.problems import Refusal

LARGEST = 2 * 1024 * 1024


def too_large(largest: int = LARGEST) -> Refusal:
    """413."""
    detail = f"The body of a request may have {largest:,} bytes."
    return Refusal(413, "body-too-large", "Body too large", detail)


def check_length(headers: Mapping[bytes, bytes], largest: int = LARGEST) -> None:
    """Refusal where the size that is announced is too large, or is no size."""
    length = headers.get(b"content-length")
    if length is None:
        return
    if not length.isdigit():
        detail = "The header content-length is no number."
        raise Refusal(400, "bad-header", "Bad header", detail)
    if len(length) > 18 or int(length) > largest:
        raise too_large(largest)


async def whole(receive: Receive, largest: int = LARGEST) -> bytes:
    """The body. Refusal as soon as it is too large."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest:
            raise too_large(largest)
        more = message.get("more_body", False)
    return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that has been read once more."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
