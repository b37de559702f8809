"""The real programs: what they print, log and pass on, and what they give to nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from starlette.testclient import TestClient

from app import create_app
from monitor.access.policy import addresses, is_open, refuse_without_token, with_token
from monitor.settings import BadSetting, load
from tests.browser.app import ROOT, App

TOKEN = "operator-of-all"
LONG = 60.0


@pytest.mark.parametrize(
    ("options", "open_"),
    [
        ((), True),
        (("--host", "localhost"), True),
        (("--host", "127.3.3.3"), True),
        (("--host", "::1"), True),
        (("--host", "0.0.0.0"), False),
        (("--host", "::"), False),
        (("--host", "10.0.0.8"), False),
        (("--host", "gpu.example.org"), False),
        (("--trusted-hosts", "gpu.example.org"), False),
        (("--viewer-token", "viewer-token"), False),
    ],
    ids=str,
)
def test_a_token_is_made_where_one_is_needed(options: tuple[str, ...], *, open_: bool) -> None:
    settings = load(options)
    assert is_open(settings) is open_
    tokens = {with_token(settings).token for _ in range(3)}
    if open_:
        assert tokens == {None}
        assert addresses(settings, "127.0.0.1", 1) == ["http://127.0.0.1:1/"]
    else:
        assert len(tokens) == 3
        assert min(len(token.get_secret_value()) for token in tokens if token) >= 32


def test_a_token_that_is_set_is_taken_and_a_proxy_needs_none() -> None:
    settings = load(["--host", "0.0.0.0", "--token", TOKEN])
    assert with_token(settings) == settings
    proxied = load(["--host", "0.0.0.0", "--proxy-access", "viewer"])
    assert with_token(proxied).token is None


def test_the_address_is_one_to_open() -> None:
    settings = load(["--token", "a+b/c=d.e", "--url-prefix", "/monitor/"])
    [address] = addresses(settings, "::1", 8050)
    assert address == "http://[::1]:8050/monitor/?token=a%2Bb%2Fc%3Dd.e"
    everywhere = addresses(settings, "0.0.0.0", 8050)
    assert [urlsplit(found).hostname for found in everywhere] == [
        "127.0.0.1",
        socket.gethostname().lower(),
    ]


def test_another_server_needs_to_be_told_who_may_come_in() -> None:
    with pytest.raises(BadSetting) as refused:
        refuse_without_token(load())
    assert {"MONITOR_TOKEN", "MONITOR_PROXY_ACCESS"} <= set(
        str(refused.value).replace("(", " ").replace(",", " ").split()
    )
    for options in (("--token", TOKEN), ("--viewer-token", TOKEN), ("--proxy-access", "viewer")):
        assert refuse_without_token(load(options))


def ask(url: str, **headers: str) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=LONG) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Bound to every address; the token comes from the environment."""
    folder = tmp_path_factory.mktemp("access") / "data"
    environment = {"MONITOR_TOKEN": TOKEN, "MONITOR_VIEWER_TOKEN": f"not-{TOKEN}"}
    app = App(folder, "--host", "0.0.0.0", "--gpu-source", "none", environment=environment)
    yield app
    app.stop()


def test_the_token_is_in_the_printed_address_alone(app: App) -> None:
    assert parse_qs(urlsplit(app.url).query) == {"token": [TOKEN]}
    base = app.url.partition("?")[0]
    api = f"{base}api/v1/system/metrics"
    assert ask(api) == 401
    assert ask(api, Authorization=f"Bearer {TOKEN}") == 200
    assert ask(f"{api}?token={TOKEN}") == 400
    assert ask(f"{base}?token=wrong-{TOKEN}") == 401
    assert ask(api, Authorization=f"Bearer {TOKEN}-wrong") == 401
    assert ask(api, Authorization=f"Bearer {TOKEN}", Host="elsewhere.example") == 421
    recorder = Path("/proc") / str(app.recorder_pid())
    for file in ("cmdline", "environ"):
        said = (recorder / file).read_bytes()
        assert b"monitor" in said or file == "environ"
        assert TOKEN.encode() not in said, file
    log = (app.data / "log.txt").read_text()
    assert log.count("A wrong token came from 127.0.0.1.") == 2
    assert TOKEN not in log
    for file in app.data.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file


