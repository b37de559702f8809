"""The tables of metrics, settings and exported names, made from where they are declared.

`python -m docs.reference` writes them between their markers; tests hold the pages to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.exporters.collect import collect
from monitor.metrics import TABLES, Metric, RollUp
from monitor.queries.latest import Latest
from monitor.settings import ENV_PREFIX, Settings

README = Path(__file__).parents[1] / "README.md"
PROMETHEUS = Path(__file__).parent / "prometheus.md"

_ROLLED = {
    RollUp.MEAN: "mean, lowest, highest",
    RollUp.LAST: "last value",
    RollUp.ANY: "every bit seen",
    RollUp.WORST: "the most severe",
}


def metric_reference() -> str:
    """A Markdown table for each table of the catalogue."""
    blocks = []
    for table in TABLES.values():
        rows = "\n".join(map(_metric_line, table.metrics))
        blocks.append(
            f"#### `{table.name}`: {table.row}\n\n`device` is the {_device(table.device)}.\n\n"
            f"| column | unit | what it is | read from | in coarser tiers |\n"
            f"| --- | --- | --- | --- | --- |\n{rows}"
        )
    return "\n\n".join(blocks)


def settings_reference() -> str:
    """A Markdown table of the settings, with what they are when nobody says otherwise."""
    lines = ["| option | variable | default | what it is |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        if field.default is True:
            option = f"--no-{name.replace('_', '-')}"
        lines.append(
            f"| `{option}` | `{ENV_PREFIX}{name.upper()}` | {_default(field.default)} "
            f"| {field.description} |"
        )
    return "\n".join(lines)


def names_reference() -> str:
    """A Markdown table of every name that `/metrics` can have."""
    lines = ["| name | type | what it is |", "| --- | --- | --- |"]
    families = dict.fromkeys(family for family, _ in collect(Latest(), {}))
    lines += [f"| `{family.name}` | {family.kind} | {family.help} |" for family in families]
    return "\n".join(lines)


BLOCKS: Mapping[str, tuple[Path, Callable[[], str]]] = {
    "metrics": (README, metric_reference),
    "settings": (README, settings_reference),
    "names": (PROMETHEUS, names_reference),
}
"""By name: the page that has it, and what it is to have."""


def written(block: str) -> str:
    """What the page has between the markers of a block."""
    page, _ = BLOCKS[block]
    found = _between(block).search(page.read_text())
    if found is None:
        raise LookupError(f"{page.name} has no block named {block}")
    return found[2]


def main() -> None:
    """Write each block into its page."""
    for block, (page, made) in BLOCKS.items():
        content = made()
        text = _between(block).sub(
            lambda found, new=content: found[1] + new + found[3], page.read_text()
        )
        page.write_text(text)


def _between(block: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {block} -->\n\n)(.*?)(\n\n<!-- end of {block} -->)", re.DOTALL)


def _metric_line(metric: Metric) -> str:
    cells = (
        f"`{metric.column}`",
        metric.unit.name,
        metric.help,
        metric.source,
        _ROLLED[metric.roll_up],
    )
    return f"| {' | '.join(cells)} |"


def _device(device: str) -> str:
    # "the word host" says already that it is a word.
    return device.removeprefix("the ")


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        value = ",".join(value)
    return "yes" if value is True else f"`{value}`"


if __name__ == "__main__":
    main()
