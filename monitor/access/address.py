"""A token in an address: where it may be, and the address without it."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

_MARK = b"token="
# Everything else is a page, as Dash answers every address with its own.
_NO_PAGES = ("/api/", "/metrics/", "/ws/", "/_dash", "/_reload", "/assets/", "/bootstrap/")
_NO_PAGE = frozenset({"/metrics", "/_favicon.ico", "/favicon.ico"})
DOCS = "/api/docs"
EMBED_SLASH = "/embed/"


def is_page(path: str) -> bool:
    """Whether a person opens it in a browser."""
    return path == DOCS or not (path.startswith(_NO_PAGES) or path in _NO_PAGE)


def has_token(query: bytes) -> bool:
    """Whether there is a token in it."""
    return _MARK in query and any(part.startswith(_MARK) for part in query.split(b"&"))


def without_token(query: bytes) -> tuple[str, bytes]:
    """The first token in a query, empty where there is none, and the query without any."""
    parts = query.split(b"&")
    given = [part[len(_MARK) :] for part in parts if part.startswith(_MARK)]
    rest = b"&".join(part for part in parts if not part.startswith(_MARK))
    # A plus is no space here: it may be in a token.
    return unquote_to_bytes(given[0]).decode("latin-1") if given else "", rest


def same_page(path: str, query: bytes) -> str:
    """A reference from a page to itself, right behind any proxy and its prefix.

    `/embed/`, as a wiki may write it, is `/embed`.
    """
    base = "../embed" if path == EMBED_SLASH else f"./{quote(path.rpartition('/')[2], safe='')}"
    # What a browser sends is printable; what else comes must not end the header.
    shown = quote(query.decode("latin-1"), safe="%&=+/?:;,@!$'()*~._-")
    return base + (f"?{shown}" if shown else "")
