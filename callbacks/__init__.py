"""One module for each thing a person does or sees change."""

from __future__ import annotations

from dash import Dash

from callbacks import (
    choices,
    compare,
    devices,
    hardware,
    health,
    live,
    presence,
    processes,
    span_report,
    trends,
)
from monitor.queries.archive import Archive
from monitor.queries.current import Current


def register(app: Dash, current: Current, archive: Archive) -> None:
    """Connect every callback."""
    viewers = presence.Presence()
    presence.register(app, viewers)
    live.register(app, current, viewers)
    devices.register(app, current)
    choices.register(app)
    processes.register(app, current)
    compare.register(app, current)
    trends.register(app, current, archive)
    span_report.register(app, current, archive)
    hardware.register(app, current)
    health.register(app, current, archive)