def test_gunicorn_does_not_start_without_a_token(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-k", "asgi", "-b", "127.0.0.1:0", "app:server"],
        cwd=ROOT,
        env={**os.environ, "MONITOR_DATA": str(tmp_path / "data"), "MONITOR_RECORD": "0"},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert ended.returncode != 0
    assert "A token must be set (MONITOR_TOKEN" in ended.stderr


def test_gunicorns_access_log_has_no_token(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    path = tmp_path / "socket"
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-k", "asgi", "-b", f"unix:{path}"),
            *("--access-logfile", str(log), "--no-control-socket", "app:server"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "MONITOR_DATA": str(tmp_path / "data"),
            "MONITOR_RECORD": "0",
            "MONITOR_TOKEN": TOKEN,
        },
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr
        for line in server.stderr:
            if "Listening at" in line:
                break
        statuses = [
            asked(
                path, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n"
            )
            for target, more in (
                (f"/?token={TOKEN}", ""),
                (f"/?token={TOKEN}-wrong&gpu=1", ""),
                (f"/api/v1/system/metrics?token={TOKEN}", ""),
                ("/api/v1/system/metrics", ""),
                ("/api/v1/system/metrics", f"Authorization: Bearer {TOKEN}\r\n"),
            )
        ]
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=LONG)
    assert statuses == [303, 401, 400, 401, 200]
    told = log.read_text()
    assert "token=[hidden]&gpu=1" in told
    assert told.count("\n") == len(statuses)
    assert TOKEN not in told


def asked(path: Path, request: str) -> int:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(LONG)
        wire.connect(str(path))
        wire.sendall(request.encode())
        return int(wire.makefile("rb").readline().split()[1])


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = tmp_path_factory.mktemp("inside")
    (folder / "secret.txt").write_text("secret")
    settings = load(["--data", str(folder / "data"), "--state-dir", str(folder), "--no-record"])
    return TestClient(
        create_app(settings), base_url="http://localhost", raise_server_exceptions=False
    )


@pytest.mark.parametrize(
    "start", ["/assets", "/bootstrap", "/_dash-component-suites/dash", "/data"]
)
@pytest.mark.parametrize(
    "way",
    [
        "/../app.py",
        "/%2e%2e/app.py",
        "/..%2fapp.py",
        "/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/..%5c..%5capp.py",
        "//etc/passwd",
        "/%252e%252e/app.py",
        "/../data/live.db",
        "/../secret.txt",
        "/settings.py",
        "/nothing.js",
    ],
)
def test_no_way_leads_out_of_a_folder(inside: TestClient, start: str, way: str) -> None:
    answer = inside.get(f"http://localhost{start}{way}")
    assert answer.status_code == 404
    assert len(answer.content) < 200


@pytest.mark.parametrize("package", ["os", "monitor", "app", "nothing", "..", "%00"])
def test_no_package_is_read_but_dashs_own(inside: TestClient, package: str) -> None:
    answer = inside.get(f"/_dash-component-suites/{package}/settings.py")
    assert answer.status_code in {400, 404}
    assert "Settings" not in answer.text


def test_the_api_is_described_with_its_token_and_from_local_files(inside: TestClient) -> None:
    described = inside.get("/api/openapi.json").json()
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert described["security"] == [{"token": []}, {}]
    page = inside.get("/api/docs")
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon.png"):
        assert f"docs/{name}" in page.text or name == "start.js"
        assert inside.get(f"/api/docs/{name}").status_code == 200
    assert inside.get("/api/docs/redoc.standalone.js").status_code == 404


def test_what_no_page_asks_of_dash_is_no_fault(inside: TestClient) -> None:
    for body in (b"", b"nonsense", b"[]", b'{"output":"snapshot.data"}'):
        answer = inside.post(
            "/_dash-update-component", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
