"""Who sends metrics to an OpenTelemetry collector: one web process of a data folder.

Not the recorder, which no slow collector should cost memory or a tick; and not every worker, or
each value would arrive as often as there are workers. The one that holds `otlp.lock` sends; when it
dies, however it dies, another has the lock within seconds.
"""

from __future__ import annotations

import importlib
import logging
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from monitor.settings import BadSetting, Settings
from monitor.storage.locations import recorder_lock

if TYPE_CHECKING:
    from monitor.exporters.otel import Sender
    from monitor.queries.current import Current

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_PATH = "/v1/metrics"


class Otlp:
    """Sends while it holds the lock. `start` and `stop` are called once."""

    def __init__(self, settings: Settings, endpoint: str, current: Current) -> None:
        self._lock = FileLock(recorder_lock(settings).with_name("otlp.lock"), thread_local=False)
        self._endpoint = metrics_address(endpoint)
        self._interval = settings.otlp_interval
        self._current = current
        self._sender: Sender | None = None
        self._complained = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)

    @property
    def sending(self) -> bool:
        """Whether it is this one that sends."""
        return self._sender is not None

    def start(self) -> None:
        """Begin to wait for the lock."""
        self._thread.start()

    def stop(self) -> None:
        """End after a last sending, for which it waits two seconds at most."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._is_mine():
                self._send()
                return
            self._stop.wait(_LOOK_SECONDS)

    def _is_mine(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:  # the recorder has not made the folder yet
            if str(error) != self._complained:
                self._complained = str(error)
                log.debug("%s cannot be locked now: %s.", self._lock.lock_file, error)
            return False
        return True

    def _send(self) -> None:
        from monitor.exporters.otel import Sender

        self._sender = Sender(self._endpoint, self._interval, self._current)
        self._stop.wait()
        self._sender.close()
        self._sender = None
        self._lock.release()


def otlp(settings: Settings, current: Current) -> Otlp | None:
    """What sends to the collector that the settings name; None where they name none."""
    if settings.otlp_endpoint is None:
        return None
    check_installed(settings)
    return Otlp(settings, settings.otlp_endpoint, current)


def check_installed(settings: Settings) -> None:
    """BadSetting where metrics are to be sent and what sends them is not installed."""
    if settings.otlp_endpoint is None:
        return
    try:
        importlib.import_module("monitor.exporters.otel")
    except ModuleNotFoundError:
        raise BadSetting(
            "otlp-endpoint (--otlp-endpoint, MONITOR_OTLP_ENDPOINT) needs packages that are not "
            "installed: pip install 'system-monitor[otel]' installs them."
        ) from None


def metrics_address(endpoint: str) -> str:
    """Where metrics go: `/v1/metrics` below the collector's address, unless it ends so already."""
    whole = endpoint.rstrip("/")
    return whole if urlsplit(whole).path.endswith(_PATH) else whole + _PATH
