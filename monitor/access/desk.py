"""Where a browser shows its token, once: in a page's address, or in the form."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import Receive

from monitor.access import address, bodies, sign_in
from monitor.access.callers import Caller
from monitor.access.door import Door
from monitor.access.headers import EMBED
from monitor.access.origins import check_origin

# Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = b"application/x-www-form-urlencoded"
_LARGEST_FORM = 4096


class Desk:
    """Gives a cookie for a token."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def serves(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
        """Whether someone signs in with this request."""
        if not address.is_page(scope["path"]):
            return False
        if scope["method"] == "POST":
            is_form = headers.get(b"content-type", b"").startswith(_FORM)
            return bool(self._door.tokens) and is_form
        return scope["method"] in SAFE and address.has_token(scope["query_string"])

    async def sign_in(
        self,
        scope: MutableMapping[str, Any],
        headers: Mapping[bytes, bytes],
        caller: Caller,
        receive: Receive,
    ) -> Response:
        """The way back to the same page, with a cookie and without the token."""
        token, rest = address.without_token(scope["query_string"])
        # Servers log the query of the scope.
        scope["query_string"] = rest
        if scope["method"] == "POST":
            check_origin(headers, caller)
            bodies.check_length(headers, _LARGEST_FORM)
            sent = parse_qs((await bodies.whole(receive, _LARGEST_FORM)).decode("latin-1"))
            token = sent.get(sign_in.FIELD, [""])[0].strip()
        back = {"Location": address.same_page(scope["path"], rest), "Cache-Control": "no-store"}
        if self._door.tokens:
            role = self._door.present(token, caller)
            framed = scope["path"] in {EMBED, address.EMBED_SLASH}
            back["Set-Cookie"] = self._door.cookie(role, caller, framed=framed)
        return Response(status_code=303, headers=back)
