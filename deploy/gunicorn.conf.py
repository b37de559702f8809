"""gunicorn for the page and the API: `gunicorn --config deploy/gunicorn.conf.py app:server`.

Several workers behind nginx on a Unix socket. Recording is a process of its own, so no setting in
here touches it. Whatever is set here can be set on the command line too, which counts more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.sock import BaseSocket
    from gunicorn.workers.gasgi import ASGIWorker

# Where app.py is: the folder above this file's.
chdir = str(Path(__file__).resolve().parent.parent)

# systemd hands over a socket of its own (system-monitor.socket), which counts more than this.
bind = "unix:/run/system-monitor/web.sock"
# Nobody but the owner and the group, which nginx must be in, may connect.
umask = 0o117

worker_class = "asgi"
# Each keeps the newest hour in memory: about 200 MB. One serves 200 viewers; two survive a crash.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# An application that cannot start ends gunicorn with its reason, rather than serve nothing.
asgi_lifespan = "on"
backlog = 512
# Workers keep no state that grows; to start one anew would break its sockets for nothing.
max_requests = 0

# A worker that does not say for so long that it is alive is killed. It is silent while it ends,
# so this is more than `graceful_timeout` and the ten seconds that a recorder may take to end.
timeout = 60
# A worker that is to end has so long for the requests that it has.
graceful_timeout = 30
# On a reload it serves and records on until its successor listens, at most so long.
OVERLAP_SECONDS = 20.0
# nginx opens a connection for each request: an idle one would keep an old worker from ending.
keepalive = 5

limit_request_line = 8190
limit_request_fields = 64
# What a page or a program says over a WebSocket is short.
websocket_max_message_size = 1 << 20

# Whether a request came over TLS is nginx's word, and nobody else's. Over a Unix socket only
# nginx can connect, and gunicorn believes it always.
forwarded_allow_ips = "127.0.0.1,::1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}

# The heartbeats' files belong in memory: on a slow disk a worker would be thought dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True

# Everything goes to systemd's journal. The path without the query, which may hold a token, and
# not the Referer, which may hold that query. nginx logs requests already, so this log is off:
# GUNICORN_CMD_ARGS="--access-logfile -" turns it on.
errorlog = "-"
loglevel = "info"
accesslog = None
access_log_format = '%({x-real-ip}i)s "%(m)s %(U)s %(H)s" %(s)s %(B)s bytes %(M)s ms'


_predecessors: list[int] = []


def when_ready(arbiter: Arbiter) -> None:
    """Before the workers are started: what each connection over TCP is to have."""
    # Only now is app.py's folder on the path.
    from monitor.listening import prepare

    for listening in arbiter.LISTENERS:
        prepare(listening.sock)


def on_reload(arbiter: Arbiter) -> None:
    """Before the new workers are started: who the old ones are."""
    _predecessors[:] = arbiter.WORKERS


def post_worker_init(worker: ASGIWorker) -> None:
    """Hand over without a pause on a reload, and end at once on a stop.

    gunicorn says the same to its workers in both cases, and on a reload long before the new ones
    listen. So an old one goes on until a new one tells it with a SIGWINCH, which means nothing
    to anyone else. WebSockets are told to go elsewhere, or gunicorn would wait for them.
    """
    told: list[bool] = []

    def tell(what: str) -> None:
        # Nothing to be told while the application still starts.
        getattr(worker.asgi.state, what, lambda: None)()

    def leave() -> None:
        worker.handle_exit_signal()
        tell("leave")

    def is_told_to_end() -> None:
        if told:
            return
        told.append(True)
        tell("retire")
        if not _is_listening(worker.ppid, worker.sockets):
            leave()
            return
        worker.loop.add_signal_handler(signal.SIGWINCH, leave)
        worker.loop.call_later(OVERLAP_SECONDS, leave)

    async def tell_predecessors() -> None:
        while not worker.servers:
            await asyncio.sleep(0.05)
        for pid in _predecessors:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGWINCH)

    worker.loop.add_signal_handler(signal.SIGTERM, is_told_to_end)
    if _predecessors:
        worker.told = worker.loop.create_task(tell_predecessors())
    if not _is_listening(worker.ppid, worker.sockets):
        leave()  # uvloop has lost the signal: it came while the application was loaded


def _is_listening(arbiter: int, sockets: Sequence[BaseSocket]) -> bool:
    """Whether gunicorn's own process still holds the sockets: it closes them before it stops."""
    ours = {os.fstat(socket.fileno()).st_ino for socket in sockets}
    try:
        for held in Path(f"/proc/{arbiter}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if held.stat().st_ino in ours:
                    return True
    except OSError:  # gunicorn's own process is root's: it may be a reload
        return True
    return False
