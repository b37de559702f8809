"""What the chosen GPU is: name, driver, memory, link."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from layouts.attributes import aria, data
from layouts.panels.reading import part
from monitor.sources.base import DeviceState
from monitor.units import BYTES, NOT_REPORTED


def device_panel(gpu: DeviceState, *, shown: bool) -> Component:
    """The card of one GPU; assets/live.js shows the chosen GPU's and hides the others."""
    facts = gpu.facts
    return html.Section(
        className="panel device",
        hidden=not shown,
        **aria(label="GPU device"),
        **data(gpu_card=gpu.device, gpu=gpu.device, status=gpu.status),
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.H3("GPU device", className="label"),
                    html.Span(className="gpu-status"),
                ],
            ),
            html.Dl(
                className="facts",
                children=_of_a_board(gpu)
                if facts.get("board")
                else [
                    _fact("Device", _text(facts, "name")),
                    _fact("Driver · CUDA", _pair(facts, "driver_version", "cuda_version")),
                    _fact("Compute", _compute(facts)),
                    _fact("PCIe", _link(facts)),
                    _fact("UUID", _short(gpu.device), title=gpu.device),
                    _fact("Memory", _memory(facts)),
                    _live("Memory clock", "gpu.memory_clock_mhz", gpu.device),
                    _live("ECC uncorrected", "gpu.ecc_uncorrected_count", gpu.device),
                ],
            ),
        ],
    )


def _of_a_board(gpu: DeviceState) -> list[Component]:
    """A Jetson's: it has no link and no memory of its own."""
    facts = gpu.facts
    return [
        _fact("Device", _text(facts, "name")),
        _fact("Driver · CUDA", _pair(facts, "driver_version", "cuda_version")),
        _fact("L4T", _text(facts, "l4t_version")),
        _fact("JetPack", _text(facts, "jetpack_version")),
        _fact("Board", _text(facts, "board")),
        _fact("Memory", _memory(facts)),
        _fact("Compute", _compute(facts)),
        _fact("Id", _short(gpu.device), title=gpu.device),
    ]


def _fact(label: str, text: str, title: str | None = None) -> Component:
    return html.Div([html.Dt(label), html.Dd(text, title=title or text)])


def _live(label: str, metric: str, device: str) -> Component:
    return html.Div(
        [
            html.Dt(label),
            html.Dd(
                **data(metric=metric, device=device, value=""),
                children=[part("number"), " ", part("symbol")],
            ),
        ]
    )


def _text(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    return NOT_REPORTED if value is None else str(value)


def _pair(facts: Mapping[str, object], *names: str) -> str:
    return " · ".join(_text(facts, name) for name in names)


def _compute(facts: Mapping[str, object]) -> str:
    parts = [_text(facts, "compute_capability")]
    cores = facts.get("cores")
    if isinstance(cores, int):
        parts.append(f"{cores:,} cores")
    return " · ".join(parts)


def _link(facts: Mapping[str, object]) -> str:
    generation, width = facts.get("max_pcie_generation"), facts.get("max_pcie_width")
    if generation is None or width is None:
        return NOT_REPORTED
    return f"gen {generation} ×{width}"


def _memory(facts: Mapping[str, object]) -> str:
    total, bus = facts.get("memory_total_bytes"), facts.get("memory_bus_bits")
    parts = [BYTES.text(float(total))] if isinstance(total, int) else [NOT_REPORTED]
    if isinstance(bus, int):
        parts.append(f"{bus:,} bit")
    if facts.get("memory_kind") == "shared":
        parts.append("shared")
    return " · ".join(parts)


def _short(uuid: str) -> str:
    return uuid if len(uuid) < 18 else f"{uuid[:12]}…{uuid[-4:]}"
