"""A real nginx before the program, as short as a benchmark needs it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import free_port, wait_for

_CONFIG = """
daemon off;
error_log stderr;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  gzip on;
  gzip_proxied any;
  gzip_comp_level 5;
  gzip_types text/css text/javascript application/javascript application/json font/woff2;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream monitor {{ server 127.0.0.1:{port}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{front};
    location / {{
      proxy_pass http://monitor;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""


def command() -> str | None:
    """Where nginx is; None where there is none."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextlib.contextmanager
def nginx(port: int) -> Iterator[int]:
    """The port of an nginx that compresses what comes from `port`."""
    front = free_port()
    with tempfile.TemporaryDirectory(prefix="benchmark-nginx-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, port=port, front=front))
        process = subprocess.Popen(
            [command() or "nginx", "-p", folder, "-c", str(config)], stderr=subprocess.DEVNULL
        )
        try:
            wait_for(lambda: _listens(front))
            yield front
        finally:
            process.terminate()
            process.wait(10)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
