"""OpenTelemetry: the same metrics, sent by one process, to a receiver that may go away."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from monitor.exporters.otlp import Otlp, metrics_address, otlp
from monitor.settings import BadSetting, Settings, load
from monitor.storage.locations import host_name
from tests.browser.app import ROOT, App
from tests.exporters.collector import Collector, Request, attributes, metrics, number, points
from tests.exporters.scraped import LabelSet, Scraped
from tests.exporters.server import wait_for


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def settings(folder: Path, collector: Collector, *more: str) -> Settings:
    options = ["--data", str(folder), "--otlp-endpoint", collector.url, "--otlp-interval", "1"]
    return load([*options, *more])


@pytest.fixture
def sender(scraped: Scraped, collector: Collector, tmp_path: Path) -> Iterator[Otlp]:
    scraped.demo()
    made = otlp(settings(tmp_path, collector), scraped.current)
    assert made is not None
    made.start()
    yield made
    made.stop()


@dataclass(frozen=True)
class Sent:
    """A request, where it was sent, and what a scrape of the same tick has."""

    request: Request
    path: str
    scraped: Mapping[str, Mapping[LabelSet, float]]

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return metrics(self.request)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    folder = tmp_path_factory.mktemp("sent")
    scraped, collector = Scraped(folder), Collector()
    scraped.demo()
    made = Otlp(settings(folder, collector), collector.url, scraped.current)
    made.start()
    request = collector.wait_for()
    made.stop()
    yield Sent(request, collector.paths[0], scraped.samples())
    collector.close()
    scraped.close()


def test_what_is_sent_is_what_is_scraped(sent: Sent) -> None:
    assert len(sent.scraped) > 50
    for name, samples in sent.scraped.items():
        found = points(sent.metrics[name])
        assert {frozenset(attributes(one).items()): number(one) for one in found} == samples, name


def test_counters_are_cumulative_sums_and_the_rest_gauges(sent: Sent) -> None:
    energy, power = (
        sent.metrics[f"DCGM_FI_DEV_{name}"] for name in ("TOTAL_ENERGY_CONSUMPTION", "POWER_USAGE")
    )
    assert energy.sum.is_monotonic
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert energy.sum.aggregation_temporality == cumulative
    assert (energy.unit, power.unit) == ("mJ", "W")
    assert power.WhichOneof("data") == "gauge"
    assert sent.metrics["DCGM_FI_DEV_GPU_TEMP"].description == "Temperature of the GPU."


def test_it_says_where_it_comes_from(sent: Sent) -> None:
    (resource,) = sent.request.resource_metrics
    found = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert (found["service.name"], found["host.name"]) == ("system-monitor", host_name())
    assert sent.path == "/v1/metrics"


def test_old_values_are_not_sent_as_new(
    scraped: Scraped, collector: Collector, sender: Otlp
) -> None:
    collector.wait_for()
    old = scraped.follower.latest
    scraped.follower.latest = replace(
        old, time=round(1000 * (time.time() - 301)), sequence=old.sequence + 1
    )
    collector.wait_for()  # may have been under way
    sent = metrics(collector.wait_for())
    assert [number(point) for point in points(sent["system_monitor_up"])] == [0]
    assert [name for name in sent if name.startswith("DCGM")] == []


def test_of_several_one_sends_and_another_follows_it(
    scraped: Scraped, collector: Collector, tmp_path: Path
) -> None:
    scraped.demo()
    chosen = settings(tmp_path, collector)
    several = [Otlp(chosen, collector.url, scraped.current) for _ in range(3)]
    for one in several:
        one.start()
    collector.wait_for()
    (first,) = [one for one in several if one.sending]
    first.stop()
    others = [one for one in several if one is not first]
    wait_for(lambda: any(one.sending for one in others), lambda: "nobody followed")
    collector.wait_for()
    assert [one.sending for one in others].count(True) == 1
    for one in others:
        one.stop()


def test_a_receiver_that_goes_away_costs_two_lines(
    collector: Collector, sender: Otlp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    collector.wait_for()
    collector.close()
    wait_for(lambda: any("cannot be sent" in line for line in caplog.messages), lambda: caplog.text)
    collector.status = 503
    collector.reopen()
    collector.wait_for(2)
    collector.status = 200
    wait_for(lambda: "are sent to" in caplog.messages[-1], lambda: caplog.text)
    lost = [line for line in caplog.messages if "cannot be sent" in line]
    assert len(lost) == 1
    assert [record.name for record in caplog.records] == ["monitor.exporters.otel"] * len(
        caplog.records
    )
    assert len(caplog.records) <= 3


def test_a_receiver_that_refuses_is_named_with_its_reason(
    scraped: Scraped, collector: Collector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 401
    scraped.demo()
    made = Otlp(settings(tmp_path, collector), collector.url, scraped.current)
    made.start()
    wait_for(lambda: "cannot be sent" in caplog.text, lambda: caplog.text)
    made.stop()
    assert collector.url in caplog.text
    assert "401" in caplog.text


def instance(request: Request) -> str:
    """Which app sent it, by its own OTEL_RESOURCE_ATTRIBUTES."""
    attributes = request.resource_metrics[0].resource.attributes
    (found,) = [pair.value.string_value for pair in attributes if pair.key == "service.instance.id"]
    return found


def test_of_two_real_apps_one_sends_and_the_other_when_it_was_killed(
    collector: Collector, tmp_path: Path
) -> None:
    data, apps = tmp_path / "data", dict[str, App]()
    options = ["--gpu-source", "demo", "--otlp-endpoint", collector.url, "--otlp-interval", "1"]
    try:
        for name in ("a", "b"):
            named = {"OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={name}"}
            apps[name] = App(data, *options, environment=named)
        wait_for(lambda: answers(apps["a"]) and answers(apps["b"]), lambda: log_of(data))
        collector.wait_for(3)
        (sender,) = {instance(request) for request in collector.received}
        (other,) = apps.keys() - {sender}
        apps[sender]._process.kill()
        wait_for(lambda: instance(collector.received[-1]) == other, lambda: log_of(data))
        wait_for(
            lambda: "DCGM_FI_DEV_GPU_UTIL" in metrics(collector.received[-1]), lambda: log_of(data)
        )
        # Nobody listens any more: it goes on, says so once, and ends when it is told to.
        collector.close()
        ticks = apps[other].ticks()
        wait_for(lambda: "cannot be sent" in log_of(data), lambda: log_of(data))
        wait_for(lambda: apps[other].ticks() > ticks + 1, lambda: log_of(data))
    finally:
        for app in apps.values():
            app.stop()  # kills what does not end within 15 s
        collector.reopen()
    assert apps[other]._process.returncode == -signal.SIGTERM
    assert "Traceback" not in log_of(data)
    assert log_of(data).count("cannot be sent") == 1


def answers(app: App) -> bool:
    try:
        with urllib.request.urlopen(f"{app.url}metrics", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def log_of(data: Path) -> str:
    return (data / "log.txt").read_text()


def test_nothing_is_sent_where_no_endpoint_is_named(scraped: Scraped, tmp_path: Path) -> None:
    assert otlp(load(["--data", str(tmp_path)]), scraped.current) is None


@pytest.mark.parametrize(
    "endpoint", ["collector:4318", "ftp://collector", "http://", "http://user:secret@collector"]
)
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(BadSetting, match="must be an address such as"):
        load(["--otlp-endpoint", endpoint])


@pytest.mark.parametrize("given", ["http://c:4318", "http://c:4318/", "http://c:4318/v1/metrics"])
def test_the_path_is_added_where_it_is_not_there(given: str) -> None:
    assert metrics_address(given) == "http://c:4318/v1/metrics"


def test_without_the_packages_the_start_ends_with_one_sentence(tmp_path: Path) -> None:
    # A package of that name without the SDK's part takes the place of the installed one.
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry/__init__.py").touch()
    found = subprocess.run(
        [sys.executable, "app.py", "--port", "0", "--otlp-endpoint", "http://127.0.0.1:4318"],
        cwd=ROOT,
        env={
            **os.environ,
            "MONITOR_DATA": str(tmp_path / "data"),
            "PYTHONPATH": f"{tmp_path}:{ROOT}",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 2
    assert found.stderr == (
        "otlp-endpoint (--otlp-endpoint, MONITOR_OTLP_ENDPOINT) needs packages that are not "
        "installed: pip install 'system-monitor[otel]' installs them.\n"
    )
