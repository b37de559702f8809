"""Which GPU the page shows, or all of them side by side: the selector and the toggle."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import aria
from monitor.queries.latest import is_whole, short_name
from monitor.queries.view import addresses
from monitor.sources.base import DeviceState

_MODES = {"single": "Single", "compare": "Compare"}


def choice(gpus: Sequence[DeviceState]) -> dict[str, object]:
    """What there is to choose: each GPU's UUID and name in addresses; whether to compare."""
    return {"gpus": list(addresses(gpus).items()), "compares": not why_not_compared(gpus)}


def gpu_selector(gpus: Sequence[DeviceState]) -> Component:
    """The list of GPUs, hidden where there is a single one."""
    return html.Div(
        id=ids.GPU_SELECTOR,
        className="selector",
        hidden=nothing_to_choose(gpus),
        children=dcc.Dropdown(
            id=ids.GPU_SELECT,
            options=gpu_options(gpus),
            value=gpus[0].device if gpus else None,
            clearable=False,
            searchable=False,
            maxHeight=420,
        ),
    )


def mode_toggle(gpus: Sequence[DeviceState]) -> Component:
    """Single or Compare, disabled where there is nothing to compare."""
    return html.Div(
        id=ids.MODE_PLACE,
        className="mode",
        title=why_not_compared(gpus),
        children=dbc.RadioItems(
            id=ids.MODE_TOGGLE,
            # One group: Tab comes to it once, arrow keys choose.
            name=ids.MODE_TOGGLE,
            className="segments",
            input_class_name="btn-check",
            label_class_name="segment",
            label_checked_class_name="chosen",
            options=mode_options(gpus),
            value="single",
        ),
        role="group",
        **aria(label="One GPU, or all side by side"),
    )


def gpu_options(gpus: Sequence[DeviceState]) -> list[dict[str, str]]:
    """The selector's choices, such as `GPU 0: NVIDIA H100 80GB HBM3`."""
    return [
        {
            "label": f"{short_name(gpu)}: {gpu.facts.get('name', gpu.device)}",
            "value": gpu.device,
        }
        for gpu in gpus
    ]


def mode_options(gpus: Sequence[DeviceState]) -> list[dict[str, object]]:
    """The toggle's choices."""
    disabled = bool(why_not_compared(gpus))
    return [{"label": label, "value": mode, "disabled": disabled} for mode, label in _MODES.items()]


def why_not_compared(gpus: Sequence[DeviceState]) -> str:
    """A sentence where there is nothing to compare; empty where there is.

    A single GPU's MIG instances are seen side by side too.
    """
    if not any(is_whole(gpu) for gpu in gpus):
        return "No GPU is known, so there is nothing to compare."
    return "There is one GPU, so there is nothing to compare." if len(gpus) == 1 else ""


def nothing_to_choose(gpus: Sequence[DeviceState]) -> bool:
    """Whether the selector would offer a single GPU, or none."""
    return len(gpus) < 2
