"""What a viewer of the WebSocket asks for, in its address or by a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from monitor.api.parameters import Asked

Only = Literal["gpus", "host"]
ALLOWED = 'A message is {"subscribe": {"gpu": [0, 2], "only": "gpus"}} or {"ping": 1}.'
# Who may be let in by it is settled before.
_TOKEN = "token"


def _named(gpu: object) -> object:
    return str(gpu) if isinstance(gpu, int) and not isinstance(gpu, bool) else gpu


Gpu = Annotated[Asked, BeforeValidator(_named)]


class Subscription(BaseModel):
    """Which GPUs, all where none is named; `only` leaves out the machine, or the GPUs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu: tuple[Gpu, ...] = Field((), max_length=64)
    only: Only | None = None

    @model_validator(mode="after")
    def _asks_for_what_it_names(self) -> Subscription:
        if self.gpu and self.only == "host":
            raise ValueError("gpu has to be left out where only is host")
        return self


class Word(BaseModel):
    """A message of a client: one of these."""

    model_config = ConfigDict(extra="forbid")

    subscribe: Subscription | None = None
    ping: Annotated[str, Field(max_length=64)] | int | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Word:
        if len(self.model_fields_set) != 1:
            raise ValueError("it has to have either subscribe or ping")
        return self


class Misunderstood(ValueError):
    """Its text is a sentence for the client."""


def heard(text: str) -> Word:
    """A message; Misunderstood with what is wrong and what is allowed."""
    try:
        return Word.model_validate_json(text)
    except ValidationError as error:
        raise Misunderstood(f"{_reason(error)}. {ALLOWED}") from None


def asked(query: Sequence[tuple[str, str]]) -> Subscription:
    """What an address asks for: `?gpu=0&gpu=2&only=gpus`; Misunderstood where it is none."""
    wanted: dict[str, Any] = {"gpu": []}
    for name, value in query:
        if name == "gpu":
            wanted["gpu"].append(value)
        elif name != _TOKEN:
            wanted[name] = value
    return _subscription(wanted)


def _subscription(wanted: Mapping[str, Any]) -> Subscription:
    try:
        return Subscription.model_validate(wanted)
    except ValidationError as error:
        raise Misunderstood(_reason(error)) from None


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("int", "constrained-str"))
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}"[:300] if where else what[:300]
