"""What an operator may do to a GPU process, where the settings allow it; every act is logged."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from monitor.access.roles import Role, require_operator, role_of
from monitor.api.described import answers, example
from monitor.api.parameters import NoParameters
from monitor.api.problems import NOT_STORED, Refusal, documented, examples
from monitor.process_control import SIGNALS, Action, NotSent, send
from monitor.queries.current import Current
from monitor.queries.latest import Latest, short_name
from monitor.settings import Settings
from monitor.sources.base import Row

log = logging.getLogger(__name__)

_STATUS = {
    "process-gone": 404,
    "process-unseen": 409,
    "process-changed": 409,
    "other-user": 403,
    "not-permitted": 403,
}


class Permissions(BaseModel):
    """What whoever asks may do."""

    role: str = Field(description="`viewer` or `operator`", examples=["operator"])
    signals: bool = Field(description="whether GPU processes may be signalled", examples=[False])


class Signal(BaseModel):
    """What to do to which process: its id and its start tell it from all others."""

    model_config = ConfigDict(extra="forbid")

    action: Action = Field(description="what to do", examples=["pause"])
    started: int = Field(
        description="`started` of the process, as gpu-processes has it", examples=[1795514400]
    )


class Sent(BaseModel):
    """A signal that was sent."""

    pid: int = Field(description="id of the process", examples=[4242])
    name: str | None = Field(description="its program", examples=["python"])
    action: Action = Field(description="what was asked for", examples=["pause"])
    signal: str = Field(description="the signal that was sent", examples=["SIGSTOP"])


def add_process_control(paths: APIRouter, current: Current, settings: Settings) -> None:
    """Add `permissions` and `gpu-processes/{pid}/signal` to the paths below /api/v1/system."""

    @paths.get("/permissions", **answers(Permissions, 422))
    async def permissions(request: Request, _: Annotated[NoParameters, Query()]) -> Response:
        """What whoever asks may do."""
        role = role_of(request)
        found = Permissions(
            role=role.name.lower(), signals=settings.allow_signals and role >= Role.OPERATOR
        )
        body = found.model_dump_json().encode()
        return Response(body, headers=NOT_STORED, media_type="application/json")

    @paths.post(
        "/gpu-processes/{pid}/signal",
        response_model=Sent,
        responses={
            200: {"content": {"application/json": {"example": example(Sent)}}},
            **documented(422),
            **examples(
                _off(),
                _not_there(4242),
                _not_sent(NotSent("process-changed", "Process 4242 is another one by now.")),
            ),
        },
    )
    def signal(
        request: Request, pid: Annotated[int, Path(ge=1, le=(1 << 31) - 1)], asked: Signal
    ) -> Sent:
        """Pause, resume, terminate or kill a GPU process of the monitor's own user."""
        by = request.client.host if request.client else "a Unix socket"
        try:
            if not settings.allow_signals:
                raise _off()
            require_operator(request)
            row = _process(current.latest, pid)
            try:
                send(asked.action, pid, asked.started)
            except NotSent as error:
                raise _not_sent(error) from None
        except Refusal as refusal:
            log.warning(
                "Not sent: %s to process %d, asked for by %s: %s",
                *(SIGNALS[asked.action].name, pid, by, refusal.detail),
            )
            raise
        number = SIGNALS[asked.action]
        log.warning(
            "Sent: %s to process %d (%r, of %r, on %s), asked for by %s.",
            *(number.name, pid, row.get("name"), row.get("user")),
            *(_where(current.latest, pid), by),
        )
        name = row.get("name")
        return Sent(
            pid=pid,
            name=None if name is None else str(name),
            action=asked.action,
            signal=number.name,
        )


def _off() -> Refusal:
    return Refusal(
        403,
        "signals-off",
        "Signals are off",
        "This server signals no process: it was started without --allow-signals"
        " (MONITOR_ALLOW_SIGNALS=1).",
    )


def _not_there(pid: int) -> Refusal:
    detail = f"No process {pid} is on a GPU now."
    return Refusal(404, "unknown-process", "No such GPU process", detail)


def _not_sent(error: NotSent) -> Refusal:
    return Refusal(_STATUS[error.kind], error.kind, "No signal was sent", str(error))


def _process(latest: Latest, pid: int) -> Row:
    """A row of that process at the newest tick; only what is on a GPU may be signalled."""
    found = [row for row in latest.table("process").values() if row.get("pid") == pid]
    if not found:
        raise _not_there(pid)
    if found[0].get("visibility") != "visible":
        detail = f"Process {pid} is none of those that the monitor can see here."
        raise Refusal(409, "process-unseen", "No signal was sent", detail)
    return found[0]


def _where(latest: Latest, pid: int) -> str:
    on = {row["device"] for row in latest.table("process").values() if row.get("pid") == pid}
    return " and ".join(short_name(gpu) for gpu in latest.gpus() if gpu.device in on)
