"""Names of sensors, told apart where a board gives one name to two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def unique(names: Sequence[str]) -> list[str]:
    """The names in order; the second `soc` is `soc 2`."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return told
