"""What may be asked of the past, as the reference shows it; `queries.question` checks it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, WithJsonSchema

from monitor.api.history_models import HISTORY_TABLES
from monitor.metrics import Table


def columns(example: str) -> Any:  # noqa: ANN401
    """The field for columns."""
    return Field(
        [],
        max_length=200,
        description="columns, separated by commas or repeated; all where it is left out",
        examples=[[example]],
    )


_LONGEST = 64


def _text(**schema: object) -> Any:  # noqa: ANN401
    return WithJsonSchema({"type": "string", "maxLength": _LONGEST, **schema})


_SHORT = StringConstraints(max_length=_LONGEST)
Moment = Annotated[
    str,
    _SHORT,
    _text(
        anyOf=[
            {"enum": ["now"]},
            {"pattern": "^-[0-9]{1,6}[smhdwy]$"},
            {"format": "date-time"},
            {"format": "date"},
        ],
        examples=["-6h", "2026-11-24T10:00:00Z"],
    ),
]
Resolution = Annotated[str, _SHORT, _text(pattern="^[0-9]+[smhd]?$")]
HistoryTable = Annotated[str, _SHORT, _text(enum=list(HISTORY_TABLES), examples=["host"])]


def column_of(*tables: Table) -> Any:  # noqa: ANN401
    """A column of these tables, or several in one text separated by commas."""
    names = sorted({column for table in tables for column in table.columns})
    schema = {"type": "string", "anyOf": [{"enum": names}, {"pattern": ","}]}
    return Annotated[str, WithJsonSchema(schema)]
