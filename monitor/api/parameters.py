"""Parameters that several paths have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# No control characters: none is in a name, and a path with any is refused before it comes here.
Asked = Annotated[
    str, StringConstraints(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+$")
]
OneGpu = Annotated[Asked, Path(description="index or UUID", examples=["0", "GPU-a1b2"])]


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
