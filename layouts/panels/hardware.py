"""Hardware: clocks, links, engines, fans and power of the chosen GPU, each against its best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.attributes import aria, data
from layouts.panels.reading import bar, part
from layouts.plain import plain
from layouts.theme import gpu_colour
from monitor.metrics import FANS, GPU
from monitor.queries.hardware import ACTIVITY, HARDWARE
from monitor.queries.latest import Latest, short_name
from monitor.sources.base import DeviceState, Value
from monitor.units import NOT_REPORTED, WATTS


def hardware_section(latest: Latest) -> Component:
    """The whole section, hidden where there is no GPU."""
    gpus = latest.gpus()
    return html.Section(
        id=ids.HARDWARE,
        className="hardware",
        hidden=not gpus,
        **aria(label="Hardware"),
        **plain(hardware_tiles(latest, "")),
    )


def hardware_tiles(latest: Latest, device: str) -> list[Component]:
    """Heading and cards for the GPU with that UUID, or the first one where there is none.

    Readings are empty: assets/hardware.js fills them.
    """
    states = latest.devices.get("gpu", {})
    gpus = latest.gpus()
    gpu = states.get(device) or next(iter(gpus), None)
    if gpu is None:
        return []
    whole = states.get(str(gpu.facts.get("parent")), gpu)
    return [
        html.Div(
            className="section-head",
            children=[
                html.H2("Hardware"),
                html.Span(_of_whom(gpus, whole), className="section-of"),
            ],
        ),
        html.Div(
            className="hardware-grid",
            style={"--accent": gpu_colour(whole.facts.get("index"))},
            children=[
                _card("Clocks", [_clock(gpu, whole, kind) for kind in _CLOCKS]),
                _card("PCIe and NVLink", _links(gpu, whole), _below_best()),
                _card("Engines", [_engine(gpu, column) for column in _ENGINES]),
                _card("State, power and fans", _state(gpu, whole)),
            ],
        ),
    ]


_CLOCKS = {"graphics": "Graphics", "sm": "SM", "memory": "Memory", "video": "Video"}
_ENGINES = (*ACTIVITY, "encoder_percent", "decoder_percent", "jpeg_percent", "ofa_percent")
_SHORT = {"sm_occupancy_percent": "SM occup."}


def _of_whom(gpus: Sequence[DeviceState], gpu: DeviceState) -> str:
    name = str(gpu.facts.get("name", gpu.device))
    return f"{short_name(gpu)} · {name}" if len(gpus) > 1 else name


def _card(label: str, rows: Sequence[Component], *beside: Component) -> Component:
    return html.Section(
        className="panel hardware-card",
        **aria(label=label),
        children=[
            html.Div([html.H3(label, className="label"), *beside], className="panel-head"),
            html.Div(rows, className="hardware-rows"),
        ],
    )


def _reading(
    gpu: DeviceState, column: str, full: object = None, before: str = "", of: str = ""
) -> dict[str, Any]:
    """Attributes by which assets/hardware.js fills an element.

    `full` is where its bar is full: a number, or `link` for what the PCIe link carries. `before`
    and `of` stand around the value.
    """
    return {
        **data(metric=f"gpu.{column}", device=gpu.device, value="", follows="gpu"),
        **data(at=HARDWARE.index(column), unit=GPU[column].unit.symbol),
        **(data(full=full) if full is not None else {}),
        **data(before=before, of=of),
    }


def _row(label: str, *middle: Component, title: str = "", **attributes: Any) -> Component:  # noqa: ANN401
    return html.Div(
        className="hardware-row",
        title=title or None,
        children=[html.Span(label, className="name"), *middle],
        **attributes,
    )


def _measured(label: str, title: str, attributes: dict[str, Any]) -> Component:
    return _row(label, bar(), part("number", className="amount"), title=title, **attributes)


def _told(label: str, text: str, title: str = "") -> Component:
    quiet = " none" if text == NOT_REPORTED else ""
    return _row(label, html.Span(text, className=f"amount wide{quiet}"), title=title)


def _clock(gpu: DeviceState, whole: DeviceState, kind: str) -> Component:
    column, best = f"{kind}_clock_mhz", _number(whole.facts.get(f"max_{kind}_clock_mhz"))
    of = "" if best is None else f" of {best:,.0f}"
    return _measured(_CLOCKS[kind], GPU[column].help, _reading(gpu, column, best, of=of))


def _engine(gpu: DeviceState, column: str) -> Component:
    metric = GPU[column]
    label = _SHORT.get(column, metric.label)
    return _measured(label, metric.help, _reading(gpu, column, 100))


def _below_best() -> Component:
    """Shown by assets/hardware.js while the GPU works and its link is below its best."""
    return html.Span(
        "PCIe below its best",
        className="badge-state link-below",
        title="The GPU works, and its PCIe link is slower or narrower than it could be.",
        hidden=True,
    )


def _links(gpu: DeviceState, whole: DeviceState) -> list[Component]:
    generation, width = (whole.facts.get(f"max_pcie_{of}") for of in ("generation", "width"))
    best = "" if None in (generation, width) else f" of gen {generation} ×{width}"
    return [
        _row(
            "PCIe link",
            html.Span(
                className="amount wide",
                children=[
                    html.Span(
                        part("number"), **_reading(gpu, "pcie_link_generation", before="gen ")
                    ),
                    html.Span(
                        part("number"), **_reading(gpu, "pcie_link_width", before="×", of=best)
                    ),
                ],
            ),
            title="Generation and lanes now, and the best of GPU and slot. Lower when idle: that "
            "saves power.",
        ),
        *[
            _measured(label, GPU[column].help, _reading(gpu, column, "link"))
            for label, column in (
                ("PCIe in", "pcie_rx_bytes_per_second"),
                ("PCIe out", "pcie_tx_bytes_per_second"),
            )
        ],
        *[
            _row(
                label,
                part("number", className="amount wide"),
                title=GPU[column].help,
                **_reading(gpu, column),
            )
            for label, column in (
                ("NVLink in", "nvlink_rx_bytes_per_second"),
                ("NVLink out", "nvlink_tx_bytes_per_second"),
            )
        ],
    ]


def _state(gpu: DeviceState, whole: DeviceState) -> list[Component]:
    facts = whole.facts
    lowest, highest = (_number(facts.get(f"power_limit_{of}_watts")) for of in ("min", "max"))
    span = NOT_REPORTED
    if lowest is not None and highest is not None:
        span = f"{lowest:,.0f} – {WATTS.text(highest)}"
    set_, default = (facts.get(f"power_limit_{of}_watts") for of in ("set", "default"))
    return [
        _row(
            "Performance state",
            part("number", className="amount wide"),
            title=GPU["performance_state"].help,
            **_reading(gpu, "performance_state", before="P"),
        ),
        _row(
            "Power limit",
            part("number", className="amount wide"),
            title="In force, after every limiter.",
            **_reading(gpu, "power_limit_watts"),
        ),
        _told(
            "Limit, set · default",
            f"{_watts(set_)} · {_watts(default)}",
            "The limit as it was set.",
        ),
        _told("Limit, range", span),
        *_fans(gpu, whole),
    ]


def _fans(gpu: DeviceState, whole: DeviceState) -> list[Component]:
    count = whole.facts.get("fan_count")
    if count == 0:
        return [_told("Fan", "none of its own")]
    if not isinstance(count, int) or count == 1:
        return [_measured("Fan", GPU["fan_percent"].help, _reading(gpu, "fan_percent", 100))]
    return [
        _measured(f"Fan {fan}", GPU[column].help, _reading(gpu, column, 100))
        for fan in range(min(count, FANS))
        for column in (f"fan_{fan}_percent",)
    ]


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _watts(value: Value) -> str:
    return WATTS.text(_number(value))
