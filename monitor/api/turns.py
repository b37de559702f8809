"""Queries of the history take turns, in threads of their own: nobody else waits for them.

An export takes seconds where what is current takes less than a millisecond.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from monitor.access.limits import Open, client_of, share
from monitor.api.problems import too_many_queries

THREADS = 4
MOST = 64
"""Queries that may wait or be answered at once; one client has a quarter of that at most."""


class Turns:
    """Who may ask the history, and when."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "history")
        self._open = Open(MOST, share(MOST))

    async def answer(self, request: Request, make: Callable[[], Response]) -> Response:
        """What `make` gives when it has had its turn. Refusal (429) where too many wait.

        An answer in pieces keeps its place until it is whole or its client has gone.
        """
        client = client_of(request.client.host if request.client else "")
        if self._open.full() or self._open.has_share(client):
            raise too_many_queries()
        self._open.enter(client)
        leave = partial(self._open.leave, client)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, make)
        except BaseException:
            leave()
            raise
        if isinstance(answer, Pieces):
            answer.keep(self._threads, leave)
        else:
            leave()
        return answer


class Pieces(StreamingResponse):
    """An answer that is made while it is sent, each piece in a turn of its own."""

    def __init__(
        self, pieces: Generator[bytes], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(self._made(), headers=headers, media_type=media_type)
        self._pieces = pieces
        self._making = threading.Lock()

    def keep(self, threads: Executor, leave: Callable[[], None]) -> None:
        """Make it in these threads, and leave at the end."""
        self._threads = threads
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                # Of who left in the middle, a piece is being made.
                await asyncio.get_running_loop().run_in_executor(self._threads, self._close)
            finally:
                self._leave()

    async def _made(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while (piece := await loop.run_in_executor(self._threads, self._next)) is not None:
            yield piece

    def _next(self) -> bytes | None:
        with self._making:
            return next(self._pieces, None)

    def _close(self) -> None:
        with self._making:
            self._pieces.close()
