"""Parameters that several paths have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Asked = Annotated[str, StringConstraints(min_length=1, max_length=96)]


class NoParameters(BaseModel):
    """A path without parameters: a wrong one is told, not ignored."""

    model_config = ConfigDict(extra="forbid")


class GpuFilter(NoParameters):
    """Which GPUs."""

    gpu: list[Asked] = Field(
        [],
        max_length=64,
        description="index or UUID; repeat it for several; all where it is left out",
        examples=[["0"], ["GPU-a1b2"]],
    )
