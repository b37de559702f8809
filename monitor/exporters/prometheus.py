"""What is current in Prometheus' text format 0.0.4.

Not through prometheus_client: it ends each counter's name in `_total`, so it cannot give
dcgm-exporter's names, and takes several times as long. Nor as OpenMetrics, for the same rule.
"""

from __future__ import annotations

import gzip

from monitor.exporters import about
from monitor.exporters.collect import collect
from monitor.exporters.families import Family, Samples
from monitor.exporters.fresh import is_fresh
from monitor.queries.current import Current

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LEVEL = 1  # a fifth of the time of the default; the text repeats itself so much


def exposition(current: Current) -> bytes:
    """The newest tick, made once for all who ask; only that there is none where it is stale."""
    if not is_fresh(current.latest):
        return text(about.recording(current.latest, up=False))
    return current.once("prometheus", lambda latest: text(collect(latest, current.last_xids())))


def compressed(current: Current) -> bytes:
    """`exposition`, as gzip."""
    plain = exposition(current)
    if not is_fresh(current.latest):
        return gzip.compress(plain, _LEVEL)
    return current.once("prometheus.gz", lambda _: gzip.compress(plain, _LEVEL))


def text(samples: Samples) -> bytes:
    """Families with HELP and TYPE; one without samples is left out."""
    parts: list[str] = []
    shown = None
    for family, of_family in samples:
        if not of_family:
            continue
        name = family.name
        if family is not shown:  # a family may come in parts, one after the other
            parts.append(_head(family))
            shown = family
        parts += [f"{name}{labels.text} {value!r}\n" for labels, value in of_family]
    # A name in a label may hold bytes that were no UTF-8.
    return "".join(parts).encode(errors="replace")


def _head(family: Family) -> str:
    said = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {said}\n# TYPE {family.name} {family.kind}\n"
