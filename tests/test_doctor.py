"""The report says what is read, what is not, why, and what to do; its exit status sums it up."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.doctor import doctor
from monitor.doctor_place import room_finding
from monitor.findings import Finding, report
from monitor.recording.lock import acquire
from monitor.settings import Settings
from monitor.sources.base import DeviceState, Row, Rows, SourceState
from monitor.sources.choose import Machine
from monitor.storage.locations import recorder_lock
from tests.sources.fake_host import SHOWN, FakeHost


@dataclass
class FakeNvml:
    source_state: SourceState
    known: tuple[DeviceState, ...] = ()
    rows: tuple[Row, ...] = ()
    processes: tuple[Row, ...] = ()
    name: str = "nvml"
    closed: bool = field(default=False)

    def sample(self, monotonic: float) -> Rows:
        return {"gpu": self.rows, "process": self.processes}

    def devices(self) -> tuple[DeviceState, ...]:
        return self.known

    def state(self) -> SourceState:
        return self.source_state

    def close(self) -> None:
        self.closed = True


WELL = FakeNvml(SourceState("nvml", ok=True))
NO_DRIVER = FakeNvml(
    SourceState("nvml", ok=False, reason="No driver.", advice="Install the NVIDIA driver.")
)


class Checkup:
    """Runs the doctor on a machine of files; every second of a pause passes there at once."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeHost(folder / "root")
        for point in SHOWN:
            (self.fake.root / point.lstrip("/")).mkdir(parents=True, exist_ok=True)
        self.data = folder / "history"
        self.text = ""
        self._passed = False

    def settings(self, **options: object) -> Settings:
        given = {"data": str(self.data), "root": self.fake.root, "gpu_source": "demo", **options}
        return Settings(**given)

    def run(self, nvml: FakeNvml = WELL, **options: object) -> int:
        machine = Machine(nvml_loads=lambda: True, nvml_source=lambda settings: nvml)
        lines: list[str] = []
        status = doctor(self.settings(**options), lines.append, self._pause, machine)
        self.text = "\n".join(lines)
        assert all(len(line) <= 96 or " " not in line[20:] for line in lines)
        return status

    def _pause(self, seconds: float) -> None:
        if not self._passed:
            self.fake.a_second_passes()
        self._passed = True

    def lines(self, subject: str) -> list[str]:
        return [line for line in self.text.splitlines() if line[8:].startswith(subject)]


@pytest.fixture
def checkup(tmp_path: Path) -> Checkup:
    return Checkup(tmp_path)


def test_a_machine_that_is_well(checkup: Checkup) -> None:
    assert checkup.run() == 0
    assert "All that is needed works." in checkup.text
    assert "BAD" not in checkup.text
    assert checkup.lines("host") == ["  ok    host        20 of 20 columns"]
    assert checkup.lines("process")[0].endswith("processes on the GPUs.")
    assert checkup.lines("core") == ["  ok    core        1 of 1 columns: 0, 1"]
    assert checkup.lines("disk") == ["  ok    disk        6 of 6 columns: " + ", ".join(SHOWN)]
    assert checkup.lines("network")[0].startswith("  ok    network     3 of 3 columns: eth0, eth1")


def test_what_a_gpu_lacks_is_named_once(checkup: Checkup) -> None:
    checkup.run()
    assert len(checkup.lines("GPU ")) == 8
    assert checkup.lines("gpu") == ["  ok    gpu         48 of 55 columns"]
    assert checkup.text.count("fan_percent") == 1
    assert "The GPU has no fan of its own." in checkup.text


@pytest.mark.parametrize(
    ("path", "column", "reason"),
    [
        ("proc/pressure/io", "pressure_io_percent", "psi=1"),
        ("sys/class/hwmon/hwmon1/name", "cpu_temperature_celsius", "k10temp"),
        ("proc/diskstats", "disk_read_bytes_per_second", "No physical disk"),
        ("proc/net/dev", "network_sent_bytes_per_second", "No interface"),
        ("proc/loadavg", "load_1m", "does not tell"),
    ],
)
def test_what_is_missing_is_named_with_its_reason(
    path: str, column: str, reason: str, checkup: Checkup
) -> None:
    checkup.fake.break_off(path)
    assert checkup.run() == 0
    (line,) = [line for line in checkup.text.splitlines() if line.split()[:1] == [column]]
    following = checkup.text[checkup.text.index(line) :]
    assert reason in " ".join(following.split())


def test_no_proc_is_bad(checkup: Checkup) -> None:
    checkup.fake.break_off("proc/stat")
    assert checkup.run() == 1
    assert "proc/stat cannot be read." in " ".join(checkup.text.split())
    assert "Not well: host." in checkup.text


def test_a_mount_that_does_not_answer_is_named(checkup: Checkup) -> None:
    (checkup.fake.root / "mnt/nfs").rmdir()
    assert checkup.run() == 0
    assert "/mnt/nfs does not answer." in checkup.text


def test_no_driver_where_no_gpu_is_can_be(checkup: Checkup) -> None:
    assert checkup.run(NO_DRIVER, gpu_source="auto") == 0
    assert checkup.lines("nvml") == ["  note  nvml        No driver."]
    assert "-> Install the NVIDIA driver." in checkup.text


def test_no_driver_where_a_gpu_is_is_bad(checkup: Checkup) -> None:
    for address, vendor, kind in (
        ("0000:1b:00.0", "0x10de", "0x030200"),
        ("0000:1b:00.1", "0x10de", "0x040300"),  # its sound
        ("0000:02:00.0", "0x8086", "0x030000"),
    ):
        checkup.fake.put(f"sys/bus/pci/devices/{address}/vendor", f"{vendor}\n")
        checkup.fake.put(f"sys/bus/pci/devices/{address}/class", f"{kind}\n")
    assert checkup.run(NO_DRIVER, gpu_source="auto") == 1
    assert (
        "BAD   nvml        0000:1b:00.0 on the PCI bus: an NVIDIA GPU. No driver." in checkup.text
    )


def test_no_driver_where_one_was_asked_for_is_bad(checkup: Checkup) -> None:
    assert checkup.run(NO_DRIVER, gpu_source="nvml") == 1


def test_switched_off_is_well(checkup: Checkup) -> None:
    assert checkup.run(gpu_source="none") == 0
    assert checkup.text.count("switched off") == 1


def test_a_driver_that_lists_no_gpu(checkup: Checkup) -> None:
    assert checkup.run(gpu_source="auto") == 0
    assert "lists no GPU" in checkup.text


def test_a_lost_gpu_is_bad_and_one_asleep_is_not(checkup: Checkup) -> None:
    lost = DeviceState("gpu", "GPU-1", "lost", "It fell off the bus.", {"index": 0, "name": "H100"})
    asleep = DeviceState("gpu", "GPU-2", "asleep", "", {"index": 1, "name": "RTX"})
    nvml = FakeNvml(SourceState("nvml", ok=True), (lost, asleep))
    assert checkup.run(nvml, gpu_source="auto") == 1
    assert checkup.lines("GPU 0") == ["  BAD   GPU 0       H100: It fell off the bus."]
    assert checkup.lines("GPU 1") == ["  ok    GPU 1       RTX: asleep"]
    assert "Not well: GPU 0." in checkup.text
    assert nvml.closed


def test_a_column_that_one_gpu_lacks_names_the_gpu(checkup: Checkup) -> None:
    known = tuple(DeviceState("gpu", f"GPU-{n}", facts={"index": n}) for n in (0, 1))
    rows: tuple[Row, ...] = (
        {"device": "GPU-0", "power_watts": 0.0, "fan_percent": 0.0},
        {"device": "GPU-1", "power_watts": 9.0, "fan_percent": None},
    )
    checkup.run(FakeNvml(SourceState("nvml", ok=True), known, rows), gpu_source="auto")
    assert "The GPU has no fan of its own. (GPU 1)" in checkup.text
    assert "tensor_active_percent" in checkup.text
    assert checkup.text.count("GPUs before Hopper, and drivers before 520.56") == 5
    # A zero is a value.
    assert "power_watts" not in checkup.text


def test_a_folder_that_cannot_be_written_is_bad(checkup: Checkup) -> None:
    checkup.data.write_text("a file")
    assert checkup.run() == 1
    assert "Not well: data." in checkup.text


@pytest.mark.parametrize(
    ("free", "level"), [(0, "bad"), (200 << 20, "note"), ((5 << 30) - 1, "note"), (5 << 30, "ok")]
)
def test_room(free: int, level: str) -> None:
    finding = room_finding(free)
    assert finding.level == level
    assert bool(finding.advice) == (level != "ok")


def test_nothing_is_left_behind(checkup: Checkup) -> None:
    checkup.run()
    assert not checkup.data.exists()


def test_whether_a_recorder_runs(checkup: Checkup) -> None:
    checkup.run()
    assert "None runs for this folder." in checkup.text
    checkup.data.mkdir()
    held = acquire(recorder_lock(checkup.settings()))
    checkup.run()
    assert "One runs for this folder." in checkup.text
    held.release()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("tmpfs", "in memory"),
        ("overlay", "ends with the container"),
        ("nfs4", "live.db is kept in"),
    ],
)
def test_a_folder_that_does_not_last_or_is_elsewhere(
    kind: str, words: str, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(checkup.fake.root / "state"))
    checkup.fake.put("proc/mounts", f"x {checkup.data.parent} {kind} rw 0 0\n")
    assert checkup.run() == 0
    assert f"on {kind}." in " ".join(checkup.text.split())
    assert words in " ".join(checkup.text.split())


def test_a_container_without_the_host_s_processes(checkup: Checkup) -> None:
    checkup.fake.put("proc/1/cgroup", "0::/kubepods/pod1/abc\n")
    (checkup.fake.root / "proc/self/ns").mkdir()
    os.symlink("pid:[4026532201]", checkup.fake.root / "proc/self/ns/pid")
    assert checkup.run() == 0
    assert "--pid=host" in checkup.text


def test_a_container_with_the_host_s_processes(checkup: Checkup) -> None:
    checkup.fake.put("run/.containerenv", "")
    (checkup.fake.root / "proc/self/ns").mkdir()
    os.symlink("pid:[4026531836]", checkup.fake.root / "proc/self/ns/pid")
    checkup.run()
    assert checkup.lines("container")
    assert "--pid=host" not in checkup.text


def test_this_machine(tmp_path: Path) -> None:
    lines: list[str] = []
    settings = Settings(data=str(tmp_path / "history"), gpu_source="demo")
    doctor(settings, lines.append, pause=lambda seconds: None)
    assert "All that is needed works." in lines or any("Not well" in line for line in lines)


def test_long_text_is_wrapped_under_itself_and_paths_stay_whole() -> None:
    lines: list[str] = []
    path = "/a-long-path" * 10
    finding = Finding("bad", "data", f"{'word ' * 30}{path}", "Do it.", (("x", "why"),))
    assert report([("Title", [finding])], lines.append) == 1
    assert lines[0] == "Title"
    assert any(line.strip() == path for line in lines)
    assert all(line.startswith(" " * 20) for line in lines[2:-2])
    assert lines[-1] == "Not well: data."


# ---- processes ----


def listing(how: str = "reported", index: int = 0) -> DeviceState:
    return DeviceState("gpu", f"GPU-{index}", facts={"index": index, "process_list": how})


def processes(*visibility: str | None) -> tuple[Row, ...]:
    return tuple(
        {"device": "GPU-0", "pid": 10 + number, **({"visibility": how} if how else {})}
        for number, how in enumerate(visibility)
    )


@pytest.mark.parametrize(
    ("gpus", "rows", "line"),
    [
        ([listing()], (), "ok    process     No processes on the GPUs."),
        ([listing()], ("visible",), "ok    process     1 process on the GPUs."),
        (
            [listing()],
            ("visible", "dead", "elsewhere"),
            "note  process     3 processes on the GPUs, 2 without a name.",
        ),
        ([listing()], (None,), "note  process     1 process on the GPUs, 1 without a name."),
        (
            [listing("No Data")],
            (),
            "note  process     The driver does not tell which processes use the GPUs: No Data.",
        ),
    ],
)
def test_whether_processes_can_be_read(
    checkup: Checkup, gpus: list[DeviceState], rows: tuple[str | None, ...], line: str
) -> None:
    nvml = FakeNvml(SourceState("nvml", ok=True), tuple(gpus), (), processes(*rows))
    assert checkup.run(nvml, gpu_source="nvml") == 0
    assert checkup.lines("process") == [f"  {line}"]


def test_why_processes_have_no_name(checkup: Checkup) -> None:
    gpus = (listing(), listing("Insufficient Permissions", 1))
    rows = processes("dead", "elsewhere", "elsewhere", None)
    checkup.run(FakeNvml(SourceState("nvml", ok=True), gpus, (), rows), gpu_source="nvml")
    for said in (
        *("1 ended, with its memory", "2 in another PID namespace. Start the container with"),
        *("1 hidden by /proc (hidepid)", "Not told: Insufficient Permissions."),
    ):
        assert said in checkup.text


def test_without_a_gpu_nothing_is_said_of_processes(checkup: Checkup) -> None:
    checkup.run(NO_DRIVER, gpu_source="nvml")
    assert checkup.lines("process") == []
