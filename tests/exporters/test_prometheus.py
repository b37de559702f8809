"""`/metrics`: whose labels, what a lost GPU leaves, what is not said when recording has stopped."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace

import pytest

from monitor.exporters.collect import MOST_PROCESSES
from monitor.exporters.prometheus import exposition
from monitor.sources.base import DeviceState, Row
from tests.exporters.scraped import Scraped, gpu, value_of


def names(scraped: Scraped) -> set[str]:
    return set(scraped.samples())


def test_a_gpu_has_dcgm_exporters_labels(scraped: Scraped) -> None:
    scraped.note()
    facts = {"pci_bus_id": "00000000:1B:00.0"}
    host = DeviceState("host", "host", facts={"hostname": "node-7"})
    scraped.tick(
        {"gpu": [{"device": "GPU-a", "utilization_percent": 5.0}]}, [gpu("GPU-a", 3, **facts), host]
    )
    (labels,) = scraped.samples()["DCGM_FI_DEV_GPU_UTIL"]
    assert dict(labels) == {
        "gpu": "3",
        "UUID": "GPU-a",
        "pci_bus_id": "00000000:1B:00.0",
        "device": "nvidia3",
        "modelName": "NVIDIA H100",
        "Hostname": "node-7",
        "DCGM_FI_DRIVER_VERSION": "580.1",
    }


def test_labels_of_any_content_come_through(scraped: Scraped) -> None:
    odd = 'a "quoted" back\\slash\nand a new line, ü'
    scraped.note()
    scraped.tick(
        {
            "gpu": [{"device": "GPU-a", "power_watts": 1.5}],
            "disk": [{"device": odd, "used_bytes": 7, "total_bytes": 9}],
            "process": [{"device": "GPU-a", "pid": 1, "name": odd, "gpu_memory_bytes": 4}],
        },
        [gpu("GPU-a", 0, name=odd)],
    )
    samples = scraped.samples()
    assert value_of(samples["DCGM_FI_DEV_POWER_USAGE"], modelName=odd) == 1.5
    assert value_of(samples["system_monitor_disk_used_bytes"], mountpoint=odd) == 7
    assert value_of(samples["node_filesystem_avail_bytes"], mountpoint=odd) == 2
    assert value_of(samples["system_monitor_process_gpu_memory_bytes"], name=odd, pid="1") == 4


def test_a_name_that_is_no_utf_8_does_no_harm(scraped: Scraped) -> None:
    row: Row = {"device": "GPU-a", "pid": 1, "name": "\udcff", "gpu_memory_bytes": 4}
    scraped.demo()
    latest = scraped.follower.latest
    scraped.follower.latest = replace(
        latest,
        sequence=latest.sequence + 1,
        rows={**latest.rows, "gpu": {"GPU-a": {"device": "GPU-a"}}, "process": {"1": row}},
        devices={"gpu": {"GPU-a": gpu("GPU-a", 0)}},
    )
    assert value_of(scraped.samples()["system_monitor_process_gpu_memory_bytes"], name="?") == 4


def test_free_memory_is_what_nobody_has(scraped: Scraped) -> None:
    mib = 1 << 20
    memory: Row = {"memory_total_bytes": 100 * mib, "memory_used_bytes": 60 * mib}
    rows: list[Row] = [
        {"device": "GPU-a", **memory, "memory_reserved_bytes": 3 * mib},
        {"device": "GPU-b", **memory},  # a driver before 510
    ]
    scraped.note()
    scraped.tick({"gpu": rows}, [gpu("GPU-a", 0), gpu("GPU-b", 1)])
    free = scraped.samples()["DCGM_FI_DEV_FB_FREE"]
    assert [value_of(free, gpu=index) for index in "01"] == [37, 40]


def test_time_lost_is_in_nanoseconds_under_dcgms_name(scraped: Scraped) -> None:
    scraped.note()
    scraped.tick({"gpu": [{"device": "GPU-a", "sw_power_cap_seconds": 1.25}]}, [gpu("GPU-a", 0)])
    samples = scraped.samples()
    assert value_of(samples["DCGM_FI_DEV_POWER_VIOLATION"]) == 1_250_000_000
    assert value_of(samples["system_monitor_gpu_sw_power_cap_seconds_total"]) == 1.25


def test_a_lost_gpu_has_its_state_and_no_reading(scraped: Scraped) -> None:
    scraped.note()
    rows: list[Row] = [{"device": name, "power_watts": 9.0} for name in ("GPU-a", "GPU-b")]
    scraped.tick({"gpu": rows}, [gpu("GPU-a", 0), gpu("GPU-b", 1, "lost")])
    with_b = {
        name for name, of in scraped.samples().items() for has in of if ("UUID", "GPU-b") in has
    }
    assert with_b == {"system_monitor_gpu_status"}
    status = scraped.samples()["system_monitor_gpu_status"]
    assert value_of(status, gpu="1", status="lost") == 1
    assert value_of(status, gpu="1", status="ok") == 0
    assert value_of(status, gpu="0", status="ok") == 1


@pytest.mark.parametrize("status", ["late", "failed", "denied"])
def test_what_did_not_answer_has_no_old_reading(scraped: Scraped, status: str) -> None:
    scraped.note()
    scraped.tick({"gpu": [{"device": "GPU-a", "power_watts": 9.0}]}, [gpu("GPU-a", 0, status)])
    assert "DCGM_FI_DEV_POWER_USAGE" not in names(scraped)


def test_old_values_are_not_presented_as_new(scraped: Scraped) -> None:
    scraped.demo()
    assert value_of(scraped.samples()["system_monitor_up"]) == 1
    old = scraped.follower.latest
    scraped.follower.latest = replace(
        old, time=round(1000 * (time.time() - 301)), sequence=old.sequence
    )
    samples = scraped.samples()
    assert value_of(samples["system_monitor_up"]) == 0
    assert abs(value_of(samples["system_monitor_last_tick_timestamp_seconds"]) - time.time()) > 300
    # Nothing is left that could be taken for a reading.
    assert {name for name in samples if not name.startswith("system_monitor_")} == set()
    assert "system_monitor_gpu_status" not in samples


def test_before_the_first_tick_it_is_not_up(scraped: Scraped) -> None:
    assert names(scraped) == {"system_monitor_up", "system_monitor_build_info"}
    assert value_of(scraped.samples()["system_monitor_up"]) == 0


def test_a_tick_is_written_once_for_all_who_ask(scraped: Scraped) -> None:
    scraped.demo()
    first = exposition(scraped.current)
    assert exposition(scraped.current) is first
    scraped.demo()
    assert exposition(scraped.current) is not first


def test_it_is_compressed_for_those_who_ask(scraped: Scraped) -> None:
    scraped.demo()
    plain = scraped.text()
    with scraped.client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw).decode() == plain
    assert len(raw) < len(plain) / 8


def test_processes_are_few_and_name_no_command(scraped: Scraped) -> None:
    rows: list[Row] = [
        {"device": "GPU-a", "pid": pid, "gpu_memory_bytes": pid, "command": "secret"}
        for pid in range(1, 31)
    ]
    scraped.note()
    scraped.tick({"gpu": [{"device": "GPU-a", "index": 0}], "process": rows}, [gpu("GPU-a", 0)])
    samples = scraped.samples()
    held = samples["system_monitor_process_gpu_memory_bytes"]
    assert sorted(held.values()) == list(range(31 - MOST_PROCESSES, 31))
    assert value_of(samples["system_monitor_gpu_processes"], gpu="0") == 30
    assert "secret" not in scraped.text()


def mig(device: str, instance: int | None, profile: str) -> DeviceState:
    name = f"NVIDIA H100 MIG {profile}"
    return gpu(device, 0, name=name, parent="GPU-a", mig_index=1, gpu_instance_id=instance)


def test_a_mig_instance_has_its_gpus_labels_and_its_own(scraped: Scraped) -> None:
    rows: list[Row] = [
        {"device": name, "memory_used_bytes": 1 << 20} for name in ("GPU-a", "MIG-1", "MIG-2")
    ]
    scraped.note()
    scraped.tick(
        {"gpu": rows}, [gpu("GPU-a", 0), mig("MIG-1", 7, "1g.10gb"), mig("MIG-2", 8, "1g.10gb")]
    )
    used = scraped.samples()["DCGM_FI_DEV_FB_USED"]
    assert len(used) == 3
    for instance in ("7", "8"):
        labels = {"UUID": "GPU-a", "GPU_I_ID": instance, "GPU_I_PROFILE": "1g.10gb", "gpu": "0"}
        assert value_of(used, **labels, modelName="NVIDIA H100") == 1


def test_instances_that_share_a_number_are_one_series(scraped: Scraped) -> None:
    rows: list[Row] = [
        {"device": name, "memory_used_bytes": 1 << 20} for name in ("GPU-a", "MIG-1", "MIG-2")
    ]
    scraped.note()
    scraped.tick(
        {"gpu": rows}, [gpu("GPU-a", 0), mig("MIG-1", 7, "3g.40gb"), mig("MIG-2", 7, "3g.40gb")]
    )
    assert len(scraped.samples()["DCGM_FI_DEV_FB_USED"]) == 2


def test_an_instance_without_a_number_is_told_by_its_uuid(scraped: Scraped) -> None:
    scraped.note()
    scraped.tick(
        {"gpu": [{"device": "MIG-1", "memory_used_bytes": 1 << 20}]},
        [gpu("GPU-a", 0), mig("MIG-1", None, "1g.10gb")],
    )
    assert value_of(scraped.samples()["DCGM_FI_DEV_FB_USED"], UUID="MIG-1") == 1


def xid_row(xid: int | None, count: int) -> Row:
    return {"device": "GPU-a", "xid": xid, "xid_count": count}


def test_the_newest_xid_stays_after_its_tick(scraped: Scraped) -> None:
    scraped.note()
    second = round(time.time()) * 1000 - 3000
    seen = []
    for row in (xid_row(None, 0), xid_row(79, 1), xid_row(None, 1)):
        second += 1000
        scraped.tick({"gpu": [row]}, [gpu("GPU-a", 0)], at=second)
        seen.append(value_of(scraped.samples()["DCGM_FI_DEV_XID_ERRORS"]))
    assert seen == [0, 79, 79]


def test_an_xid_that_is_not_known_any_more_is_not_called_none(scraped: Scraped) -> None:
    scraped.note()
    scraped.tick({"gpu": [xid_row(None, 2)]}, [gpu("GPU-a", 0)])
    assert "DCGM_FI_DEV_XID_ERRORS" not in names(scraped)


def test_the_recorder_tells_of_itself(scraped: Scraped) -> None:
    scraped.note(
        sources=[{"name": "nvml", "ok": False}, {"name": "host", "ok": True}], storage={"ok": False}
    )
    recorder: Row = {"device": "host", "missed_count": 3, "lateness_seconds": 0.01}
    scraped.tick({"recorder": [recorder]})
    samples = scraped.samples()
    assert value_of(samples["system_monitor_recorder_missed_total"]) == 3
    assert value_of(samples["system_monitor_recorder_lateness_seconds"]) == 0.01
    assert value_of(samples["system_monitor_source_ok"], source="nvml") == 0
    assert value_of(samples["system_monitor_source_ok"], source="host") == 1
    assert value_of(samples["system_monitor_storage_ok"]) == 0


def test_the_machine_has_node_exporters_names(scraped: Scraped) -> None:
    scraped.note()
    memory: Row = {"swap_total_bytes": 8, "swap_used_bytes": 3, "load_1m": 0.5}
    scraped.tick(
        {"host": [{"device": "host", **memory}]},
        [
            DeviceState("network", "eth0", facts={"speed_bits_per_second": 10_000_000_000}),
            DeviceState(
                "host", "host", facts={"hostname": "node-7", "kernel": "6.1.0", "booted": 1_700_000}
            ),
        ],
    )
    samples = scraped.samples()
    assert value_of(samples["node_memory_SwapFree_bytes"]) == 5
    assert value_of(samples["node_load1"]) == 0.5
    assert value_of(samples["node_network_speed_bytes"], device="eth0") == 1_250_000_000
    assert value_of(samples["node_boot_time_seconds"]) == 1_700_000
    assert value_of(samples["node_uname_info"], nodename="node-7", release="6.1.0") == 1
