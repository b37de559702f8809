"""A real Prometheus scrapes a real app: dashboards that people have go on to work."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.sources.demo import demo_uuid
from monitor.storage.locations import host_name
from tests.browser.app import App
from tests.exporters.dashboard import expressions
from tests.exporters.scraped import promtool
from tests.exporters.server import Prometheus

GPUS = {str(index) for index in range(8)}
DEPLOY = Path(__file__).parents[2] / "deploy"

# Of the public dashboard of dcgm-exporter (grafana.com 12239), its first form and today's.
# GPUs behind a variable are all of them.
DASHBOARD = [
    "DCGM_FI_DEV_GPU_TEMP{instance=~'$instance', gpu=~'$gpu'}",
    "avg(DCGM_FI_DEV_GPU_TEMP{instance=~'$instance', gpu=~'$gpu'})",
    "DCGM_FI_DEV_POWER_USAGE{instance=~'$instance', gpu=~'$gpu'}",
    "sum(DCGM_FI_DEV_POWER_USAGE{instance=~'$instance', gpu=~'$gpu'})",
    "DCGM_FI_DEV_SM_CLOCK{instance=~'$instance', gpu=~'$gpu'}",
    "DCGM_FI_DEV_SM_CLOCK{instance=~'$instance', gpu=~'$gpu'} * 1000000",
    "DCGM_FI_DEV_MEM_CLOCK{instance=~'$instance', gpu=~'$gpu'}",
    "DCGM_FI_DEV_GPU_UTIL{instance=~'$instance', gpu=~'$gpu'}",
    "DCGM_FI_DEV_MEM_COPY_UTIL{instance=~'$instance', gpu=~'$gpu'}",
    "DCGM_FI_DEV_FB_USED{instance=~'$instance', gpu=~'$gpu'}",
    "max(DCGM_FI_DEV_GPU_TEMP{Hostname=~'$Hostname', gpu=~'$gpu'}) by (Hostname, gpu, uuid)",
    "avg(DCGM_FI_DEV_GPU_TEMP{Hostname=~'$Hostname', gpu=~'$gpu'})",
    "max(DCGM_FI_DEV_POWER_USAGE{Hostname=~'$Hostname', gpu=~'$gpu'}) by (Hostname, gpu, uuid)",
    "sum(max(DCGM_FI_DEV_POWER_USAGE{Hostname=~'$Hostname', gpu=~'$gpu'}) by (gpu))",
    "max(DCGM_FI_DEV_SM_CLOCK{Hostname=~'$Hostname', gpu=~'$gpu'} * 1000000) by "
    "(Hostname, UUID, gpu)",
    "max(DCGM_FI_DEV_FB_USED{Hostname=~'$Hostname', gpu=~'$gpu'}) by "
    "(Hostname, gpu, GPU_I_ID, GPU_I_PROFILE)",
    "DCGM_FI_DEV_FB_FREE",  # behind its variables Hostname and gpu
    "max(DCGM_FI_PROF_GR_ENGINE_ACTIVE{Hostname=~'$Hostname', gpu=~'$gpu'}) by (Hostname, gpu)",
    "max(DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{Hostname=~'$Hostname', gpu=~'$gpu'}) by (Hostname, gpu)",
]
# What not every machine has that runs tests; there the query must be one, no more.
NOT_EVERYWHERE = {"Pressure", "File systems, in use", "Disk traffic", "Network traffic"}

OURS = expressions(DEPLOY / "grafana/system-monitor.json")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("scraped") / "data", "--gpu-source", "demo")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def prometheus(app: App, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    rules = f"rule_files: [{json.dumps(str(DEPLOY / 'prometheus/rules.yml'))}]"
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), app.url.split("/")[2], more=rules)
    try:
        server.wait_for("count_over_time(DCGM_FI_DEV_GPU_UTIL[1m]) > 1", 8)
        server.wait_for("count_over_time(system_monitor_process_gpu_memory_bytes[1m]) > 0", 1)
        yield server
    finally:
        server.stop()


def filled_in(expression: str) -> str:
    """As Grafana sends it where every variable is All."""
    chosen = expression.replace("$Hostname", re.escape(host_name()).replace("\\", "\\\\"))
    chosen = chosen.replace("$__rate_interval", "10s").replace("$__range", "1m")
    return re.sub(r"\$\{?(\w+)\}?", ".+", chosen)


def test_the_scrape_is_well(prometheus: Prometheus) -> None:
    (target,) = prometheus.targets()
    assert (target["health"], target["lastError"]) == ("up", "")
    assert [value for _, value in prometheus.query("system_monitor_up")] == [1]


@pytest.mark.parametrize("expression", DASHBOARD)
def test_dcgm_exporters_dashboard_finds_its_data(prometheus: Prometheus, expression: str) -> None:
    series = prometheus.query(filled_in(expression))
    if re.match(r"(avg|sum)\(", expression):
        assert len(series) == 1
        return
    assert {labels["gpu"] for labels, _ in series} == GPUS
    assert len(series) == len(GPUS)


@pytest.mark.parametrize("name", ["GR_ENGINE", "SM", "PIPE_TENSOR", "DRAM"])
def test_its_performance_counters_are_ratios(prometheus: Prometheus, name: str) -> None:
    values = [value for _, value in prometheus.query(f"DCGM_FI_PROF_{name}_ACTIVE")]
    assert len(values) == len(GPUS)
    assert all(0 <= value <= 1 for value in values)


def test_a_gpu_is_found_by_every_label_of_dcgm_exporters(prometheus: Prometheus) -> None:
    ((labels, _),) = prometheus.query("DCGM_FI_DEV_GPU_TEMP{gpu='5'}")
    assert {name: labels[name] for name in ("UUID", "device", "modelName")} == {
        "UUID": demo_uuid(5),
        "device": "nvidia5",
        "modelName": "NVIDIA H100 80GB HBM3",
    }
    assert labels["pci_bus_id"].startswith("00000000:")
    assert labels["DCGM_FI_DRIVER_VERSION"] == "580.159.03"


@pytest.mark.parametrize(("title", "expression"), OURS)
def test_our_dashboard_finds_its_data(prometheus: Prometheus, title: str, expression: str) -> None:
    if title in NOT_EVERYWHERE:
        prometheus.query(filled_in(expression))
    else:
        assert prometheus.wait_for(filled_in(expression))


def test_our_alert_rules_can_be_evaluated(prometheus: Prometheus) -> None:
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/rules") as answer:
        groups = json.load(answer)["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 10
    assert [rule["lastError"] for rule in rules if rule["health"] == "err"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_what_we_ship(arguments: tuple[str, ...]) -> None:
    *words, file = arguments
    found = promtool(*words, str(DEPLOY / "prometheus" / file))
    assert found.returncode == 0, found.stdout + found.stderr
