"""Operators signal GPU processes over the API: who may, what is refused, and what is logged."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from monitor.access.roles import Role, give_role
from monitor.sources.processes import running
from tests.api.test_current_values import FIRST, NOW, Served, served, two_gpus
from tests.children import Child, child, waiting_process

__all__ = ["child", "served", "two_gpus"]


class Desk:
    """A client with a role, of a server that may signal."""

    def __init__(self, served: Served, child: Child, role: Role) -> None:
        self.served = served
        self.child = child
        found = running(child.pid)
        assert found
        self.started = found.started
        app: Any = served.client.app

        async def with_role(scope: Any, receive: Any, send: Any) -> None:
            give_role(scope, role)
            await app(scope, receive, send)

        self.served.client = type(served.client)(with_role)
        row = {"device": FIRST, "pid": child.pid, "name": "py\nthon", "user": "ada"}
        served.tick({"process": [{**row, "visibility": "visible"}]}, NOW + 1000)

    def ask(self, pid: int | None = None, **body: object) -> Any:
        path = f"/api/v1/system/gpu-processes/{self.child.pid if pid is None else pid}/signal"
        return self.served.client.post(
            path, json={"action": "terminate", "started": self.started, **body}
        )


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_ALLOW_SIGNALS", "1")


# The settings are read when the server is made: `allowed` comes first.
@pytest.fixture
def desk(allowed: None, two_gpus: Served, child: Child) -> Desk:
    return Desk(two_gpus, child, Role.OPERATOR)


def refused(answer: Any, status: int, kind: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    return str(answer.json()["detail"])


def test_an_operator_ends_a_process_and_it_is_logged(desk: Desk, caplog):
    caplog.set_level(logging.WARNING)
    answer = desk.ask()
    assert answer.status_code == 200, answer.text
    told = {"pid": desk.child.pid, "name": "py\nthon", "action": "terminate", "signal": "SIGTERM"}
    assert answer.json() == told
    assert desk.child.wait() == -15
    [line] = [record.getMessage() for record in caplog.records]
    # What a process calls itself does not break the line.
    assert line == (
        f"Sent: SIGTERM to process {desk.child.pid} ('py\\nthon', of 'ada', on GPU 0),"
        " asked for by testclient."
    )


def test_a_viewer_may_not(allowed, two_gpus, child, caplog):
    desk = Desk(two_gpus, child, Role.VIEWER)
    refused(desk.ask(), 403, "operator-needed")
    assert child.poll() is None
    assert [record.getMessage()[:9] for record in caplog.records] == ["Not sent:"]
    assert two_gpus.get("permissions") == {"role": "viewer", "signals": False}


def test_it_is_off_until_it_is_switched_on(two_gpus, child):
    desk = Desk(two_gpus, child, Role.OPERATOR)
    assert "MONITOR_ALLOW_SIGNALS=1" in refused(desk.ask(), 403, "signals-off")
    assert child.poll() is None
    assert two_gpus.get("permissions") == {"role": "operator", "signals": False}


def test_only_a_process_on_a_gpu_is_signalled(desk: Desk):
    assert desk.served.get("permissions")["signals"] is True
    other = waiting_process()
    assert "is on a GPU now" in refused(desk.ask(other.pid), 404, "unknown-process")
    assert other.poll() is None
    other.kill()
    other.communicate()


@pytest.mark.parametrize("visibility", ["elsewhere", "dead", "hidden", None])
def test_one_that_is_not_seen_here_is_not_signalled(desk: Desk, visibility):
    row = {"device": FIRST, "pid": desk.child.pid, "visibility": visibility}
    desk.served.tick({"process": [row]}, NOW + 2000)
    refused(desk.ask(), 409, "process-unseen")
    assert desk.child.poll() is None


def test_another_process_of_the_same_id_is_not_signalled(desk: Desk):
    refused(desk.ask(started=desk.started - 60), 409, "process-changed")
    assert desk.child.poll() is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"action": "reboot"}, "action"),
        ({"started": "now"}, "started"),
        ({"started": None}, "started"),
        ({"force": True}, "force"),
    ],
)
def test_bad_input_gets_a_sentence_and_signals_nothing(desk: Desk, body, said):
    assert said in refused(desk.ask(**body), 422, "bad-parameters")
    assert desk.child.poll() is None


@pytest.mark.parametrize("pid", [0, -1, 1 << 31])
def test_no_group_of_processes_is_signalled(desk: Desk, pid):
    refused(desk.ask(pid), 422, "bad-parameters")


def test_recorded_settings_have_it(tmp_path: Path, allowed):
    from monitor.settings import load

    assert "--allow-signals" in load(["--data", str(tmp_path)]).arguments()
