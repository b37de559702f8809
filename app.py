"""One command: starts the recorder, follows it, and serves the page and the API."""

from __future__ import annotations

import contextlib
import importlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.access.policy import addresses, refuse_without_token, with_token
from monitor.exporters.otlp import check_installed, otlp
from monitor.listening import prepare
from monitor.recording.supervisor import Supervisor, record_command
from monitor.settings import BadSetting, Settings, load
from monitor.storage.locations import check_writable, host_name, live_db, overflow_db, recorder_lock

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE = "System Monitor"
_ASSETS = Path(__file__).parent / "assets"
# Files that are far away are looked at while the first are answered.
_READY_SECONDS = 0.5


def create_app(settings: Settings, supervisor: Supervisor | None = None) -> FastAPI:
    """The ASGI application. Nothing starts before its lifespan does."""
    import asyncio

    import flask_bootstrap
    from dash import Dash
    from fastapi import FastAPI
    from starlette.routing import Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles

    import callbacks
    from layouts.index import index
    from layouts.page import Pages
    from monitor.access.address import EMBED_SLASH
    from monitor.access.answers import NoSocket, to_embed
    from monitor.access.gate import Gate
    from monitor.api import routes
    from monitor.api.compression import CompressedUpdates
    from monitor.api.head import HeadAsGet
    from monitor.api.leaving import Leaving, ToldSockets
    from monitor.api.page_files import TaggedFiles
    from monitor.api.problems import answer_problems
    from monitor.api.reference import describe, reference
    from monitor.api.rehearsal import rehearse
    from monitor.api.route import NO_PAGES, nowhere
    from monitor.api.straight import StraightAnswers
    from monitor.queries.archive import Archive
    from monitor.queries.current import Current
    from monitor.queries.live_rows import LiveRows
    from monitor.recording.follower import Follower
    from monitor.storage.history import History

    journals = [live_db(settings), overflow_db(settings)]
    follower = Follower(journals)
    current = Current(follower)
    leaving = Leaving()
    archive = Archive(
        History(settings.data, host_name()),
        LiveRows(journals, follower),
        settings.parsed_tiers,
        round(1000 * settings.interval),
    )

    sender = otlp(settings, current)

    async def make_ready() -> None:
        await asyncio.to_thread(archive.prepare)
        await rehearse(server)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeper = supervisor or supervise(settings)
        # For a server that knows long before this lifespan ends (deploy/gunicorn.conf.py).
        server.state.retire, server.state.leave = keeper.retire, leaving.say
        follower.start(asyncio.get_running_loop())
        # Before anyone is answered: Dash looks into pandas, which must not be half loaded then.
        await asyncio.to_thread(importlib.import_module, "pandas")
        ready = asyncio.create_task(make_ready())
        await asyncio.wait([ready], timeout=_READY_SECONDS)
        if sender is not None:
            sender.start()
        yield
        leaving.say()
        ready.cancel()
        if sender is not None:
            await asyncio.to_thread(sender.stop)
        follower.stop()
        await asyncio.to_thread(keeper.stop)

    server = FastAPI(
        title=TITLE,
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    # The innermost: whatever is added later decides before it who may ask.
    server.add_middleware(StraightAnswers, current=current)
    server.add_middleware(CompressedUpdates)
    server.add_middleware(ToldSockets, leaving=leaving)
    server.add_middleware(TaggedFiles)
    server.add_middleware(HeadAsGet)
    server.include_router(routes.router(current, settings, archive))
    server.include_router(reference(server))
    answer_problems(server)
    describe(server, settings.url_prefix)
    bootstrap = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css"
    server.mount("/bootstrap", StaticFiles(directory=bootstrap), name="bootstrap")
    app = Dash(
        __name__,
        backend="fastapi",
        server=server,  # type: ignore[arg-type]
        title=TITLE,
        update_title="",
        assets_folder=str(_ASSETS),
        serve_locally=True,
        routes_pathname_prefix="/",
        requests_pathname_prefix=settings.url_prefix,
        websocket_inactivity_timeout=0,
        index_string=index(settings.url_prefix),
    )
    pages = Pages(host_name())
    app.layout = lambda: pages.page(current.latest, current.first_snapshot())
    callbacks.register(app, current, archive)
    # Dash itself waits for a request for "/", but someone may open another page first: /embed.
    app._setup_server()  # type: ignore[no-untyped-call]
    server.include_router(nowhere(*NO_PAGES))
    server.router.routes.append(Route(EMBED_SLASH, to_embed))
    server.router.routes.append(WebSocketRoute("/{path:path}", NoSocket()))
    # Added last, so it is the outermost; the hashes are those of what Dash writes into the page.
    server.add_middleware(
        Gate, settings=settings, scripts=app.csp_hashes(), callbacks=app.callback_map
    )
    return server


def supervise(settings: Settings) -> Supervisor:
    """A supervisor that has begun; one that does nothing where settings say so."""
    supervisor = Supervisor(recorder_lock(settings), record_command(settings.arguments()))
    if settings.record:
        supervisor.start()
    return supervisor


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted. Exit status 2 with one sentence where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = with_token(load(arguments))
        check_writable(settings)
        check_installed(settings)
        listening = _listen(settings)
    except BadSetting as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    # The recorder loads its libraries while this process loads its own.
    supervisor = supervise(settings)
    import uvicorn

    from monitor.access.serving import uvicorn_config

    for address in addresses(settings, *listening.getsockname()[:2]):
        print(f"{TITLE}: {address}", flush=True)  # noqa: T201
    config = uvicorn_config(create_app(settings, supervisor), settings)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        prepare(listening)
        listening.listen()
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise BadSetting(
            f"Cannot listen on {settings.host}:{settings.port} (--host, --port): {reason}."
        ) from None
    return listening


def __getattr__(name: str) -> FastAPI:
    """`server`, made when gunicorn asks for it: `gunicorn -k asgi app:server`."""
    if name == "server":
        globals()["server"] = create_app(refuse_without_token(load()))
        return globals()["server"]  # type: ignore[no-any-return]
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
