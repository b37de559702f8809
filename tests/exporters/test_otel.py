"""OpenTelemetry: the same metrics, sent by one process, to a receiver that may go away."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from monitor.exporters.otlp import Otlp, metrics_address, otlp
from monitor.settings import BadSetting, Settings, load
from tests.browser.app import ROOT, App
from tests.exporters.collector import Collector, attributes, metrics, number, points
from tests.exporters.scraped import Scraped
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


def test_what_is_sent_is_what_is_scraped(
    scraped: Scraped, collector: Collector, sender: Otlp
) -> None:
    sent = metrics(collector.wait_for())
    scraped.follower.latest = replace(scraped.follower.latest, time=round(time.time() * 1000))
    for name, samples in scraped.samples().items():
        if name == "system_monitor_last_tick_timestamp_seconds":
            continue  # set anew above
        found = {
            frozenset(attributes(point).items()): number(point) for point in points(sent[name])
        }
        assert found == samples, name


def test_counters_are_cumulative_sums_and_the_rest_gauges(
    collector: Collector, sender: Otlp
) -> None:
    sent = metrics(collector.wait_for())
    energy = sent["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"]
    assert energy.sum.is_monotonic
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert energy.sum.aggregation_temporality == cumulative
    assert (energy.unit, sent["DCGM_FI_DEV_POWER_USAGE"].unit) == ("mJ", "W")
    assert sent["DCGM_FI_DEV_POWER_USAGE"].WhichOneof("data") == "gauge"
    assert sent["DCGM_FI_DEV_GPU_TEMP"].description == "Temperature of the GPU."


def test_it_says_where_it_comes_from(
    collector: Collector, sender: Otlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = collector.wait_for()
    found = {
        pair.key: pair.value.string_value
        for pair in request.resource_metrics[0].resource.attributes
    }
    assert found["service.name"] == "system-monitor"
    assert found["host.name"]
    assert collector.paths[0] == "/v1/metrics"


def test_old_values_are_not_sent_as_new(
    scraped: Scraped, collector: Collector, sender: Otlp
) -> None:
    collector.wait_for()
    old = scraped.follower.latest
    scraped.follower.latest = replace(
        old, time=round(1000 * (time.time() - 60)), sequence=old.sequence + 1
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


def test_the_real_app_sends_and_ends_though_nobody_listens(
    collector: Collector, tmp_path: Path
) -> None:
    options = ["--gpu-source", "demo", "--otlp-endpoint", collector.url, "--otlp-interval", "1"]
    app = App(tmp_path / "data", *options)
    try:
        wait_for(
            lambda: (
                "DCGM_FI_DEV_GPU_UTIL" in metrics(collector.received[-1])
                if collector.received
                else False
            ),
            lambda: (tmp_path / "data/log.txt").read_text(),
        )
        collector.close()
        ticks = app.ticks()
        wait_for(lambda: app.ticks() > ticks + 2, lambda: "recording has stopped")
        assert app._process.poll() is None
    finally:
        app.stop()  # kills what does not end within 15 s
        collector.reopen()
    assert app._process.returncode == -signal.SIGTERM
    log = (tmp_path / "data/log.txt").read_text()
    assert "Traceback" not in log
    assert log.count("\n") < 10


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
