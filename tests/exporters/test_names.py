"""Each metric of the catalogue leaves under its name, in its unit, and with its own help."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
import pytest

from docs.reference import names_reference, written
from monitor import units
from monitor.api.encode import encoded
from monitor.exporters.collect import collect
from monitor.exporters.names import EXPORTS, NODE_NAMES, is_exported
from monitor.exporters.prometheus import text
from monitor.metrics import TABLES, Metric, Table
from monitor.queries.latest import Latest
from monitor.sources.base import DeviceState, Row
from tests.exporters.scraped import LabelSet, Scraped, gpu, promtool

DEVICES = {"gpu": "GPU-a", "process": "GPU-a", "core": "3", "disk": "/", "network": "eth0"}
CASES = [(table, metric) for table in TABLES.values() for metric in table.metrics]
SENT = [(table, metric) for table, metric in CASES if is_exported(table, metric)]
FAN = re.compile(r"fan_\d+_percent")

# What is not sent, and why: a new metric has to be in one list or the other.
LEFT_OUT = {
    "gpu": "index xid",  # a label; DCGM_FI_DEV_XID_ERRORS, with its own tests
    "process": "pid name user command encoder_percent decoder_percent cpu_percent memory_bytes "
    "started type container visibility",
}
# dcgm-exporter's units, by what is stored here.
FACTORS = {units.BYTES: 1 / 2**20, units.JOULES: 1000}
RATIOS = {f"DCGM_FI_PROF_{of}_ACTIVE" for of in ("GR_ENGINE", "SM", "PIPE_TENSOR", "DRAM")}
RATIOS |= {"DCGM_FI_PROF_SM_OCCUPANCY"}


@dataclass(frozen=True)
class Full:
    """A scrape, its lines, and the GPU's row as the API has it at the same tick."""

    samples: Mapping[str, Mapping[LabelSet, float]]
    lines: list[str]
    of_api: Mapping[str, float]


each_sent = pytest.mark.parametrize(
    ("table", "metric"), SENT, ids=[f"{table.name}.{metric.column}" for table, metric in SENT]
)


def factor_of(name: str, metric: Metric) -> float:
    """What a value of ours is multiplied with."""
    if name in RATIOS:
        return 0.01
    return FACTORS.get(metric.unit, 1) if name.startswith("DCGM_") else 1


def value(metric: Metric) -> float:
    place = 1 + [column for _, column in CASES].index(metric)
    return place * 2**20 if metric.unit.storage == "int64" else place + 0.25


def full_row(table: Table) -> Row:
    numbers = {m.column: value(m) for m in table.metrics if m.unit is not units.TEXT}
    return {"device": DEVICES.get(table.name, table.name), **numbers}


def name_of(table: Table, metric: Metric) -> str:
    if FAN.fullmatch(metric.column):
        return "system_monitor_gpu_fan_speed_percent"
    (found,) = [
        export.family.name
        for export in EXPORTS[table.name]
        if not export.family.name.endswith("_VIOLATION") and export.read({metric.column: 1.5})
    ]
    return found


def test_the_page_lists_every_name_as_it_is() -> None:
    assert written("names") == names_reference(), "run `make reference`"


def test_nothing_is_forgotten() -> None:
    not_sent = {
        (table.name, metric.column) for table, metric in CASES if (table, metric) not in SENT
    }
    assert not_sent == {(name, c) for name, columns in LEFT_OUT.items() for c in columns.split()}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """A tick in which every column of every table has a value of its own."""
    scraped = Scraped(tmp_path_factory.mktemp("full"))
    scraped.note()
    scraped.tick({name: [full_row(table)] for name, table in TABLES.items()}, [gpu("GPU-a", 0)])
    (row,) = orjson.loads(encoded(scraped.current).gpu_metrics([]))["gpus"]
    yield Full(scraped.samples(), scraped.text().splitlines(), row)
    scraped.close()


