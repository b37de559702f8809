"""What every answer tells the browser to refuse, and what is read from a request's headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.access.callers import FORWARDED
from monitor.api.problems import Refusal

Pairs = list[tuple[bytes, bytes]]

EMBED = "/embed"
"""The one page that another may have in a frame."""

LONGEST_QUERY = 8190
MOST_HEADER_BYTES = 32_768
_READ = frozenset(
    {
        b"host",
        b"authorization",
        b"cookie",
        b"origin",
        b"sec-fetch-site",
        b"accept",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        *FORWARDED,
    }
)
# These are never lists; two of them are an attempt to be read in two ways.
_ONCE = frozenset({b"host", b"authorization", b"origin", b"content-length"})

_COMMON: Pairs = [
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`: browsers then send `Origin: null` with the sign-in form.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


def read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that access depends on. Refusal where there is too much, or one twice."""
    found: dict[bytes, bytes] = {}
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name in _READ:
            if name not in found:
                found[name] = value
            elif name in _ONCE:
                shown = name.decode()
                raise Refusal(400, "bad-header", "Bad header", f"The header {shown} came twice.")
            else:
                found[name] += (b"; " if name == b"cookie" else b", ") + value
    if size > MOST_HEADER_BYTES:
        detail = f"The headers of a request may have {MOST_HEADER_BYTES:,} bytes."
        raise Refusal(431, "headers-too-large", "Headers too large", detail)
    return found


class Policies:
    """The content security policy of each page."""

    def __init__(self, scripts: Sequence[str], frame_ancestors: Sequence[str]) -> None:
        page = [
            "default-src 'self'",
            " ".join(["script-src 'self'", *scripts]),
            # Plotly and the table of processes write style elements and attributes.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ]
        framers = " ".join(["'self'", *frame_ancestors])
        self._page = self._with(page, "'none'")
        self._embedded = self._with(page, framers)

    def of(self, path: str) -> Pairs:
        """The headers for a page of the application."""
        return self._embedded if path == EMBED else self._page

    def _with(self, page: Sequence[str], framers: str) -> Pairs:
        policy = "; ".join([*page, f"frame-ancestors {framers}"])
        return [*_COMMON, (b"content-security-policy", policy.encode())]


def own_page(style: str) -> Pairs:
    """The headers of a page that has this style and nothing else; a form may send to here."""
    policy = (
        f"default-src 'none'; style-src '{style}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    return [*_COMMON, (b"content-security-policy", policy.encode())]
