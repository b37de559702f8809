"""From whose pages a browser may ask."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from monitor.access import denied
from monitor.access.callers import Caller

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def check_origin(headers: Mapping[bytes, bytes], caller: Caller, *, must: bool = False) -> None:
    """Denied where a page of another origin asks.

    With `must`, what names no page is denied too.
    """
    if origin := headers.get(b"origin"):
        own = is_own_origin(origin, headers[b"host"], caller.secure)
    elif site := headers.get(b"sec-fetch-site"):
        own = site in {b"same-origin", b"none"}
    else:
        own = not must
    if not own:
        raise denied.other_origin()


def is_own_origin(origin: bytes, host: bytes, secure: bool) -> bool:
    """Whether `Origin` is that of a page which this very server gave."""
    try:
        given = urlsplit(origin.decode("ascii").lower())
    except ValueError:
        return False
    if given.scheme not in _DEFAULT_PORTS or (secure and given.scheme != "https"):
        return False
    port = _DEFAULT_PORTS[given.scheme]
    return given.netloc.removesuffix(port) == host.decode("latin-1").lower().removesuffix(port)
