"""Current values, answered from the tick's bytes without the way through FastAPI.

Only what is asked most: GET of a path without parameters, where there is something to answer. All
else, errors too, goes on to the documented paths, whose answers these are, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.api.caching import CHECKED, etag, is_known
from monitor.api.encode import Encoded, encoded
from monitor.queries.current import Current

_PREFIX = "/api/v1/system/"
_ANSWERS: Mapping[str, Callable[[Encoded], bytes]] = {
    "gpu-metrics": lambda tick: tick.gpu_metrics([]),
    "gpu-processes": lambda tick: tick.gpu_processes([]),
    "metrics": lambda tick: tick.metrics,
    "storage": lambda tick: tick.storage,
    "network": lambda tick: tick.network,
    "all": lambda tick: tick.everything(),
}
_NEEDS_GPUS = {"gpu-metrics", "gpu-processes"}
_CONTROL = [(name.lower().encode(), value.encode()) for name, value in CHECKED.items()]

_Start = dict[str, object]


class _Ready:
    """An answer, and the messages that send it."""

    def __init__(self, body: bytes) -> None:
        self.tag = etag(body)
        tagged = [*_CONTROL, (b"etag", self.tag.encode())]
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json")
        self.start: _Start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [*_CONTROL, length, kind, tagged[-1]],
        }
        self.known: _Start = {"type": "http.response.start", "status": 304, "headers": tagged}
        self.body: _Start = {"type": "http.response.body", "body": body}


_NOTHING: _Start = {"type": "http.response.body", "body": b""}


class StraightAnswers:
    """Comes after whatever decides who may ask."""

    def __init__(self, app: ASGIApp, current: Current) -> None:
        self._app = app
        self._current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        ready = self._ready(scope)
        if ready is None:
            await self._app(scope, receive, send)
            return
        asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), None)
        known = asked is not None and is_known(ready.tag, asked.decode("latin-1"))
        # A server may add headers of its own to the list.
        start = ready.known if known else ready.start
        await send({**start, "headers": list(start["headers"])})  # type: ignore[call-overload]
        await send(dict(_NOTHING if known else ready.body))

    def _ready(self, scope: Scope) -> _Ready | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return None
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        name = path.removeprefix(_PREFIX)
        if name is path or name not in _ANSWERS:
            return None
        if name in _NEEDS_GPUS and not self._current.latest.devices.get("gpu"):
            return None
        return self._current.once(
            f"straight {name}", lambda _: _Ready(_ANSWERS[name](encoded(self._current)))
        )
