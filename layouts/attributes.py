"""HTML attributes that Dash spells as keywords with a hyphen."""

from __future__ import annotations

from typing import Any


def data(**attributes: object) -> dict[str, Any]:
    """`data(gpu_card="x")` → `{"data-gpu-card": "x"}`."""
    return {f"data-{name.replace('_', '-')}": value for name, value in attributes.items()}


def aria(**attributes: str) -> dict[str, Any]:
    """`aria(label="x")` → `{"aria-label": "x"}`."""
    return {f"aria-{name}": value for name, value in attributes.items()}


HIDDEN_FROM_READERS = aria(hidden="true")
