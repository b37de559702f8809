"""What the settings of access may be: tokens, host names, origins, proxies."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

ProxyAccess = Literal["none", "viewer", "operator"]
UNIX = "unix"

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{8,256}")
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


def split(value: object) -> object:
    """The items of a list that is written with commas."""
    if not isinstance(value, str):
        return value
    return tuple(filter(None, (item.strip() for item in value.split(","))))


def _token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("must be 8 to 256 letters, digits or . _ ~ + / = -")
    return value


def _hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(value.lower().removeprefix("[").removesuffix("]") for value in values)
    if not all(_HOST.fullmatch(value) or is_address(value) for value in values):
        raise ValueError(
            "must be names or addresses without scheme and port, such as gpu.example.org or"
            " *.example.org"
        )
    return values


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(value.lower().rstrip("/") for value in values)
    if not all(_ORIGIN.fullmatch(value) for value in values):
        raise ValueError("must be origins without a path, such as https://wiki.example.org")
    return values


def _proxies(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != UNIX:
            try:
                ipaddress.ip_network(value)
            except ValueError:
                raise ValueError(
                    "must be addresses, networks such as 10.0.0.0/8, or unix for a Unix socket"
                ) from None
    return values


def is_address(value: str) -> bool:
    """Whether it is an IP address, without brackets."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


Token = Annotated[SecretStr, AfterValidator(_token)]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_hosts)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_origins)]
Proxies = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_proxies)]
