"""In a web process: reads what the recorder adds to live.db, and wakes those who wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.metrics import TABLES
from monitor.queries.latest import Latest
from monitor.queries.sparks import Peaks
from monitor.sources.base import DeviceState, Row
from monitor.storage.buffer import Buffer, Columns
from monitor.storage.journal import Journal
from monitor.storage.journals import is_own_folder

log = logging.getLogger(__name__)

KEPT_MS = 3_600_000
_TRIM_EVERY = 60
# How often to look: while a tick is due, and while none is.
_DUE_SECONDS, _IDLE_SECONDS = 0.02, 0.25
_OVERDUE_SECONDS = 2.0
# A table read every 2 s has rows at least this often, while there is anything to have a row of.
_SELDOM_MS, _SELDOM_TICKS = 5_000, 2.5


# Tables whose devices may all fail to answer at a tick.
_EACH_TICK = ("gpu", "zone", "rail")


class Follower:
    """The web process's copy of the newest hour, and `latest`, replaced whole at each tick.

    `paths` are the live.db files a recorder may write to (the second one in memory, for when the
    disk is full). Each may be missing, appear later, or be replaced.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.buffers = {name: Buffer(table) for name, table in TABLES.items()}
        self.peaks = Peaks()
        self.latest = Latest()
        self._followed = [_Followed(path, stand_in=at > 0) for at, path in enumerate(paths)]
        # Ticks that came from a stand-in: they come once more when they move into live.db.
        self.moving: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: set[asyncio.Future[None]] = set()

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Begin to follow. `loop` is where `next` is awaited."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End, and wake everybody."""
        self._stop.set()
        self._thread.join()
        self._wake_all()

    @property
    def stopped(self) -> bool:
        """Whether nothing more will come."""
        return self._stop.is_set()

    async def next(self, after: int, timeout: float | None = None) -> Latest:
        """The first Latest whose sequence is past `after`; the present one on a timeout."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while self.latest.sequence <= after and not self.stopped:
            waiter = loop.create_future()
            self._waiters.add(waiter)
            try:
                # The tick may have come between the look above and the waiting.
                if self.latest.sequence <= after:
                    left = None if deadline is None else deadline - loop.time()
                    await asyncio.wait_for(waiter, left)
            except TimeoutError:
                break
            finally:
                self._waiters.discard(waiter)
        return self.latest

    def poll(self) -> bool:
        """Take what is new; True where something was. Called by the follower's own thread."""
        found = False
        for followed in self._followed:
            found |= followed.read_into(self)
        return found

    def take(
        self,
        ticks: Mapping[str, Sequence[tuple[int, Row]]],
        recorder: Mapping[str, object] | None,
    ) -> None:
        """Add rows that have arrived and make the next `latest`."""
        for name, arrived in ticks.items():
            for tick, rows in _by_tick(arrived).items():
                self.buffers[name].append(tick, rows)
                for row in rows:
                    self.peaks.add(name, row, tick)
        self.show(ticks, recorder)

    def show(
        self,
        ticks: Mapping[str, Sequence[tuple[int, Row]]],
        recorder: Mapping[str, object] | None,
    ) -> None:
        """Make the next `latest` of the last tick among these."""
        last = self.latest
        current = dict(last.rows)
        newest, ticked = last.time, dict[str, int]()
        for name, arrived in ticks.items():
            if arrived:
                # The last to arrive is current, also after the clock was set back.
                ticked[name], rows = _by_tick(arrived).popitem()
                current[name] = {_key(row): row for row in rows}
        newest = next(reversed(ticked.values()), newest)
        shown = {**last.ticks, **ticked}
        note = recorder if recorder is not None else last.recorder
        if newest is not None and _is_past(shown.get("process", newest), newest, note):
            current["process"] = {}  # readings since then found none
        for name in _EACH_TICK:
            if ticked and ticked.get(name) != ticked.get("recorder", newest):
                current[name] = {}  # nothing answered at this tick: the rows are of an earlier one
        self.latest = Latest(
            sequence=last.sequence + 1,
            time=newest,
            rows=current,
            ticks=shown,
            devices=self._known(),
            recorder=note,
            arrived=time.monotonic(),
        )
        if self.latest.sequence % _TRIM_EVERY == 0 and newest is not None:
            for buffer in self.buffers.values():
                buffer.drop_before(newest - KEPT_MS)
            self.moving = {tick for tick in self.moving if tick >= newest - KEPT_MS}
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._wake_all)

    def _known(self) -> dict[str, dict[str, DeviceState]]:
        """Devices by table, as the last of the files that lists any has them: each lists all."""
        known: dict[str, dict[str, DeviceState]] = {}
        lists = [followed.devices for followed in self._followed if followed.devices]
        for state in lists[-1] if lists else ():
            known.setdefault(state.table, {})[state.device] = state
        return known

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.poll()
            self._stop.wait(pause(self.latest, time.time()))
        for followed in self._followed:
            followed.close()


