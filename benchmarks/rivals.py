"""Prometheus and VictoriaMetrics with given samples, on free ports of loopback, ended afterwards.

The programs are those of the machine or, where it has none, of Debian's packages, unpacked into
the benchmark's own folder: nothing is installed, and no service begins.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
import numpy.typing as npt

from benchmarks.processes import free_port, wait_for

_DAY_MS = 86_400_000
# Blocks as large as a server of its age has, which is what it answers fastest from.
_BLOCK = "744h"


class NotToBeHad(RuntimeError):
    """The program is not on this machine, and apt-get does not bring it."""


@dataclass(frozen=True)
class Samples:
    """One time series: `times` in ms since 1970, rising."""

    metric: str
    device: str
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def days(self) -> Iterator[tuple[list[int], list[float]]]:
        """Times and values, a day or less at a time."""
        bounds = np.arange(self.times[0], self.times[-1] + 1, _DAY_MS)
        cuts = np.append(np.searchsorted(self.times, bounds), len(self.times))
        for first, last in itertools.pairwise(cuts):
            # To the milliwatt, as they were read.
            yield self.times[first:last].tolist(), self.values[first:last].round(3).tolist()


@contextlib.contextmanager
def prometheus(folder: Path, samples: Sequence[Samples]) -> Iterator[int]:
    """The port of a Prometheus that has the samples. NotToBeHad where there is none."""
    server, config = program("prometheus", folder), folder / "prometheus.yml"
    data = prometheus_blocks(folder, samples)
    config.write_text("global: {}\n")
    port = free_port()
    options = [f"--config.file={config}", f"--storage.tsdb.path={data}", "--log.level=error"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y"]
    with _serving([server, *options], f"http://127.0.0.1:{port}/-/ready"):
        yield port


def prometheus_blocks(folder: Path, samples: Sequence[Samples]) -> Path:
    """The folder of Prometheus' blocks of the samples. NotToBeHad where it is not."""
    tool, data, text = program("promtool", folder), folder / "prometheus", folder / "samples.txt"
    _write_openmetrics(text, samples)
    blocks = [tool, "tsdb", "create-blocks-from", "--quiet", "openmetrics"]
    blocks += [f"--max-block-duration={_BLOCK}", str(text), str(data)]
    subprocess.run(blocks, check=True, stdout=subprocess.DEVNULL)
    text.unlink()
    return data


@contextlib.contextmanager
def victoria_metrics(folder: Path, samples: Sequence[Samples]) -> Iterator[int]:
    """The port of a VictoriaMetrics that has the samples. NotToBeHad where there is none."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [program("victoria-metrics", folder), "-loggerLevel=ERROR", "-retentionPeriod=10y"]
    command += [f"-storageDataPath={folder / 'victoria'}", f"-httpListenAddr=127.0.0.1:{port}"]
    with _serving(command, f"{url}/health"):
        for one in samples:
            _send(Request(f"{url}/api/v1/import", data="\n".join(_import_lines(one)).encode()))
        # The state of a server that has had them for a while.
        for what in ("force_flush", "force_merge", "resetRollupResultCache"):
            _send(Request(f"{url}/internal/{what}"))
        yield port


def query_path(expression: str, start: int, end: int, step: int, **more: str) -> str:
    """Of both: the path that asks for a point each `step` s, start <= time < end, in ms."""
    times = {"start": start // 1000, "end": end // 1000 - step, "step": step}
    return f"/api/v1/query_range?{urlencode({'query': expression, **times, **more})}"


def program(name: str, folder: Path) -> str:
    """Where the program is; NotToBeHad."""
    unpacked = folder / "packages"
    for found in (shutil.which(name), shutil.which(name, path=str(unpacked / "usr/bin"))):
        if found:
            return found
    _unpack("prometheus" if name == "promtool" else name, unpacked)
    return program(name, folder)


def _unpack(package: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for before in ([], ["apt-get", "update", "-qq"]):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            for command in filter(None, (before, ["apt-get", "download", "-qq", package])):
                subprocess.run(command, check=True, cwd=folder, capture_output=True)
            (file,) = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", str(file), str(folder)], check=True)
            return
    raise NotToBeHad(f"{package}: neither on this machine nor from apt-get")


@contextlib.contextmanager
def _serving(command: Sequence[str], url: str) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        wait_for(lambda: _answers(url))
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _send(request: Request) -> None:
    with urlopen(request) as answer:
        answer.read()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _import_lines(one: Samples) -> Iterable[str]:
    metric = {"__name__": one.metric, "device": one.device}
    for times, values in one.days():
        yield json.dumps({"metric": metric, "values": values, "timestamps": times})


def _write_openmetrics(path: Path, samples: Sequence[Samples]) -> None:
    with path.open("w") as file:
        for one in samples:
            name = f'{one.metric}{{device="{one.device}"}}'
            for times, values in one.days():
                lines = zip(values, times, strict=True)
                file.writelines(f"{name} {value} {time // 1000}\n" for value, time in lines)
        file.write("# EOF\n")
