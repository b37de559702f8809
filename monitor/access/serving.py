"""How uvicorn serves the page, the API and their WebSockets: within bounds, telling nothing."""

from __future__ import annotations

import contextlib
import resource

import uvicorn
from starlette.types import ASGIApp

from monitor.access import frames
from monitor.access.connections import WHOLE_WITHIN_SECONDS, bounded
from monitor.access.limits import Open, share
from monitor.api.plain_stream import PlainStream
from monitor.settings import Settings

# Beside connections: files of the history, the journal, libraries.
_OTHER_FILES = 512


def uvicorn_config(
    app: ASGIApp, settings: Settings, whole_within: float = WHOLE_WITHIN_SECONDS
) -> uvicorn.Config:
    """Uvicorn's configuration. A request has to be there whole after `whole_within` seconds."""
    most = settings.max_connections
    _allow_files(most + _OTHER_FILES)
    return uvicorn.Config(
        app,
        http=bounded(Open(most, share(most)), whole_within),
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=2,
        server_header=False,
        proxy_headers=False,  # the gate reads them, by the settings
        ws=PlainStream,
        ws_max_size=frames.LARGEST,
        # A browser that is gone without a goodbye is noticed within 40 s.
        ws_ping_interval=20,
        ws_ping_timeout=20,
    )


def _allow_files(number: int) -> None:
    """Let this process open so many files, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
