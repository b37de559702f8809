"""The README's tables of metrics and settings, made from where they are declared.

`python -m docs.reference` writes them between their markers; a test holds the README to them.
"""

from __future__ import annotations

import re
from pathlib import Path

from monitor.metrics import TABLES, Metric, RollUp
from monitor.settings import ENV_PREFIX, Settings

README = Path(__file__).parents[1] / "README.md"

_ROLLED = {
    RollUp.MEAN: "mean, lowest, highest",
    RollUp.LAST: "last value",
    RollUp.ANY: "every bit seen",
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


def written(block: str) -> str:
    """What the README has between the markers of a block."""
    found = _between(block).search(README.read_text())
    if found is None:
        raise LookupError(f"README.md has no block named {block}")
    return found[2]


def main() -> None:
    """Write both blocks into the README."""
    text = README.read_text()
    for block, content in {"metrics": metric_reference(), "settings": settings_reference()}.items():
        text = _between(block).sub(lambda found, new=content: found[1] + new + found[3], text)
    README.write_text(text)


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
