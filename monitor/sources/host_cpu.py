"""Shares of CPU time, from /proc/stat."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.sources.base import Row

# user nice system idle iowait irq softirq steal; guest time is within user already.
_FIELDS = 8
_USER = (0, 1)
_SYSTEM = (2, 5, 6)
_IDLE = (3, 4)
_IOWAIT = (4,)


class CpuTimes:
    """Shares of CPU time since the call before; nothing at the first."""

    def __init__(self) -> None:
        self._last: dict[bytes, list[int]] = {}

    def read(self, stat: bytes) -> tuple[Row, list[Row]]:
        """Host columns, and a row for each core, from the content of /proc/stat."""
        host: Row = {}
        cores: list[Row] = []
        before, self._last = self._last, {}
        for line in stat.splitlines():
            if not line.startswith(b"cpu"):
                break
            name, *fields = line.split()
            times = list(map(int, fields[:_FIELDS]))
            self._last[name] = times
            last = before.get(name)
            if last is None:
                continue
            spent = [now - then for now, then in zip(times, last, strict=False)]
            total = sum(spent)
            if name != b"cpu":
                busy = _share(total - _sum(spent, _IDLE), total)
                cores.append({"device": name[3:].decode(), "cpu_percent": busy})
                continue
            host = {
                "cpu_percent": _share(total - _sum(spent, _IDLE), total),
                "cpu_user_percent": _share(_sum(spent, _USER), total),
                "cpu_system_percent": _share(_sum(spent, _SYSTEM), total),
                "cpu_iowait_percent": _share(_sum(spent, _IOWAIT), total),
            }
        return host, cores


def _sum(spent: Sequence[int], fields: Sequence[int]) -> int:
    # Kernels before 2.6.11 have fewer fields.
    return sum(spent[field] for field in fields if field < len(spent))


def _share(part: int, total: int) -> float | None:
    # iowait, and at a CPU's return everything, may step back: then there is no share to tell.
    return 100 * part / total if 0 <= part <= total and total > 0 else None
