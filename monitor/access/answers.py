"""How the gate answers: a page for a browser, a problem for a program, a closed WebSocket."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from monitor.access import sign_in
from monitor.access.address import is_page, same_page
from monitor.access.headers import own_page
from monitor.api.problems import NOT_STORED, Refusal, not_found

_CLOSED = {401: 4401, 403: 4403, 429: 4429}
# A connection on which something may still come that nobody reads.
_CLOSES = frozenset({400, 413, 414, 431})
_PLAIN = own_page("none")


def failed() -> Response:
    """500: a fault of ours; the log has it."""
    detail = "The server failed at this request; its log says how."
    return Refusal(500, "internal", "Internal error", detail).response()


def no_file() -> Response:
    """404."""
    return Refusal(404, "not-found", "Not found", "There is no such file.").response()


async def to_embed(request: Request) -> Response:
    """308 from `/embed/` to `/embed`, with what is asked for."""
    location = same_page(request.scope["path"], request.scope["query_string"])
    return Response(status_code=308, headers={"Location": location, **NOT_STORED})


class NoSocket:
    """Where there is no WebSocket."""

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """404."""
        await _refuse_socket(not_found(scope["path"]), scope, send)


async def answer(response: Response, scope: Scope, send: Send) -> None:
    """Send it, with the headers that every answer has."""
    if not any(name == b"content-security-policy" for name, _ in response.raw_headers):
        response.raw_headers.extend(_PLAIN)
    await response(scope, _nothing, send)


async def refuse(
    refusal: Refusal,
    scope: Scope,
    headers: Mapping[bytes, bytes],
    send: Send,
    *,
    form: bool = False,
) -> None:
    """Say why not."""
    if scope["type"] == "websocket":
        await _refuse_socket(refusal, scope, send)
        return
    reads = b"text/html" in headers.get(b"accept", b"") and scope["method"] in {"GET", "POST"}
    if reads and is_page(scope["path"]):
        response = sign_in.page(refusal, form=form and refusal.status == 401)
        response.headers.update(refusal.headers)
    else:
        response = refusal.response()
    if refusal.status in _CLOSES:
        response.headers["Connection"] = "close"
    await answer(response, scope, send)


async def _refuse_socket(refusal: Refusal, scope: Scope, send: Send) -> None:
    """Before it is accepted: with the answer itself where the server can, else with 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        code = _CLOSED.get(refusal.status, 1008)
        await send({"type": "websocket.close", "code": code, "reason": refusal.body["title"]})
        return

    async def deny(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    response = refusal.response()
    await answer(response, {**scope, "type": "http", "method": "GET"}, deny)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
