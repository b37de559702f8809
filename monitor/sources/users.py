"""Names of users by their number."""

from __future__ import annotations

import pwd
from pathlib import Path


class Users:
    """The users of the system at `root`; each is looked up once, for directories can be slow."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[int, str] = {}

    def name(self, number: int) -> str:
        """The user's name, or the number where none is known."""
        if number not in self._names:
            self._names[number] = self._look_up(number) or str(number)
        return self._names[number]

    def _look_up(self, number: int) -> str:
        if self._root == Path("/"):
            try:
                return pwd.getpwuid(number).pw_name
            except KeyError:
                return ""
        try:
            lines = (self._root / "etc/passwd").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        entries = (line.split(":") for line in lines)
        return next((entry[0] for entry in entries if entry[2:3] == [str(number)]), "")