class _Followed:
    """One live.db, its cursors, and whether it is still the same file."""

    def __init__(self, path: Path, *, stand_in: bool) -> None:
        self.devices: Sequence[DeviceState] = ()
        self._path = path
        self._stand_in = stand_in
        self._journal: Journal | None = None
        self._inode = 0
        self._version = -1
        self._cursors: dict[str, int] = {}
        self._complained = ""

    def read_into(self, follower: Follower) -> bool:
        """Hand on what is new. A file that cannot be read costs one log line."""
        try:
            if not self._opened(follower):
                return False
            assert self._journal is not None
            version = self._journal.version()
            if version == self._version:
                return False
            found = self._read(follower, self._journal)
            self._version = version
            self._complained = ""
        except sqlite3.Error as error:
            if str(error) != self._complained:
                self._complained = str(error)
                log.warning("%s cannot be read now: %s.", self._path, error)
            self.close()
            return False
        return found

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _opened(self, follower: Follower) -> bool:
        try:
            inode = self._path.stat().st_ino
        except OSError:
            self.close()
            self._inode = 0
            if self._stand_in:  # all of it is in live.db; that one will be back
                self.devices = ()
            return False
        if self._journal is not None and inode == self._inode:
            return True
        self.close()
        if self._stand_in and not is_own_folder(self._path.parent):
            return False  # another user's; the recorder says so
        self._journal = Journal(self._path, readonly=True, shared=True)
        self._version = -1
        if not self._cursors:
            self._read_past(follower, self._journal)
        elif inode != self._inode:
            # A file that took the place of the one followed: all of it is new, but for what
            # the recorder has saved of a broken one.
            self._cursors = dict.fromkeys(TABLES, 0)
            for buffer in follower.buffers.values():
                follower.moving.update(buffer.columns().times.tolist())
        self._inode = inode
        return True

    def _read_past(self, follower: Follower, journal: Journal) -> None:
        start = round(time.time() * 1000) - KEPT_MS
        past: dict[str, Columns] = {}
        current: dict[str, Sequence[tuple[int, Row]]] = {}
        cursors: dict[str, int] = {}
        with journal.snapshot():
            for name, table in TABLES.items():
                past[name], _ = journal.columns(table, start)
                current[name], cursors[name] = journal.last_rows(table)
        # Only now: a read that failed half-way is made anew.
        self._cursors = cursors
        for name, columns in past.items():
            follower.buffers[name].extend(columns)
            if self._stand_in:
                follower.moving.update(columns.times.tolist())
        follower.peaks.load(follower.buffers)
        follower.show(current, None)

    def _read(self, follower: Follower, journal: Journal) -> bool:
        arrived: dict[str, list[tuple[int, Row]]] = {}
        cursors: dict[str, int] = {}
        with journal.snapshot():
            for name, table in TABLES.items():
                arrived[name], cursors[name] = journal.rows_after(table, self._cursors[name])
            devices, recorder = journal.devices(), journal.note("recorder")
        known = devices == self.devices and recorder == follower.latest.recorder
        self._cursors, self.devices = cursors, devices
        ticks = {name: self._new(follower, rows) for name, rows in arrived.items()}
        if known and not any(ticks.values()):
            return False  # the recorder's own affairs, such as how far it has flushed
        follower.take(ticks, recorder or None)
        return True

    def _new(self, follower: Follower, arrived: list[tuple[int, Row]]) -> Sequence[tuple[int, Row]]:
        if self._stand_in:
            follower.moving.update(tick for tick, _ in arrived)
            return arrived
        return [(tick, row) for tick, row in arrived if tick not in follower.moving]


def pause(latest: Latest, now: float) -> float:
    """Seconds until it is worth to look again, at `now`, in seconds since 1970.

    Often while a tick is due. Seldom before that, and where none has come for long: what the
    recorder notes between its ticks can wait so long.
    """
    interval = latest.recorder.get("interval")
    if latest.time is None or not isinstance(interval, (int, float)):
        return _IDLE_SECONDS / 4
    left = latest.time / 1000 + interval - now
    if left < -_OVERDUE_SECONDS:
        return _IDLE_SECONDS / 4
    return min(max(left, _DUE_SECONDS), _IDLE_SECONDS)


def _by_tick(arrived: Sequence[tuple[int, Row]]) -> dict[int, list[Row]]:
    ticks: dict[int, list[Row]] = {}
    for tick, row in arrived:
        ticks.setdefault(tick, []).append(row)
    return ticks


def _is_past(tick: int, newest: int, recorder: Mapping[str, object]) -> bool:
    """Whether rows of `tick` are too old to be current, also after the clock was set back."""
    interval = recorder.get("interval")
    interval_ms = 1000 * interval if isinstance(interval, (int, float)) else 0
    return abs(newest - tick) > max(_SELDOM_MS, _SELDOM_TICKS * interval_ms)


def _key(row: Row) -> str:
    return f"{row['device']}/{row['pid']}" if "pid" in row else str(row["device"])
