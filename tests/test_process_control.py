"""Signals reach the process that was meant, and no other."""

from __future__ import annotations

import os
import signal

import pytest

from monitor import process_control
from monitor.process_control import NotSent, send
from monitor.sources.processes import Running, running
from tests.children import Child, child, waiting_process

__all__ = ["child"]


def started(process: Child) -> int:
    found = running(process.pid)
    assert found
    return found.started


def state(process: Child) -> int:
    """What the kernel next reports of it: how it stopped, went on or ended."""
    return os.waitpid(process.pid, os.WUNTRACED | os.WCONTINUED)[1]


def test_pause_and_resume(child):
    send("pause", child.pid, started(child))
    assert os.WIFSTOPPED(state(child))
    send("resume", child.pid, started(child))
    assert os.WIFCONTINUED(state(child))


@pytest.mark.parametrize(
    ("action", "number"), [("terminate", signal.SIGTERM), ("kill", signal.SIGKILL)]
)
def test_terminate_and_kill(child, action, number):
    send(action, child.pid, started(child))
    assert child.wait() == -number


def test_an_id_that_another_process_has_by_now_is_not_hit(child):
    with pytest.raises(NotSent, match="another one by now") as refused:
        send("kill", child.pid, started(child) - 5)
    assert refused.value.kind == "process-changed"
    assert child.poll() is None


def test_a_process_that_ends_and_whose_id_is_taken_meanwhile_is_not_hit(child, monkeypatch):
    """The handle was taken first: what is compared afterwards cannot be another process."""
    began = started(child)
    other = waiting_process()

    def ends_and_is_followed(_: int) -> Running:
        child.kill()
        child.wait()
        return Running(os.geteuid(), began)

    monkeypatch.setattr(process_control, "running", ends_and_is_followed)
    with pytest.raises(NotSent, match="has ended"):
        send("kill", child.pid, began)
    assert other.poll() is None
    other.kill()
    other.communicate()


def test_one_that_hides_is_not_said_to_have_ended(child, monkeypatch):
    began = started(child)
    monkeypatch.setattr(process_control, "running", lambda _: None)
    with pytest.raises(NotSent, match="runs, but nothing of it can be seen") as refused:
        send("kill", child.pid, began)
    assert refused.value.kind == "process-unseen"
    assert child.poll() is None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(NotSent, match="has ended"):
        send("kill", child.pid, began)


def test_another_users_is_not_hit(child, monkeypatch):
    began = started(child)
    monkeypatch.setattr(process_control, "running", lambda _: Running(os.geteuid() + 1, began))
    with pytest.raises(NotSent, match="another user's"):
        send("kill", child.pid, began)
    assert child.poll() is None


def test_one_that_has_ended_is_said_to_have(child):
    began = started(child)
    child.kill()
    child.communicate()
    with pytest.raises(NotSent, match=f"Process {child.pid} has ended"):
        send("terminate", child.pid, began)
