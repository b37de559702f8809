"""The recorder process: sources, storage and jobs put together, from start to last flush."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from monitor.recording.clock import Clock, PatientClock, SystemClock
from monitor.recording.devices import Devices, source_names
from monitor.recording.lock import acquire, owned
from monitor.recording.sampler import Sampler
from monitor.recording.schedule import Job, Schedule
from monitor.settings import Settings
from monitor.sources.base import Source
from monitor.storage.locations import recorder_lock
from monitor.storage.store import Store

log = logging.getLogger(__name__)

_PRUNE_SECONDS = 300.0
# A web process starts the next recorder while the one before still ends, or records until told so.
_SUCCESSOR_PATIENCE_SECONDS = 60.0
# Of an interval: between two ticks, when the one before has surely been read.
_BETWEEN_TICKS = 0.45


class Recorder:
    """Records until stopped. `note` in live.db tells those who follow how it is."""

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        explanation: str,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._patient = PatientClock(self._clock)
        self._settings = settings
        self._sources = sources
        self._explanation = explanation
        self._started = self._clock.wall()
        self._store = Store(settings, self._clock, self.note)
        self._previous = self._store.journals.note("recorder")
        self.sampler = Sampler(sources, self._store, settings.interval, self._clock, self.note)
        self._devices = Devices(sources, self._store.journals)
        between = _BETWEEN_TICKS * settings.interval
        self._schedule = Schedule(
            [
                Job("sample", self.sample, settings.interval),
                Job("flush", self.flush, settings.flush_interval, between),
                Job("prune", self.prune, _PRUNE_SECONDS, between),
            ],
            self._clock,
        )

    def start(self) -> None:
        """Begin to record at once; what a recorder before left in live.db is saved meanwhile."""
        # Before the note, which names the sources of now.
        self._devices.start(self._clock.monotonic(), source_names(self._previous))
        self.note()
        self._schedule.start()
        self._store.recover()

    def stop(self) -> None:
        """End after a last flush."""
        self._schedule.stop()
        self._store.flush()
        self.note(ended=True)
        for source in self._sources:
            source.close()
        self._store.close()

    def sample(self) -> None:
        """Record a tick, and how the devices are after it."""
        self.sampler.tick()
        self._devices.note(self._clock.monotonic())

    def flush(self) -> None:
        """Write what is new to Parquet, and roll up the buckets that have closed."""
        self._store.flush()

    def prune(self) -> None:
        """Delete what is past its age."""
        self._store.prune(self._patient.now())

    def note(self, *, ended: bool = False) -> None:
        """Tell the followers how recording goes."""
        store = getattr(self, "_store", None)
        if store is None:
            return  # still being put together
        sampler = getattr(self, "sampler", None)
        store.journals.put_note(
            "recorder",
            {
                "pid": os.getpid(),
                "started": round(self._started * 1000),
                "interval": self._settings.interval,
                "tiers": self._settings.tiers,
                "explanation": self._explanation,
                "sources": [asdict(source.state()) for source in self._sources],
                "storage": store.state(),
                "clock": sampler.clock_message if sampler else "",
                "previous": _ending(self._previous),
                "ended": ended,
            },
        )


def _ending(previous: dict[str, object]) -> dict[str, object]:
    """What the page says of the recorder before this one."""
    if not previous:
        return {}
    return {name: previous.get(name) for name in ("pid", "started", "ended")}


def record(
    settings: Settings,
    choose: Callable[[Settings], tuple[Sequence[Source], str]],
    *,
    until_stdin_closes: bool = False,
) -> None:
    """Record until a signal, or until the parent is gone. AlreadyRecording, OSError at start."""
    lock_path = recorder_lock(settings)
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    if until_stdin_closes:
        threading.Thread(target=_wait_for_parent, args=(ended,), daemon=True).start()
        lock = acquire(lock_path, _SUCCESSOR_PATIENCE_SECONDS, ended.is_set)
        locks = [lock, acquire(owned(lock_path))]
    else:
        locks = [acquire(lock_path)]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sources, explanation = choose(settings)
    log.info("%s Recording to %s.", explanation, Path(settings.data))
    recorder = Recorder(settings, sources, explanation)
    recorder.start()
    ended.wait()
    recorder.stop()
    for lock in locks:
        lock.release()


def _wait_for_parent(ended: threading.Event) -> None:
    # The bare descriptor: a thread inside sys.stdin when the interpreter ends is a fatal error.
    try:
        while os.read(0, 4096):
            pass
    finally:
        ended.set()
