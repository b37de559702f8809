"""The quiet line under each number leaves out what is not known."""

from __future__ import annotations

import pytest

from monitor.queries.captions import caption, in_unit_of, used_of
from tests.queries.ticks import FACTS, GIB, GPU, HOST


@pytest.mark.parametrize(
    ("metric", "row", "facts", "words"),
    [
        ("host.cpu_percent", HOST, {"cores": 64}, "64 cores · load 24.10 · 3.2 GHz"),
        ("host.cpu_percent", HOST, {"cores": 1}, "1 core · load 24.10 · 3.2 GHz"),
        ("host.cpu_percent", {}, {}, ""),
        ("host.memory_used_bytes", HOST, {}, "of 126.0 GiB · 8.7 % · cache 0.5 GiB"),
        ("host.swap_used_bytes", HOST, {}, "of 8.00 GiB · no pressure"),
        (
            "host.swap_used_bytes",
            {**HOST, "pressure_memory_percent": 12.0},
            {},
            "of 8.00 GiB · pressure 12.0 %",
        ),
        ("host.disk_io_bytes_per_second", HOST, {}, "read 1.91 MiB/s · write 976.6 KiB/s"),
        ("gpu.utilization_percent", GPU, FACTS, "SM 1,640 of 1,980 MHz · P0"),
        ("gpu.utilization_percent", GPU, {}, "SM 1,640 MHz · P0"),
        ("gpu.temperature_celsius", GPU, FACTS, "slows at 87 °C · no fan"),
        ("gpu.temperature_celsius", {**GPU, "fan_percent": 0.0}, {}, "fan 0 %"),
        ("gpu.temperature_celsius", GPU, {}, ""),
        ("gpu.power_watts", GPU, FACTS, "of 700 W"),
        (
            "gpu.memory_used_bytes",
            {**GPU, "memory_reserved_bytes": None},
            {"memory_kind": "v1"},
            "of 80.0 GiB · 50.0 % · used includes the driver's share",
        ),
        (
            "gpu.memory_used_bytes",
            {**GPU, "memory_reserved_bytes": None},
            {"memory_kind": "shared"},
            "of 80.0 GiB · shared with the CPU · 50.0 %",
        ),
        (
            "gpu.utilization_percent",
            {"graphics_clock_mhz": 1020.0},
            {"max_graphics_clock_mhz": 1020.0, "graphics_clock_lock": "locked"},
            "1,020 of 1,020 MHz · locked",
        ),
        ("gpu.utilization_percent", {"graphics_clock_mhz": 306.0}, {}, "306 MHz"),
        ("gpu.power_watts", {}, {"power_scope": "sum of 4 rails"}, "sum of 4 rails"),
        ("core.cpu_percent", {}, {}, ""),
    ],
)
def test_a_caption_says_what_is_known(metric: str, row, facts, words: str):
    assert caption(*metric.split("."), row, facts) == words


@pytest.mark.parametrize(
    ("full", "value", "told"),
    [
        (80 * GIB, 0, ("0.0", "GiB")),
        (80 * GIB, GIB // 2, ("0.5", "GiB")),
        (29 << 40, 500 * GIB, ("0.5", "TiB")),
        (512, 200, ("200", "B")),
    ],
)
def test_bytes_are_told_in_the_unit_of_what_they_are_part_of(full, value, told):
    assert in_unit_of(full, value) == told


def test_used_of_nothing_is_nothing():
    assert used_of(None, GIB) == used_of(0, 0) == used_of(0, None) == ""
