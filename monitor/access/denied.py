"""Why someone is not let in, as an answer."""

from __future__ import annotations

import math

from monitor.api.problems import Refusal

TOKEN_NEEDED = "token-needed"


class Denied(Refusal):
    """Someone is not let in."""


def _challenge(error: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="System Monitor"' + error}


def token_needed() -> Denied:
    """401: no token, or a cookie that is no longer valid."""
    detail = "Send the token as 'Authorization: Bearer …', or open the page and sign in."
    return Denied(401, TOKEN_NEEDED, "A token is needed", detail, headers=_challenge())


def wrong_token() -> Denied:
    """401."""
    headers = _challenge(', error="invalid_token"')
    return Denied(401, "wrong-token", "Wrong token", "This token is wrong.", headers=headers)


def nobody_named() -> Denied:
    """403: asked through a proxy, while nothing says who may come in through one."""
    detail = (
        "This came through a proxy, and nothing says who may come in that way: set a token"
        " (--token, MONITOR_TOKEN), or --proxy-access where the proxy asks for a login itself."
    )
    return Denied(403, "proxy-without-token", "No token is set", detail)


def token_in_address() -> Denied:
    """400: where it would be written into logs."""
    detail = (
        "A token is taken from the address of a page alone. Send it as"
        " 'Authorization: Bearer …', and replace one that others may have read."
    )
    return Denied(400, "token-in-address", "Token in the address", detail)


def other_origin() -> Denied:
    """403: a page of another origin, or one that does not say where it is from."""
    detail = (
        "Only this server's own page may ask for this. A program sends its token as"
        " 'Authorization: Bearer …'."
    )
    return Denied(403, "other-origin", "Asked by another page", detail)


def too_many_tries(seconds: float) -> Denied:
    """429: wrong tokens."""
    detail = f"Too many wrong tokens came from here. Try again in {_whole(seconds)} s."
    return Denied(429, "too-many-tries", "Too many tries", detail, headers=_after(seconds))


def too_many_requests(seconds: float) -> Denied:
    """429."""
    detail = f"Too many requests came from here. Try again in {_whole(seconds)} s."
    return Denied(429, "too-many-requests", "Too many requests", detail, headers=_after(seconds))


def too_many_open() -> Denied:
    """429: one client has its share of what may be open at once."""
    detail = "Too many requests and WebSockets are open from here. Close some, and try again."
    return Denied(429, "too-many-open", "Too many are open", detail, headers=_after(1))


def no_room() -> Denied:
    """503: all that may be open at once is."""
    detail = "As many requests and WebSockets are open as there may be (--max-connections)."
    return Denied(503, "no-room", "No room", detail, headers=_after(1))


def query_too_long(longest: int) -> Denied:
    """414."""
    detail = f"What follows the ? of an address may have {longest:,} bytes."
    return Denied(414, "query-too-long", "Address too long", detail)


def bad_path() -> Denied:
    """400."""
    return Denied(400, "bad-path", "Bad path", "A path has no control characters.")


def _after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(_whole(seconds))}


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
