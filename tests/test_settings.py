"""Settings: which one is in force, and one sentence for each that cannot be."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.settings import BadSetting, Settings, load
from monitor.storage.tiers import parse_tiers

ROOT = Path(__file__).parents[1]
APP = (str(ROOT / "app.py"),)
RECORD = ("-m", "monitor", "record")
each_command = pytest.mark.parametrize("command", [APP, RECORD], ids=["app.py", "record"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and no settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MONITOR_")]:
        monkeypatch.delenv(name)
    return tmp_path


def refusal(folder: Path, command: tuple[str, ...], *options: str, **variables: str) -> str:
    """The one sentence with which the real program refuses to start, having written nothing."""
    before = sorted(folder.rglob("*"))
    ended = subprocess.run(
        [sys.executable, *command, *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert sorted(folder.rglob("*")) == before
    sentence = ended.stderr.removesuffix("\n")
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@each_command
@pytest.mark.parametrize(
    ("options", "variables", "says"),
    [
        (("--port", "nine"), {}, ("--port", "'nine'", "integer")),
        (("--tiers", "2s:1h"), {}, ("--tiers", "'2s'", "1s, 10s, 1m, 5m, 15m, 1h")),
        (("--interval", "0.7"), {}, ("--interval", "'0.7'", "0.5, 1, 2 or 5")),
        (("--gpu-source", "amd"), {}, ("--gpu-source", "'amd'", "'jetson', 'demo' or 'none'")),
        (("--colour", "red"), {}, ("--colour red", "--help")),
        ((), {"MONITOR_INTERVAL": "soon"}, ("MONITOR_INTERVAL", "'soon'", "number")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_setting_ends_the_start(
    folder: Path,
    command: tuple[str, ...],
    options: tuple[str, ...],
    variables: dict[str, str],
    says: tuple[str, ...],
) -> None:
    sentence = refusal(folder, command, *options, **variables)
    assert [word for word in says if word not in sentence] == []


@each_command
def test_a_folder_that_is_a_file_ends_the_start(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "notes.txt").touch()
    sentence = refusal(folder, command, "--data", "notes.txt", "--port", "0")
    assert "--data" in sentence
    assert "notes.txt" in sentence


@each_command
def test_a_folder_that_cannot_be_made_ends_the_start(
    folder: Path, command: tuple[str, ...]
) -> None:
    assert "'/proc/monitor'" in refusal(folder, command, "--data", "/proc/monitor", "--port", "0")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@each_command
def test_a_folder_of_another_ends_the_start(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "data").mkdir(mode=0o555)
    assert "permission denied" in refusal(folder, command, "--port", "0")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_ends_the_start(folder: Path, taken_port: int) -> None:
    sentence = refusal(folder, APP, "--port", str(taken_port))
    assert f"127.0.0.1:{taken_port} (--host, --port): address already in use" in sentence


@each_command
def test_a_broken_file_ends_the_start(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "monitor.toml").write_text("port = \n")
    assert refusal(folder, command).startswith("monitor.toml cannot be read: invalid value")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "monitor.toml cannot be read: 'utf-8'"),
        (b"prot = 8051", "monitor.toml has an unknown setting 'prot'; known are data, host, port"),
        (b"port = 'high'", "port (--port, MONITOR_PORT) cannot be 'high'"),
        (b"mounts = 3", "mounts (--mounts, MONITOR_MOUNTS) cannot be 3"),
    ],
)
def test_what_the_file_may_not_say(folder: Path, content: bytes, says: str) -> None:
    (folder / "monitor.toml").write_bytes(content)
    with pytest.raises(BadSetting) as refused:
        load()
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--data", ""),
        ("--host", ""),
        ("--port", "65536"),
        ("--interval", "0"),
        ("--interval", "61"),
        ("--interval", "nan"),
        ("--flush-interval", "0"),
        ("--tiers", ""),
        ("--tiers", "10s:1h"),
        ("--tiers", "1s:1h,1s:2h"),
        ("--tiers", "1m:1d,1s:1h"),
        ("--tiers", "1s:1h,1m:30s"),
        ("--tiers", "1s:0h"),
        ("--tiers", "1s:soon"),
        ("--url-prefix", "monitor"),
        ("--url-prefix", "/a b/"),
        ("--root", "/nowhere/at/all"),
    ],
)
def test_a_value_that_may_not_be(option: str, value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load([option, value])
    assert str(refused.value).startswith(f"{option[2:]} ({option}, MONITOR_")
    assert f"cannot be {value!r}: " in str(refused.value)


def test_the_nearer_source_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().port == 8050
    (folder / "monitor.toml").write_text("port = 1\nhost = '::1'\nmounts = ['/a', '/b']\n")
    assert load().port == 1
    monkeypatch.setenv("MONITOR_PORT", "2")
    assert load().port == 2
    assert load(["--port", "3"]).port == 3
    assert (load().host, load().mounts) == ("::1", ("/a", "/b"))


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_as_if_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MONITOR_{name.upper()}", "")
    assert load() == Settings()
    monkeypatch.setenv("MONITOR_TOKEN", "one-for-all")
    assert load(["--port", "3"]).port == 3


def test_defaults_expose_nothing() -> None:
    settings = load()
    assert settings.host == "127.0.0.1"
    assert settings.parsed_tiers == parse_tiers("1s:1h,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y")
    assert settings.record


def test_each_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--no-record", "--port", "0"),
        ("--data", "s3://bucket/gpu", "--state-dir", "state"),
        ("--mounts", "/a,/b", "--tiers", "1s:14d", "--url-prefix", "/monitor/"),
    ],
    ids=" ".join,
)
def test_settings_reach_the_recorder_whole(options: tuple[str, ...]) -> None:
    settings = load(options)
    assert load(settings.arguments()) == settings


@pytest.mark.parametrize("option", ["--token", "--viewer-token"])
def test_a_token_is_in_no_message_and_on_no_command_line(option: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load([option, "mine,all"])
    assert "mine" not in str(refused.value)
    assert "8 to 256" in str(refused.value)
    settings = load([option, "mine-alone"])
    assert option not in settings.arguments()
    assert "mine-alone" not in f"{settings.arguments()} {settings!r} {settings}"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--trusted-hosts", "https://gpu.example.org"),
        ("--trusted-hosts", "gpu.example.org:443"),
        ("--trusted-hosts", "*"),
        ("--trusted-proxies", "nginx"),
        ("--trusted-proxies", "10.0.0.1/8"),
        ("--proxy-access", "all"),
        ("--frame-ancestors", "wiki.example.org"),
        ("--frame-ancestors", "https://wiki.example.org/page"),
        ("--frame-ancestors", "*"),
        ("--frame-ancestors", "https://a; script-src *"),
        ("--rate-limit", "-1"),
        ("--max-connections", "0"),
    ],
)
def test_access_is_given_by_exact_names(option: str, value: str) -> None:
    with pytest.raises(BadSetting):
        load([option, value])


def test_the_two_tokens_differ() -> None:
    with pytest.raises(BadSetting) as refused:
        load(["--token", "the-same-one", "--viewer-token", "the-same-one"])
    assert "the-same-one" not in str(refused.value)
    assert "must differ" in str(refused.value)


def test_a_bucket_is_not_a_folder() -> None:
    assert load(["--data", "s3://bucket/gpu"]).remote
    assert not load(["--data", "/var/lib/monitor"]).remote
