"""Network interfaces, from /proc/net/dev."""

from __future__ import annotations

import re

from monitor.sources.base import DeviceState, Row
from monitor.sources.kernel_files import KernelFiles
from monitor.sources.rates import Rates

_LEFT_OUT = re.compile(r"lo|veth.*")
# Traffic on these passes through a physical interface as well, or never leaves the machine.
_VIRTUAL = re.compile(
    r"(docker|br-|virbr|vnet|tap|tun|wg|bond|team|dummy|ifb|cni|flannel|cali|lxc|vxlan|kube|nodelocal"
    r"|tailscale|zt|ip6tnl|sit|gre|teql)"
)


class Network:
    """Rows of the `network` table, and the host's totals over physical interfaces."""

    def __init__(self, files: KernelFiles) -> None:
        self._files = files
        self._rates = Rates()
        self.states: tuple[DeviceState, ...] = ()

    def read(self, now: float) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each interface that has ever moved a byte."""
        rows: list[Row] = []
        received: list[float] = []
        sent: list[float] = []
        content = self._files.read("proc/1/net/dev") or self._files.read("proc/net/dev")
        for line in content.decode(errors="replace").splitlines():
            name, colon, text = line.partition(":")
            name, fields = name.strip(), text.split()
            if not colon or len(fields) < 16 or _LEFT_OUT.fullmatch(name):
                continue
            counters = list(map(int, fields))
            if not counters[0] and not counters[8]:
                continue
            rx = self._rates.per_second((name, "rx"), counters[0], now)
            tx = self._rates.per_second((name, "tx"), counters[8], now)
            rows.append(
                {
                    "device": name,
                    "received_bytes_per_second": rx,
                    "sent_bytes_per_second": tx,
                    "error_count": sum(counters[2:4]) + sum(counters[10:12]),
                }
            )
            if rx is not None and tx is not None and not _is_virtual(name):
                received.append(rx)
                sent.append(tx)
        if [state.device for state in self.states] != [row["device"] for row in rows]:
            self.states = tuple(self._state(str(row["device"])) for row in rows)
        return {
            "network_received_bytes_per_second": sum(received) if received else None,
            "network_sent_bytes_per_second": sum(sent) if sent else None,
        }, rows

    def _state(self, name: str) -> DeviceState:
        speed = self._files.once(f"sys/class/net/{name}/speed")
        # Megabits; -1 and absent where the interface has no speed of its own.
        return DeviceState(
            "network",
            name,
            facts={"speed_bits_per_second": int(speed) * 1_000_000} if speed.isdigit() else {},
        )


def _is_virtual(name: str) -> bool:
    # A VLAN (eth0.5) is counted on the interface it lies on.
    return bool(_VIRTUAL.match(name)) or "." in name or "@" in name
