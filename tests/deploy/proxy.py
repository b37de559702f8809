"""The real nginx with deploy/nginx's file, in which only ports and paths are others."""

from __future__ import annotations

import base64
import os
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from socket import create_connection, create_server

from tests.faults.recorders import ROOT, wait_for

SITE = ROOT / "deploy/nginx/system-monitor.conf"
PREFIX = "/monitor/"
# In sbin, which is not on everyone's PATH.
_NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
# What nginx has around a site; the rest of it writes below the folder.
_AROUND = """
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {{}}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    # Where a server says nothing else: everything, as Debian has it.
    access_log default.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


class Proxy:
    """Started when made, listening once made. `url` is the page's address.

    `passwords` takes the lines that are options too, `limits` are others than the file's.
    """

    def __init__(
        self,
        folder: Path,
        workers: Path,
        passwords: str = "",
        certificate: Path | None = None,
        **limits: str,
    ) -> None:
        self.folder = folder
        self.port, plain = _free_ports(2)
        self.plain_url = f"http://127.0.0.1:{plain}"
        self.url = f"https://127.0.0.1:{self.port}{PREFIX}"
        self.certificate = certificate or _certificate(folder)
        self._context = ssl.create_default_context(cafile=self.certificate)
        others = {
            "unix:/run/system-monitor/web.sock": f"unix:{workers}",
            "    listen 80;\n": f"    listen 127.0.0.1:{plain};\n",
            "    listen [::]:80;\n": "",
            "    listen 443 ssl http2;\n": f"    listen 127.0.0.1:{self.port} ssl http2;\n",
            "    listen [::]:443 ssl http2;\n": "",
            "/etc/ssl/certs/monitor.example.pem": str(self.certificate),
            "/etc/ssl/private/monitor.example.key": str(self.certificate.parent / "key.pem"),
            "/var/log/nginx/system-monitor.log": str(folder / "access.log"),
            "/etc/nginx/system-monitor.htpasswd": str(folder / "htpasswd"),
        }
        if passwords:
            (folder / "htpasswd").write_text(passwords)
            others |= {"#: ": "", "#! ": ""}
        text = rendered(SITE.read_text(), others)
        for name, value in limits.items():
            text, found = re.subn(rf"\b{name}([ =])[^\s;]+", rf"{name}\g<1>{value}", text)
            assert found, f"{SITE.name} has no {name}"
        (folder / "site.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_AROUND.format(user=user))
        with (folder / "error.log").open("w") as log:
            self._process = subprocess.Popen(
                [_NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"],
                stdout=log,
                stderr=log,
            )
        wait_for(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.folder / "error.log").read_text()
        try:
            create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def get(
        self, path: str = "", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """What is below the prefix, or at a whole address. A body is posted."""
        address = path if "://" in path else self.url + path
        request = urllib.request.Request(address, body, dict(headers or {}))
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._context), _NoRedirect
        )
        try:
            with opener.open(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def fingerprint(self) -> str:
        """Of the certificate's key, as Chromium takes it."""
        public = _openssl("x509", "-in", str(self.certificate), "-pubkey", "-noout")
        encoded = _openssl("pkey", "-pubin", "-outform", "der", given=public)
        digest = _openssl("dgst", "-sha256", "-binary", given=encoded)
        return base64.b64encode(digest).decode()

    def context(self) -> ssl.SSLContext:
        """For a client that trusts the certificate."""
        return self._context

    def logged(self, request: str, times: int = 1) -> str:
        """The log once it has the request so often: nginx writes it after it has answered."""
        log = self.folder / "access.log"
        wait_for(lambda: log.read_text().count(request) >= times)
        return log.read_text()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def rendered(text: str, others: Mapping[str, str]) -> str:
    """The text with each of these replaced. Each must be there."""
    for old, new in others.items():
        assert old in text, f"{SITE.name} has no {old!r}"
        text = text.replace(old, new)
    return text


def _free_ports(count: int) -> list[int]:
    taken = [create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in taken]
    for server in taken:
        server.close()
    return ports


def _certificate(folder: Path) -> Path:
    """As docs/deploy.md makes one, of this machine alone."""
    path = folder / "certificate.pem"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
        *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(folder / "key.pem"), "-out", str(path)),
    )
    return path


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *arguments], input=given, check=True, capture_output=True
    ).stdout
