"""The metrics of `/metrics` through OpenTelemetry's SDK. Needs the extra `otel`.

Headers, certificates and compression come from OTEL_EXPORTER_OTLP_*, resource attributes from
OTEL_RESOURCE_ATTRIBUTES, as everywhere where that SDK is used.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from monitor import __version__
from monitor.exporters import about
from monitor.exporters.collect import collect
from monitor.exporters.families import Family, Sample
from monitor.exporters.fresh import is_fresh
from monitor.queries.current import Current
from monitor.queries.latest import Latest
from monitor.storage.locations import host_name

log = logging.getLogger(__name__)

SERVICE = "system-monitor"

_LONGEST_SECONDS = 10.0
_LAST_SECONDS = 2.0

FAMILIES = tuple(dict.fromkeys(family for family, _ in collect(Latest(), {})))
# An instrument's name becomes lower case; a view gives dcgm-exporter's back.
_SPELLED = [
    View(instrument_name=family.name.lower(), name=family.name)
    for family in FAMILIES
    if family.name != family.name.lower()
]


class _LastWords(logging.Filter):
    """Keeps what was said last, and lets nothing pass."""

    said = "no reason given."

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown: never."""
        self.said = record.getMessage()
        return False


_WORDS = _LastWords()  # of a logger of which the process has one


class Sender:
    """Sends what is current to `endpoint` each `interval` seconds, from threads of the SDK's."""

    def __init__(self, endpoint: str, interval: float, current: Current) -> None:
        self._current = current
        exporter = _Exporter(endpoint, interval)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1000 * interval)
        self._provider = MeterProvider(
            [reader], _resource(), views=_SPELLED, shutdown_on_exit=False
        )
        meter = self._provider.get_meter(SERVICE, __version__)
        for family in FAMILIES:
            make: Callable[..., object] = (
                meter.create_observable_counter
                if family.kind == "counter"
                else meter.create_observable_gauge
            )
            make(family.name, [self._observer(family)], family.unit, family.help)

    def close(self) -> None:
        """Send a last time and end, within about two seconds."""
        with contextlib.suppress(Exception):  # the SDK raises no other class
            self._provider.shutdown(timeout_millis=1000 * _LAST_SECONDS)

    def _observer(self, family: Family) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            samples = self._samples().get(family, ())
            return [Observation(value, labels.pairs) for labels, value in samples]

        return observe

    def _samples(self) -> Mapping[Family, list[Sample]]:
        """Of the newest tick; only that there is none where it is stale."""
        if not is_fresh(self._current.latest):
            return {
                family: list(samples)
                for family, samples in about.recording(self._current.latest, up=False)
            }
        return self._current.once("otel", self._collected)

    def _collected(self, latest: Latest) -> Mapping[Family, list[Sample]]:
        found: dict[Family, list[Sample]] = {}
        for family, samples in collect(latest, self._current.last_xids()):
            found.setdefault(family, []).extend(samples)
        return found


class _Exporter(OTLPMetricExporter):
    """Says once that sending fails, and once that it goes on."""

    def __init__(self, endpoint: str, interval: float) -> None:
        super().__init__(endpoint=endpoint, timeout=min(interval, _LONGEST_SECONDS))
        address = urlsplit(endpoint)
        self._where = f"{address.scheme}://{address.netloc}"
        self._every = interval
        self._well: bool | None = None
        # The SDK has a line or two for each failure.
        logging.getLogger(OTLPMetricExporter.__module__).addFilter(_WORDS)
        logging.getLogger("opentelemetry.sdk.metrics").setLevel(logging.CRITICAL)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **more: object
    ) -> MetricExportResult:
        """Send, and say how that went where it went otherwise than the last time."""
        result = super().export(metrics_data, timeout_millis, **more)
        well = result is MetricExportResult.SUCCESS
        if well != self._well:
            self._well = well
            if well:
                log.info("Metrics are sent to %s every %g s.", self._where, self._every)
            else:
                log.warning(
                    "Metrics cannot be sent to %s, tried again every %g s: %s",
                    self._where,
                    self._every,
                    _WORDS.said,
                )
        return result


def _resource() -> Resource:
    own = {"service.name": SERVICE, "service.version": __version__, "host.name": host_name()}
    return Resource.create(own).merge(OTELResourceDetector().detect())
