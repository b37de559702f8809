"""deploy/ and docs/deploy.md name things that are there, and systemd understands the units."""

from __future__ import annotations

import re
import runpy
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket

from monitor.settings import ENV_PREFIX, load
from tests.faults.recorders import ROOT

GUIDE = (ROOT / "docs/deploy.md").read_text()
UNITS = sorted((ROOT / "deploy/systemd").iterdir())


def test_every_file_that_the_guide_names_is_there():
    named = set(re.findall(r"(?<![\w/.-])(?:\.\./)?((?:deploy|docs|data)/[\w./-]+\w)", GUIDE))
    named |= set(re.findall(r"(?<![\w/.-])(\w+\.(?:py|txt))\b", GUIDE))
    assert {"deploy/environment.example", "constraints.txt", "data/README.md"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_file_of_deploy_is_in_the_guide():
    files = [
        path for folder in ("nginx", "systemd") for path in (ROOT / "deploy" / folder).iterdir()
    ]
    assert [
        path.name for path in files if f"deploy/{path.parent.name}/{path.name}" not in GUIDE
    ] == []


def test_the_example_of_an_environment_names_real_settings(monkeypatch: pytest.MonkeyPatch):
    text = (ROOT / "deploy/environment.example").read_text()
    lines = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    known = {f"{ENV_PREFIX}{name.upper()}" for name in type(load()).model_fields}
    assert {name for name in lines if name.startswith(ENV_PREFIX)} <= known
    # As it is, before anyone has filled in a token, and with each line that is an offer.
    for name, value in lines.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.url_prefix == "/monitor/"
    assert settings.token is None


def test_a_connection_over_tcp_notices_a_client_that_is_gone():
    config = Config()
    configuration = runpy.run_path(str(ROOT / "deploy/gunicorn.conf.py"))
    config.set("when_ready", configuration["when_ready"])
    listening = TCPSocket(("127.0.0.1", 0), config, Logger(config))
    config.when_ready(SimpleNamespace(LISTENERS=[listening]))
    assert listening.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
    listening.close()


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a Python that is there."""
    for unit in UNITS:
        text = unit.read_text().replace(
            "/opt/system-monitor/.venv/bin/python", shutil.which("true")
        )
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.iterdir())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_units(units: list[Path]):
    assert len(units) == 3
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True
    )
    ours = [line for line in checked.stderr.splitlines() if "system-monitor" in line]
    assert (checked.returncode, ours) == (0, [])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize(
    ("name", "most"), [("system-monitor", 10), ("system-monitor-recorder", 25)]
)
def test_a_service_is_hardened(name: str, most: int):
    """The threshold is systemd's exposure in tenths."""
    unit = ROOT / f"deploy/systemd/{name}.service"
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", str(unit)],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout
