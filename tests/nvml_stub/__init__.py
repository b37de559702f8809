"""A stand-in for NVIDIA's library, and the worlds it can show.

The real `pynvml` loads it by its usual name. In this process that needs `load()` once, before
pynvml's first call: the loader hands out a library that is there already under that name. A child
process needs only the variables of `Scenario.environment()`.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pynvml

FOLDER = Path(__file__).parent
SCENARIOS = FOLDER / "scenarios"
LIBRARY = "libnvidia-ml.so.1"
NO_COMPILER = "No C compiler (cc) is here to build the stand-in for NVIDIA's library."

Variant = Literal["current", "old"]
_FLAGS: dict[Variant, list[str]] = {"current": [], "old": ["-DOLD_DRIVER"]}
_LOOKED_UP = re.compile(r'_nvmlGetFunctionPointer\("(\w+)"\)')
_CHANGES = re.compile(
    r"nvml(Device|System|Unit|GpuInstance|ComputeInstance|VgpuInstance|Gpm)?"
    r"(WorkloadPowerProfile|PowerSmoothing)?"
    r"(Set|Reset|Clear|Modify|Remove|Create|Destroy|Freeze|Update|Activate|Discover|Validate"
    r"|ReadWrite)\w+"
)
# Shared objects stay mapped for as long as the process lives.
_loaded: list[ctypes.CDLL] = []


def compiler() -> str | None:
    """The path of a C compiler, None where there is none."""
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")


def build(folder: Path, variant: Variant = "current") -> Path:
    """The folder that holds the library, built below `folder` unless it is there already."""
    library = folder / variant / LIBRARY
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        (folder / "setters.h").write_text("".join(f"CHANGES({name})\n" for name in setters()))
        command = [
            *(compiler() or "cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-pthread"),
            *(f"-Wl,-soname,{LIBRARY}", f"-I{folder}", *_FLAGS[variant]),
            *("-o", str(library), str(FOLDER / "stub.c")),
        ]
        subprocess.run(command, check=True)
    return library.parent


def setters() -> list[str]:
    """Every function that the binding knows and that would change a GPU or the driver."""
    known = _LOOKED_UP.findall(Path(pynvml.__file__).read_text())
    return sorted({name for name in known if _CHANGES.fullmatch(name)})


def load(library_folder: Path) -> Stub:
    """The library in this process, for pynvml too. A process can have one variant only."""
    library = ctypes.CDLL(str(library_folder / LIBRARY), mode=ctypes.RTLD_GLOBAL)
    _loaded.append(library)
    return Stub(library)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "surrogateescape").splitlines()


@dataclass(frozen=True)
class Question:
    """A value asked for by a function: of the driver (place < 0), a GPU, or its MIG instance."""

    function: str
    place: int
    mig: int
    key: str
    times: int


class Stub:
    """The library in this process, seen from behind."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name in ("nvmlStubCallCount", "nvmlStubMisuse", "nvmlStubInFlight"):
            getattr(library, name).restype = ctypes.c_long
        self._library = library

    def use(self, scenario: Scenario) -> None:
        """Show `scenario` from now on."""
        self._library.nvmlStubUseScenario(str(scenario.path).encode())

    def calls(self, function: str = "") -> int:
        """How often `function` was called since the last reset; all functions without a name."""
        return int(self._library.nvmlStubCallCount(function.encode()))

    @contextmanager
    def listening(self) -> Iterator[list[Question]]:
        """A list that holds, in the end, every question that was put meanwhile."""
        heard: list[Question] = []
        self._library.nvmlStubListen(1)
        try:
            yield heard
        finally:
            self._library.nvmlStubListen(0)
            line = ctypes.create_string_buffer(256)
            while self._library.nvmlStubHeard(len(heard), line, len(line)):
                function, place, mig, key, times = line.value.decode().split()
                heard.append(Question(function, int(place), int(mig), key, int(times)))

    def in_flight(self) -> int:
        """Calls that have not come back yet."""
        return int(self._library.nvmlStubInFlight())

    def misuse(self) -> dict[str, int]:
        """What a driver might answer with a crash: each count should be 0."""
        kinds = ("stale_handle", "before_init", "shut_down_under_calls", "changed")
        kinds += ("wrong_sample", "kept_sample")
        return {kind: int(self._library.nvmlStubMisuse(kind.encode())) for kind in kinds}

    def reset(self) -> None:
        """As if no one had ever called: no session, all counts zero."""
        self._library.nvmlStubReset()


class Scenario:
    """A world of one's own to change while the library shows it."""

    def __init__(self, name: str, path: Path | None = None) -> None:
        self.path = path or Path(tempfile.mkdtemp(prefix="nvml-")) / "scenario.txt"
        self.switch(name)

    def switch(self, name: str) -> None:
        """Become the world of `scenarios/<name>.txt`."""
        self._write(_lines(SCENARIOS / f"{name}.txt"))

    def set(self, section: str, key: str, value: object) -> None:
        """Change one value, such as ("gpu 0", "power_mw", 300123). The driver's section is ""."""
        lines = _lines(self.path)
        start, end = self._bounds(lines, section)
        for at in range(start, end):
            if lines[at].partition("=")[0].strip() == key:
                lines[at] = f"{key} = {value}"
                break
        else:
            lines.insert(start, f"{key} = {value}")
        self._write(lines)

    def unset(self, section: str, key: str) -> None:
        """Take one value away."""
        lines = _lines(self.path)
        start, end = self._bounds(lines, section)
        kept = [line for line in lines[start:end] if line.partition("=")[0].strip() != key]
        self._write(lines[:start] + kept + lines[end:])

    def add(self, section: str, **values: object) -> None:
        """Add a GPU or MIG instance at the end."""
        self._write([*_lines(self.path), section])
        for key, value in values.items():
            self.set(section, key, value)

    def remove(self, section: str) -> None:
        """Take a GPU or MIG instance away."""
        lines = _lines(self.path)
        start, end = self._bounds(lines, section)
        self._write(lines[: start - 1] + lines[end:])

    def values(self, section: str) -> dict[str, str]:
        """What the section says, with what all GPUs share beneath it."""
        lines = _lines(self.path)
        shared = self.values("gpu *") if section.startswith("gpu ") and section[4:] != "*" else {}
        start, end = self._bounds(lines, section)
        own = (line.partition("#")[0].partition("=") for line in lines[start:end])
        return shared | {key.strip(): value.strip() for key, equals, value in own if equals}

    def environment(self, library_folder: Path, counts: Path | None = None) -> dict[str, str]:
        """Variables with which a child process finds the library and this world."""
        found = os.environ | {
            "LD_LIBRARY_PATH": str(library_folder),
            "NVML_STUB_SCENARIO": str(self.path),
        }
        return found | ({"NVML_STUB_COUNTS": str(counts)} if counts else {})

    def _write(self, lines: list[str]) -> None:
        # Replaced in one step, so that no call ever reads half a world.
        written = self.path.with_suffix(".new")
        # A driver's text need not be UTF-8.
        written.write_text("\n".join(lines) + "\n", "utf-8", "surrogateescape")
        written.replace(self.path)

    @staticmethod
    def _bounds(lines: list[str], section: str) -> tuple[int, int]:
        heads = [
            at
            for at, line in enumerate(lines)
            if "=" not in line and line.startswith(("gpu ", "mig "))
        ]
        starts = {"": 0} | {lines[at].strip(): at + 1 for at in heads}
        start = starts.get(section)
        if start is None:  # an empty section names no values
            return len(lines), len(lines)
        return start, next((at for at in heads if at >= start), len(lines))
