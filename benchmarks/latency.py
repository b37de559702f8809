"""How long a tick takes to reach people, and how long the program takes to start.

- From the second a tick is of to a WebSocket client that has it: reading eight GPUs, live.db, the
  follower and the push are all inside.
- Current values over HTTP, one request every 20 ms on one connection, while recording.
- From `python app.py` to the first reading in a Chromium that is open already.

Run `python -m benchmarks.latency [--seconds 60]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.clients import Connection
from benchmarks.figures import Figure, table
from benchmarks.processes import free_port, machine, running, wait_for

_CURRENT = "/api/v1/system/gpu-metrics"
_SOCKET = "/ws/system-metrics"
_PAUSE_SECONDS = 0.02


def latency(seconds: int) -> list[Figure]:
    """Every figure."""
    starts = [_start() for _ in range(3)]
    pushed, answered = _served(seconds)
    return [
        Figure("tick to WebSocket client p50", 150, _quantile(pushed, 0.5), "ms"),
        Figure("tick to WebSocket client p99", 150, _quantile(pushed, 0.99), "ms"),
        Figure("current values over HTTP p50", 5, _quantile(answered, 0.5), "ms"),
        Figure("current values over HTTP p99", 5, _quantile(answered, 0.99), "ms"),
        Figure(
            "start to first reading on the page, slowest of 3",
            3,
            max((start for start in starts if start is not None), default=None),
            "s",
        ),
    ]


def _served(seconds: int) -> tuple[list[float], list[float]]:
    """Seconds from tick to client, and of each request."""
    port = free_port()
    with (
        machine() as (_, options, variables),
        running(["app.py", "--port", str(port), *options], variables),
    ):
        return asyncio.run(_both(port, seconds))


async def _both(port: int, seconds: int) -> tuple[list[float], list[float]]:
    await _first_reading(port)
    deadline = time.monotonic() + seconds
    return tuple(await asyncio.gather(_pushes(port, deadline), _requests(port, deadline)))  # type: ignore[return-value]


async def _first_reading(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError, ValueError, LookupError, EOFError):
            async with Connection(port) as connection:
                status, body = await connection.get(_CURRENT)
                if status == 200 and json.loads(body)["gpus"]:
                    return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{_CURRENT} has no reading after 30 s")


async def _pushes(port: int, deadline: float) -> list[float]:
    from websockets.asyncio.client import connect
    from websockets.typing import Origin

    taken: list[float] = []
    seen = ""
    async with connect(
        f"ws://127.0.0.1:{port}{_SOCKET}", origin=Origin(f"http://127.0.0.1:{port}"), max_size=None
    ) as socket:
        await socket.recv()  # what was current when the connection was made
        while time.monotonic() < deadline:
            message = await asyncio.wait_for(socket.recv(), 10)
            arrived = time.time()
            tick = _tick(json.loads(message))
            if tick and tick != seen:
                taken.append(arrived - datetime.fromisoformat(tick).timestamp())
                seen = tick
    return taken


async def _requests(port: int, deadline: float) -> list[float]:
    taken: list[float] = []
    async with Connection(port) as connection:
        while time.monotonic() < deadline:
            began = time.perf_counter()
            await connection.get(_CURRENT)
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE_SECONDS)
    return taken


def _tick(message: dict[str, Any]) -> str:
    return str(message.get("time") or "")


def _start() -> float | None:
    """Seconds from the command to a reading on the page; None without Chromium."""
    if shutil.which("chromedriver") is None:
        return None
    port = free_port()
    with _chromium() as browser, machine() as (_, options, variables):
        browser.get("about:blank")
        began = time.perf_counter()
        with running(["app.py", "--port", str(port), *options], variables):
            wait_for(lambda: _opens(browser, port))
            wait_for(
                lambda: browser.execute_script(
                    "return [...document.querySelectorAll('[data-metric]')]"
                    ".some(element => element.dataset.value)"
                )
            )
            return time.perf_counter() - began


def _opens(browser: Any, port: int) -> bool:
    from selenium.common.exceptions import WebDriverException

    try:
        browser.get(f"http://127.0.0.1:{port}/")
    except WebDriverException:
        return False
    return True


@contextlib.contextmanager
def _chromium() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)  # type: ignore[no-untyped-call]
    browser = webdriver.Chrome(service=Service(shutil.which("chromedriver") or ""), options=options)
    try:
        yield browser
    finally:
        browser.quit()


def _quantile(seconds: list[float], share: float) -> float | None:
    return 1000 * float(np.quantile(seconds, share)) if seconds else None


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    print(table(latency(parser.parse_args().seconds)))


if __name__ == "__main__":
    main()
