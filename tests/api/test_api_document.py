"""The commands of docs/api.md, as they stand there, and what it says of errors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_fuzz import PATHS
from tests.faults.apps import WebProcess
from tests.faults.recorders import ROOT, wait_for

DOCUMENT = (ROOT / "docs/api.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    process = WebProcess(tmp_path_factory.mktemp("data"), "--gpu-source", "demo")
    wait_for(lambda: (process.get("api/v1/system/gpu-metrics") or {}).get("gpus"))
    yield process
    process.stop()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_command_is_answered(web: WebProcess, tmp_path: Path) -> None:
    assert len(COMMANDS) > 10
    for command in COMMANDS:
        ran = subprocess.run(
            ["bash", "-c", command.replace("curl ", "curl --silent --show-error --fail ", 1)],
            cwd=tmp_path,
            env={**os.environ, "MONITOR": web.url.rstrip("/")},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), command
        if not re.search(r"--output|-O|--head", command):
            assert json.loads(ran.stdout), command
    assert json.loads((tmp_path / "now.json").read_text())["gpus"]
    assert list(tmp_path.glob("gpu-*.csv"))


def test_every_path_is_in_it() -> None:
    named = {
        path
        for row in re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE)
        for path in re.findall(r"`([^`]+)`", row)
    }
    assert set(PATHS) <= named


def test_every_kind_of_problem_is_in_it() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "monitor/api").glob("*.py"))
    kinds = set(re.findall(r"Refusal\(\s*\d+,\s*\"([\w-]+)\"", sources)) - {"bad-message"}
    assert kinds == set(re.findall(r"`/problems/([\w-]+)`", DOCUMENT))
