"""The REST API's paths."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.queries.current import Current
from monitor.settings import Settings


def router(current: Current, settings: Settings) -> APIRouter:
    """Every path below /api/v1/system."""
    return APIRouter(prefix="/api/v1/system")
