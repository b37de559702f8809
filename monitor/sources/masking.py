"""Command lines that can be stored and shown: secrets are `***`, and they have a sane length.

A value is a secret by the name it is given to (`--api-key X`, `HF_TOKEN=X`, `"password": "X"`),
by its shape (`hf_…`, `sk-…`, a JWT), or by its place in an address (`user:X@host`). In doubt it is
masked. Short options such as `-p` mean a port as often as a password: it is what the program that
they are given to takes them for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.sources.secret_names import is_harmless, is_secret_name, takes_many
from monitor.sources.secret_places import IN_TEXT, Program

MASK = "***"
LONGEST = 500
_LOOKED_AT = 4000

_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        hf_[A-Za-z0-9]{16,}                             # Hugging Face
      | sk-(?=[\w-]*\d)[A-Za-z0-9][\w-]{15,}            # OpenAI, Anthropic and others
      | gh[oprsu]_[A-Za-z0-9]{16,} | github_pat_\w{16,}
      | glpat-[\w-]{16,}                                # GitLab
      | A[KS]IA[A-Z0-9]{16}                             # AWS
      | xox[abeoprs]-[\w-]{10,}                         # Slack
      | AIza[\w-]{30,} | ya29\.[\w-]{20,}               # Google
      | nvapi-[\w-]{16,} | gsk_\w{16,} | r8_\w{16,}     # NVIDIA, Groq, Replicate
      | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,}
      | wandb_v1_\w{16,}
      | eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?            # JWT
    )
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----(?:(?!-----END).)*(?:-----END[ ][A-Z ]*-----)?
    """,
    re.VERBOSE | re.DOTALL,
)
# Up to the last @: a password may hold one, and a slash too.
_ADDRESS_PASSWORD = re.compile(
    r"""(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/@:"']{0,200}:)[^\s"']*@"""
)
_ADDRESS_TOKEN = re.compile(r"""(?<![A-Za-z0-9+.-])(https?://)[^\s/@:"']{1,500}@""")
# Who knows the address may post there.
_WEBHOOK = re.compile(
    r"""(hooks\.slack\.com/[a-z]{1,20}/|discord(?:app)?\.com/api/webhooks/)[^\s"']+"""
)
_BEARER = re.compile(r"\b(bearer|basic)(\s+)[\w.~+/=-]{8,}", re.IGNORECASE)

# `name=`, `"name": `, `--name `: runs of a bounded length, so that time grows with the text alone.
_NAMED = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{1,200})
    (?P<between>[\\"'\]]{0,4}\s{0,8}(?::=|[:=]{1,2})\s{0,8}|\s{1,8})""",
    re.VERBOSE,
)
_VALUE = re.compile(
    r"""(?:(?:bearer|basic|digest|token)\s{1,8})?
    (?: (?:"(?:[^"\\]|\\.)*" | '[^']*')(?=[\s,:)}\]]|$)   # as in JSON
      | (?:"(?:[^"\\]|\\.)*"? | '[^']*'? | [^\s;&"'])+ )   # as in a shell
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_WHOLE = re.compile(r"(?P<name>[\w.+/-]{1,200})(?P<between>:\s|:=|=)", re.ASCII)
_OPTION = re.compile(r"--[A-Za-z][\w.-]*(?:=.*)?|-[A-Za-z]|-[a-z-]+", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def masked_command(arguments: Iterable[str], longest: int = LONGEST) -> str:
    """The command line in one line of at most `longest` characters, without its secrets."""
    shown: list[str] = []
    length, awaited = 0, ""
    program = Program()
    for argument in arguments:
        if length > longest:
            break
        option = _OPTION.fullmatch(argument)
        program.takes(argument)
        begin = program.secret_in(argument)
        if awaited and not (option or _is_bare_sign(argument) or is_harmless(awaited, argument)):
            shown.append(MASK)
        elif begin is not None:
            shown.append(argument[:begin] + MASK)
        else:
            shown.append(masked_text(argument))
        awaited = _awaited_after(argument, awaited, named=bool(option))
        if program.secret_follows(argument):
            awaited = "password"
        length += len(shown[-1]) + 1
    line = " ".join(shown)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _awaited_after(argument: str, awaited: str, *, named: bool) -> str:
    """The name whose secret the next argument is, empty where it is none."""
    name = argument.rstrip("=: ")
    if (named or name != argument) and "=" not in name:
        if name:
            return name if is_secret_name(name) else ""
        return awaited
    return awaited if takes_many(awaited) else ""


def _is_bare_sign(argument: str) -> bool:
    return not argument.strip("=: ")


def masked_text(text: str) -> str:
    """One argument, or other free text, without its secrets and fit to be shown in a line."""
    # Bytes that are no UTF-8 come as lone surrogates, which no file and no JSON takes.
    text = _without_end(text.encode("utf-8", "replace").decode())
    whole = _WHOLE.match(text)
    if whole and is_secret_name(whole["name"]):
        value = text[whole.end() :]
        if value and not is_harmless(whole["name"], value):
            return _in_one_line(text[: whole.end()] + MASK)
    text = _without_named(text)
    text = _without_placed(text)
    text = _ADDRESS_PASSWORD.sub(rf"\1{MASK}@", text)
    text = _ADDRESS_TOKEN.sub(rf"\1{MASK}@", text)
    text = _WEBHOOK.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1\2{MASK}", text)
    return _in_one_line(_SHAPES.sub(MASK, text))


def _without_end(text: str) -> str:
    """A long text up to a place where no secret is cut in two: half of one is not known as one."""
    if len(text) <= _LOOKED_AT:
        return text
    head = text[:_LOOKED_AT]
    return head[: max(map(head.rfind, " \t\n\"'")) + 1] + "…"


def _without_named(text: str) -> str:
    parts: list[str] = []
    at = 0
    for named in _NAMED.finditer(text):
        if named.start() < at or not _gives_a_secret(named):
            continue
        value = _VALUE.match(text, named.end())
        if value is None or is_harmless(named["name"], value[0]):
            continue
        if named["between"].isspace() and _OPTION.fullmatch(value[0]):
            continue
        parts += [text[at : named.end()], MASK]
        at = value.end()
    return "".join([*parts, text[at:]])


def _without_placed(text: str) -> str:
    parts: list[str] = []
    at = 0
    for placed in IN_TEXT.finditer(text):
        value = _VALUE.match(text, placed.end())
        if value is not None and not _OPTION.fullmatch(value[0]):
            parts += [text[at : placed.end()], MASK]
            at = value.end()
    return "".join([*parts, text[at:]])


def _gives_a_secret(named: re.Match[str]) -> bool:
    if named["between"].isspace() and not named["name"].startswith("-"):
        return False
    return is_secret_name(named["name"])


def _in_one_line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()
