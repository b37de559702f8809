"""Who needs a token: decided once, from the settings."""

from __future__ import annotations

import secrets
import socket
from urllib.parse import quote

from pydantic import SecretStr

from monitor.access.limits import ANY_ADDRESS, is_loopback
from monitor.settings import BadSetting, Settings


def is_open(settings: Settings) -> bool:
    """Whether everyone who can connect is an operator: on this machine alone, and no proxy.

    A name in trusted-hosts is one that others ask by, so there is a proxy.
    """
    bound = settings.host.lower()
    return (
        (bound == "localhost" or is_loopback(bound))
        and settings.proxy_access == "none"
        and not (settings.token or settings.viewer_token or settings.trusted_hosts)
    )


def with_token(settings: Settings) -> Settings:
    """The settings with a token for an operator, made here where one is needed and not set."""
    if settings.token or settings.proxy_access != "none" or is_open(settings):
        return settings
    return settings.model_copy(update={"token": SecretStr(secrets.token_urlsafe(24))})


def refuse_without_token(settings: Settings) -> Settings:
    """The settings. BadSetting unless they say who may come in.

    For a server that is not ours, such as gunicorn: where it listens is not known here, several
    processes would each make a token of their own, and none could be printed.
    """
    if not (settings.token or settings.viewer_token) and settings.proxy_access == "none":
        raise BadSetting(
            "A token must be set (MONITOR_TOKEN, or token in monitor.toml), or MONITOR_PROXY_ACCESS"
            " where a proxy in front asks for a login itself."
        )
    return settings


def addresses(settings: Settings, host: str, port: int) -> list[str]:
    """Where to open the page, with the operator's token; bound to every address, by two names."""
    hosts = ["127.0.0.1", socket.gethostname()] if host in ANY_ADDRESS else [host]
    token = secret(settings.token)
    asked = f"?token={quote(token, safe='')}" if token else ""
    shown = [f"[{name}]" if ":" in name else name for name in hosts]
    return [f"http://{name}:{port}{settings.url_prefix}{asked}" for name in shown]


def secret(value: SecretStr | None) -> str | None:
    """What it is."""
    return value.get_secret_value() if value else None