@each_sent
def test_it_has_the_value_of_the_api(full: Full, table: Table, metric: Metric) -> None:
    name = name_of(table, metric)
    values = list(full.samples[name].values())
    factor = factor_of(name, metric)
    assert pytest.approx(value(metric) * factor) in values
    if not FAN.fullmatch(metric.column):
        assert len(values) == 1
    if table.name == "gpu":
        assert pytest.approx(full.of_api[metric.column] * factor) in values


@each_sent
def test_it_is_left_out_where_it_is_missing(table: Table, metric: Metric) -> None:
    row = full_row(table)
    del row[metric.column]
    rows = {"gpu": {"GPU-a": full_row(TABLES["gpu"])}, table.name: {str(row["device"]): row}}
    tick = Latest(time=1, rows=rows, devices={"gpu": {"GPU-a": gpu("GPU-a", 0)}})
    if FAN.fullmatch(metric.column):
        assert f'fan="{metric.column[4]}"' not in text(collect(tick, {})).decode()
        return
    sent = {family.name: samples for family, samples in collect(tick, {})}
    assert sent[name_of(table, metric)] == []


@each_sent
def test_help_and_type_are_the_catalogues(full: Full, table: Table, metric: Metric) -> None:
    name = name_of(table, metric)
    (said,) = [line for line in full.lines if line.startswith(f"# HELP {name} ")]
    if not FAN.fullmatch(metric.column):
        assert said.startswith(f"# HELP {name} {metric.help}")
    (kind,) = [line.split()[-1] for line in full.lines if line.startswith(f"# TYPE {name} ")]
    counted = metric.unit in (units.COUNT, units.JOULES, units.SECONDS_COUNTED)
    assert kind == ("counter" if counted else "gauge")


@each_sent
def test_names_are_dcgms_nodes_or_ours(table: Table, metric: Metric) -> None:
    name = name_of(table, metric)
    if metric.dcgm or (table.name, metric.column) in NODE_NAMES:
        assert name == (metric.dcgm or NODE_NAMES[table.name, metric.column])
    else:
        assert re.fullmatch(rf"system_monitor_{table.name}_[a-z0-9_]+", name)


def test_promtool_finds_nothing_but_the_spelling_of_others(scraped: Scraped) -> None:
    rows = {name: [full_row(table)] for name, table in TABLES.items()}
    scraped.note(sources=[{"name": "nvml", "ok": True}], storage={"ok": True})
    scraped.tick(
        rows,
        [
            gpu("GPU-a", 0, pci_bus_id="00000000:1B:00.0", slowdown_temperature_celsius=87.0),
            DeviceState("disk", "/", facts={"file_system": "ext4", "block_device": "/dev/sda1"}),
            DeviceState("network", "eth0", facts={"speed_bits_per_second": 1e9}),
            DeviceState("host", "host", facts={"kernel": "6.1", "booted": 1_700_000_000}),
        ],
    )
    said = scraped.text()
    found = promtool("check", "metrics", given=said)
    complaints = {tuple(line.split(" ", 1)) for line in found.stdout.splitlines()}
    complaints |= {tuple(line.split(" ", 1)) for line in found.stderr.splitlines()}
    # dcgm-exporter's label modelName and its counters, node_exporter's MemTotal.
    spelling = {
        ("DCGM_", "label names should be written in 'snake_case' not 'camelCase'"),
        ("DCGM_", 'counter metrics should have "_total" suffix'),
        ("DCGM_", "metric name should not include type 'counter'"),  # PCIE_REPLAY_COUNTER
        ("node_", "metric names should be written in 'snake_case' not 'camelCase'"),
    }
    assert {(name[:5], complaint) for name, complaint in complaints} == spelling
    # And nothing at all where names are ours alone.
    own = "".join(line for line in said.splitlines(True) if "system_monitor_" in line)
    clean = promtool("check", "metrics", given=own)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
