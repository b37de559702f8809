"""Where a program takes a secret that no name tells: `curl -u`, `mysql -p…`, `wandb login`."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Patterns of an option whose secret is the next argument, or the rest of the same one.

    Where `words`, every argument that is no option may be a secret.
    """

    before: str = "(?!)"
    within: str = "(?!)"
    words: bool = False


_MYSQL = Places(within="-p")
_NONE = Places()
_PROGRAMS = {
    "curl": Places(r"-[A-Za-z0-9#]{0,20}[uU]|--(?:proxy-)?user", r"-[uU]|--(?:proxy-)?user="),
    "sshpass": Places("-p", "-p"),
    **dict.fromkeys(("mysql", "mysqladmin", "mysqldump", "mysqlimport"), _MYSQL),
    **dict.fromkeys(("mariadb", "mariadb-admin", "mariadb-dump"), _MYSQL),
    **dict.fromkeys(("mongo", "mongosh", "mongodump"), Places("-p", "-p")),
    "redis-cli": Places("-a"),
    **dict.fromkeys(("docker login", "podman login"), Places("-p", "-p")),
    "wandb login": Places(words=True),
    # What sshpass runs, whose -p is a port.
    **dict.fromkeys(("ssh", "scp", "sftp", "rsync"), _NONE),
}
_BEFORE = {name: re.compile(places.before) for name, places in _PROGRAMS.items()}
_WITHIN = {name: re.compile(f"(?:{places.within})(?=.)") for name, places in _PROGRAMS.items()}


class Program:
    """The program that the arguments so far have named."""

    def __init__(self) -> None:
        self._name = ""
        self._last = ""

    def takes(self, argument: str) -> None:
        """Go on to the next argument, which may name another program."""
        last, self._last = self._last, argument.rpartition("/")[2]
        for name in (self._last, f"{last} {self._last}"):
            if name in _PROGRAMS:
                self._name = name

    def secret_follows(self, argument: str) -> bool:
        """Whether the next argument is a secret."""
        return bool(self._name) and _BEFORE[self._name].fullmatch(argument) is not None

    def secret_in(self, argument: str) -> int | None:
        """Where in this argument a secret begins, if one does."""
        if not self._name:
            return None
        if _PROGRAMS[self._name].words:
            is_word = not argument.startswith("-") and argument.rpartition("/")[2] != "login"
            return 0 if is_word else None
        found = _WITHIN[self._name].match(argument)
        return found.end() if found else None


def _in_text(name: str, places: Places) -> str:
    program = name.replace(" ", r"\s{1,8}").replace("-", r"\-") + r"\s{1,8}"
    if places.words:
        return program + r"(?:--?[\w-]{1,40}\s{1,8}){0,4}"
    # Up to the end of the command; what sshpass runs has a -p of its own.
    others = r"(?:-\S{1,40}\s{1,8}){0,4}?" if name == "sshpass" else r"(?:[^|;&\n]{0,300}?\s)?"
    return f"{program}{others}(?:(?:{places.before})[\\s=]{{1,8}}|(?:{places.within})(?=\\S))"


IN_TEXT = re.compile(
    r"(?<![\w.-])(?:"
    + "|".join(_in_text(name, places) for name, places in _PROGRAMS.items() if places != _NONE)
    + ")"
)
"""A command in a text, as behind `sh -c`, up to where its secret begins."""
