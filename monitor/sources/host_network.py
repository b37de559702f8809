"""The `network` table, and the host's totals over its physical interfaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from monitor.sources.base import DeviceState, Row
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates, total
from monitor.sources.slow_reading import SlowReading

_LOOK_EVERY_SECONDS = 10.0
_LEFT_OUT = re.compile(r"lo|veth.*")
# Traffic on these passes a physical interface as well, or never leaves the machine.
_VIRTUAL = re.compile(
    r"(docker|br-|br\d|virbr|vnet|tap|tun|wg|bond|team|dummy|ifb|cni|flannel|cali|cilium|lxc|lxd"
    r"|vxlan|geneve|kube|nodelocal|tailscale|zt|ip6tnl|tunl|sit|gre|erspan|teql|macvtap).*"
    r"|.*[.@].*"
)


@dataclass(frozen=True)
class Interface:
    """What /sys says about an interface."""

    physical: bool
    up: bool
    speed_bits_per_second: int | None


class Network:
    """Interfaces. What /sys says is looked up seldom and apart: a card may take long to answer."""

    def __init__(self, files: KernelFiles) -> None:
        self.states: tuple[DeviceState, ...] = ()
        self._files = files
        self._rates = Rates()
        self._look = SlowReading("network interfaces", self._interfaces, _LOOK_EVERY_SECONDS)
        self._forgot_at = 0.0
        self.wait, self.close = self._look.wait, self._look.close

    def read(self, now: float) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each interface that is up or has moved a byte."""
        known = self._look.latest(now) or {}
        any_physical = any(interface.physical for interface in known.values())
        rows: list[Row] = []
        counted: list[Row] = []
        for name, counters in _counters(_net_dev(self._files)).items():
            interface = known.get(name)
            if not (counters[0] or counters[8] or (interface and interface.up)):
                continue
            row: Row = {
                "device": name,
                "received_bytes_per_second": self._rates.per_second((name, 0), counters[0], now),
                "sent_bytes_per_second": self._rates.per_second((name, 8), counters[8], now),
                "error_count": sum(counters[2:4]) + sum(counters[10:12]),
            }
            rows.append(row)
            # In a container no interface has hardware: there the name must tell.
            if interface.physical if interface and any_physical else not _VIRTUAL.fullmatch(name):
                counted.append(row)
        self._note_states(rows, known)
        if now - self._forgot_at >= _LOOK_EVERY_SECONDS:
            self._forgot_at = now
            self._rates.forget_the_gone(now)
        return {
            f"network_{column}": total([_rate(row[column]) for row in counted])
            for column in ("received_bytes_per_second", "sent_bytes_per_second")
        }, rows

    def _note_states(self, rows: list[Row], known: dict[str, Interface]) -> None:
        states = tuple(
            DeviceState(
                "network",
                name,
                facts={"speed_bits_per_second": known[name].speed_bits_per_second}
                if name in known
                else {},
            )
            for name in (str(row["device"]) for row in rows)
        )
        if states != self.states:
            self.states = states

    def _interfaces(self) -> dict[str, Interface]:
        names = [path.rpartition("/")[2] for path in self._files.names("sys/class/net/*")]
        return {name: self._interface(name) for name in names if not _LEFT_OUT.fullmatch(name)}

    def _interface(self, name: str) -> Interface:
        folder = f"sys/class/net/{name}"
        # A bond has no hardware, its ports do. Azure pairs two cards, and one rules the other.
        paired = self._files.exists(f"{folder}/master/device")
        speed = self._files.once(f"{folder}/speed")
        return Interface(
            physical=self._files.exists(f"{folder}/device") and not paired,
            up=self._files.once(f"{folder}/operstate") == "up",
            # Megabits; 0, -1 or an error where the interface has no speed of its own.
            speed_bits_per_second=int(speed) * 1_000_000
            if speed.isdecimal() and int(speed) > 0
            else None,
        )


def _net_dev(files: KernelFiles) -> bytes:
    # Below another root, /proc/net is still this process's; the host's own is its init's.
    own = files.root == Path("/")
    return (b"" if own else files.read("proc/1/net/dev")) or files.read("proc/net/dev")


def _counters(net_dev: bytes) -> dict[str, list[int]]:
    """The sixteen counters of each interface but loopback and veth."""
    counters: dict[str, list[int]] = {}
    for line in net_dev.decode(errors="replace").splitlines():
        name, colon, fields = line.rpartition(":")
        if colon and not _LEFT_OUT.fullmatch(name.strip()):
            numbers = list(map(int, fields.split()))
            if len(numbers) >= 16:
                counters[name.strip()] = numbers
    return counters


def _rate(value: object) -> float | None:
    return value if isinstance(value, float) else None
