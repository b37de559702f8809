"""Every surface agrees with the catalogue. Names here are what files and people rely on."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from dash.development.base_component import Component

from docs.reference import README, metric_reference, settings_reference, written
from layouts import ids
from layouts.figures.trend import trend
from layouts.trends import trends_section
from monitor import units
from monitor.metrics import KEY_COLUMNS, TABLES, Metric, RollUp, Table
from monitor.queries.trends import CHARTS, SHORT, Chart
from monitor.settings import Settings
from monitor.sources.base import Row
from monitor.sources.clock_reasons import CLOCK_REASONS, COUNTED, OTHERS
from monitor.sources.facts import FACTS, Fact
from monitor.storage.buffer import Buffer
from monitor.storage.journal import Journal
from monitor.storage.rollup import roll_up
from monitor.storage.schema import from_arrow, raw_schema, rolled_schema, to_arrow
from monitor.units import Unit

UNITS = [unit for unit in vars(units).values() if isinstance(unit, Unit)]
CASES = [(table, metric) for table in TABLES.values() for metric in table.metrics]
TICK = 1_795_514_401_000

each_metric = pytest.mark.parametrize(
    ("table", "metric"), CASES, ids=[f"{table.name}.{metric.column}" for table, metric in CASES]
)
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
each_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
each_fact = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.table}.{fact.name}")

# Renaming one of these breaks files, dashboards and scripts that exist.
PROMISED = {
    "gpu": """
        index utilization_percent memory_utilization_percent memory_used_bytes memory_total_bytes
        memory_reserved_bytes temperature_celsius memory_temperature_celsius power_watts
        power_limit_watts energy_joules fan_percent graphics_clock_mhz sm_clock_mhz
        memory_clock_mhz video_clock_mhz pcie_tx_bytes_per_second pcie_rx_bytes_per_second
        pcie_link_generation pcie_link_width pcie_replay_count nvlink_tx_bytes_per_second
        nvlink_rx_bytes_per_second encoder_percent decoder_percent jpeg_percent ofa_percent
        performance_state clock_event_reasons ecc_corrected_count ecc_uncorrected_count
        remapped_rows_count retired_pages_count xid_count""",
    "host": """
        cpu_percent cpu_user_percent cpu_system_percent cpu_iowait_percent load_1m
        cpu_frequency_mhz cpu_temperature_celsius memory_used_bytes memory_available_bytes
        memory_cached_bytes memory_total_bytes swap_used_bytes swap_total_bytes
        disk_read_bytes_per_second disk_write_bytes_per_second network_received_bytes_per_second
        network_sent_bytes_per_second pressure_cpu_percent pressure_io_percent
        pressure_memory_percent""",
    "core": "cpu_percent",
    "disk": """
        used_bytes total_bytes read_bytes_per_second write_bytes_per_second busy_percent
        latency_seconds""",
    "network": "received_bytes_per_second sent_bytes_per_second error_count",
    "zone": "temperature_celsius",
    "rail": "power_watts",
    "process": """
        pid name user command gpu_memory_bytes sm_percent encoder_percent decoder_percent
        cpu_percent memory_bytes started""",
    "recorder": "cpu_percent memory_bytes tick_seconds lateness_seconds missed_count",
}


def row_of(table: Table) -> Row:
    """A row with a value of its own in every column."""
    row: Row = {"device": "a"}
    for number, metric in enumerate(table.metrics, 1):
        row[metric.column] = f"word {number}" if metric.unit is units.TEXT else number
    return row


def facts_of(table: Table) -> dict[str, Fact]:
    return {fact.name: fact for fact in FACTS if fact.table == table.name}


def test_no_table_is_lost() -> None:
    assert set(TABLES) == set(PROMISED)


@each_table
def test_no_column_is_lost_or_renamed(table: Table) -> None:
    promised = PROMISED[table.name].split()
    assert [column for column in table.columns if column in promised] == promised


@each_table
def test_column_names_are_unique_in_every_tier(table: Table) -> None:
    for schema in (raw_schema(table), rolled_schema(table)):
        assert max(Counter(schema.names).values()) == 1


@each_table
def test_keys_are_columns(table: Table) -> None:
    assert set(table.keys) <= {"device", *table.columns}
    assert "device" in table.keys


@each_metric
def test_the_unit_is_part_of_the_name(table: Table, metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.column)
    assert metric.column.endswith(metric.unit.suffix)
    claimed = [unit for unit in UNITS if unit.suffix and metric.column.endswith(unit.suffix)]
    # `_bytes_per_second` is no `_bytes`: the longest suffix is the claim.
    longest = max((unit.suffix for unit in claimed), key=len, default="")
    assert longest == metric.unit.suffix


@each_metric
def test_it_is_explained(table: Table, metric: Metric) -> None:
    assert metric.source
    assert metric.help.endswith(".")
    for text in (metric.label, metric.help):
        assert text == text.strip()
        assert text[0].isupper() or text[0].isdigit()
    assert not metric.label.endswith(".")


@each_metric
def test_what_cannot_be_averaged_is_not(table: Table, metric: Metric) -> None:
    counted = (units.COUNT, units.JOULES, units.SECONDS_COUNTED)
    if metric.unit in (units.TEXT, units.MOMENT, *counted):
        assert metric.roll_up is RollUp.LAST
    assert (metric.unit is units.BITS) == (metric.roll_up is RollUp.ANY)


def test_each_clock_reason_is_a_bit_and_its_column_counts_seconds() -> None:
    bits = [reason.bit for reason in CLOCK_REASONS]
    assert bits == [1 << place for place in range(len(bits))]
    columns = [m.column for m in TABLES["gpu"].metrics if m.unit is units.SECONDS_COUNTED]
    assert list(COUNTED) == columns
    assert [r.kind for r in CLOCK_REASONS if not r.column] == ["normal"]
    assert not OTHERS.bit & sum(bits)


@each_metric
def test_its_bar_has_an_end(table: Table, metric: Metric) -> None:
    if isinstance(metric.full, str):
        ends = {other.column: other.unit for other in table.metrics}
        ends |= {name: fact.unit for name, fact in facts_of(table).items()}
        assert ends[metric.full] is metric.unit
    elif metric.full is not None:
        assert metric.full > 0


@each_metric
def test_its_limits_can_be_found(table: Table, metric: Metric) -> None:
    for limit in (metric.warn_at, metric.critical_at):
        if limit is None:
            continue
        if limit.share:
            assert metric.full is not None
            assert 0 < limit.value < 100
        if limit.fact is not None:
            assert facts_of(table)[limit.fact].unit is metric.unit
            assert not limit.share
    if metric.warn_at and metric.critical_at:
        assert metric.warn_at.value < metric.critical_at.value


@each_chart
def test_a_chart_has_columns_of_the_catalogue_that_share_a_unit(chart: Chart) -> None:
    assert chart.columns
    assert TABLES[chart.table.name] is chart.table
    assert set(chart.columns) <= set(chart.table.columns)
    assert len({metric.unit for metric in chart.metrics}) == 1
    assert all(metric.roll_up is RollUp.MEAN for metric in chart.metrics)


@each_chart
def test_a_line_of_several_has_a_word_of_its_own(chart: Chart) -> None:
    words = [SHORT[column] for column in chart.columns if len(chart.columns) > 1]
    assert len(set(words)) == len(words)


def test_no_two_charts_have_a_name_and_no_word_is_for_nothing() -> None:
    assert max(Counter(chart.name for chart in CHARTS).values()) == 1
    assert set(SHORT) <= {column for chart in CHARTS for column in chart.columns}


@each_chart
def test_a_chart_has_a_card_and_a_choice(chart: Chart) -> None:
    parts = [
        part.to_plotly_json()["props"]
        for part in trends_section([])._traverse()
        if isinstance(part, Component)
    ]
    assert [part.get("data-chart") for part in parts].count(chart.name) == 1
    assert [part.get("id") for part in parts].count(ids.trend_place(chart.name)) == 1
    (choice,) = [part for part in parts if part.get("id") == ids.CHARTS]
    assert {"label": chart.label, "value": chart.name} in choice["options"]


@each_chart
def test_a_chart_is_sent_once_and_without_points(chart: Chart) -> None:
    figure = trend(chart)
    assert figure["data"] == []
    assert "shapes" not in figure["layout"]
    assert len(json.dumps(figure)) < 1000


def test_dcgm_names_are_dcgm_exporters_and_unique() -> None:
    names = [metric.dcgm for _, metric in CASES if metric.dcgm]
    assert "DCGM_FI_DEV_GPU_UTIL" in names
    assert max(Counter(names).values()) == 1
    assert [name for name in names if not re.fullmatch(r"DCGM_FI_(DEV|PROF)_[A-Z_]+", name)] == []
    assert [t.name for t, metric in CASES if metric.dcgm and t.name != "gpu"] == []


@each_metric
def test_it_can_be_shown(table: Table, metric: Metric) -> None:
    value = "text" if metric.unit is units.TEXT else 0
    assert metric.unit.text(None) == units.NOT_REPORTED
    assert metric.unit.text(value) not in ("", units.NOT_REPORTED)  # type: ignore[arg-type]


@each_metric
def test_parquet_names_its_unit(table: Table, metric: Metric) -> None:
    for schema in (raw_schema(table), rolled_schema(table)):
        described = schema.field(metric.column).metadata
        assert described[b"unit"].decode() == metric.unit.name
        assert described[b"label"].decode() == metric.label


@each_table
def test_parquet_has_each_column_in_order(table: Table) -> None:
    rolled = [name for metric in table.metrics for name in metric.rolled_columns]
    assert raw_schema(table).names == [*KEY_COLUMNS, *table.columns]
    assert rolled_schema(table).names == [*KEY_COLUMNS, *rolled, "samples"]
    assert raw_schema(table).field("time").type == pa.timestamp("ms", tz="UTC")


@each_table
def test_the_journal_keeps_every_value(table: Table, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "live.db")
    journal.append(TICK, {table.name: [row_of(table), {"device": "b"}]})
    rows, _ = journal.last_rows(table)
    journal.close()
    assert rows == [(TICK, row_of(table)), (TICK, {"device": "b"})]


@each_table
def test_every_value_survives_storage_and_roll_up(table: Table) -> None:
    buffer = Buffer(table)
    buffer.append(TICK, [row_of(table)])
    stored = to_arrow(buffer.columns(), "here")
    rolled = roll_up(from_arrow(stored, table), 60, "here")
    (raw_row,), (rolled_row,) = stored.to_pylist(), rolled.to_pylist()
    for metric in table.metrics:
        assert raw_row[metric.column] == row_of(table)[metric.column]
        for name in metric.rolled_columns:
            assert rolled_row[name] == row_of(table)[metric.column], name
    assert rolled_row["samples"] == 1


@each_table
def test_missing_stays_missing(table: Table) -> None:
    buffer = Buffer(table)
    absent: Row = dict.fromkeys(table.keys, 1) | {"device": "a"}
    buffer.append(TICK, [absent])
    columns = buffer.columns()
    for stored in (to_arrow(columns, "here"), roll_up(columns, 60, "here")):
        (row,) = stored.to_pylist()
        missing = {name for name, value in row.items() if value is None}
        given = {*KEY_COLUMNS, *table.keys, "samples"}
        assert missing == {name for name in row if name not in given}
    assert np.isnan(columns.cells).sum() == len(table.metrics) - len(table.keys) + 1


@each_fact
def test_facts_carry_their_unit(fact: Fact) -> None:
    assert fact.table in TABLES
    assert fact.label
    assert fact.name.endswith(fact.unit.suffix)


def test_facts_are_declared_once() -> None:
    assert max(Counter((fact.table, fact.name) for fact in FACTS).values()) == 1


def test_the_readme_lists_every_metric_as_it_is() -> None:
    assert written("metrics") == metric_reference(), "run `make reference`"


def test_the_readme_lists_every_setting_as_it_is() -> None:
    assert written("settings") == settings_reference(), "run `make reference`"


@each_metric
def test_the_reference_has_it(table: Table, metric: Metric) -> None:
    section = written("metrics").split(f"`{table.name}`: ", 1)[1].split("\n####", 1)[0]
    assert f"| `{metric.column}` |" in section


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_readme_has_the_setting(name: str) -> None:
    assert f"`MONITOR_{name.upper()}`" in README.read_text()
