"""Every setting, declared once: command line over environment over monitor.toml over default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    CliImplicitFlag,
    CliSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from monitor.access.options import Hosts, Origins, Proxies, ProxyAccess, Token
from monitor.storage.tiers import Tier, parse_tiers

DEFAULT_TIERS = "1s:1h,10s:6h,1m:24h,5m:7d,15m:90d,1h:2y"
ENV_PREFIX = "MONITOR_"
CONFIG_FILE = "monitor.toml"

# On no command line, which everyone may read, and in no message.
SECRETS = frozenset({"token", "viewer_token"})

SECRET_VARIABLES = frozenset(f"{ENV_PREFIX}{name.upper()}" for name in SECRETS)

GpuSource = Literal["auto", "nvml", "jetson", "demo", "none"]


class BadSetting(ValueError):
    """A setting has a value it may not have. Its text is one sentence for a person."""


class Settings(BaseSettings):
    """What a person may choose. A field's name is its option and, in capitals, its variable."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, toml_file=CONFIG_FILE
    )

    data: str = Field(
        "data",
        min_length=1,
        description="folder (or s3://bucket/prefix) that keeps the history",
    )
    # An empty address would mean every one.
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8050, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    interval: float = Field(1.0, ge=0.1, le=60, description="seconds between two readings")
    flush_interval: float = Field(
        60.0, ge=0.1, le=600, description="seconds between two writes of the history files"
    )
    gpu_source: GpuSource = Field("auto", description="where GPU readings come from")
    tiers: str = Field(DEFAULT_TIERS, description="resolution:age of each tier, finest first")
    mounts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="more mount points to show, separated by commas"
    )
    url_prefix: str = Field("/", description="path under which a proxy serves the page")
    root: Path = Field(Path("/"), description="/sys, /proc and /etc are read below it")
    state_dir: Path | None = Field(
        None, description="folder for live.db and state.db, when not the data folder"
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector (http://host:4318) that metrics are sent to"
    )
    otlp_interval: float = Field(
        15.0, ge=1, le=3600, description="seconds between two sendings to it"
    )
    record: CliImplicitFlag[bool] = Field(True, description="start a recorder when none runs")
    token: Token | None = Field(
        None, description="what an operator signs in with; made at start where one is needed"
    )
    viewer_token: Token | None = Field(
        None, description="what a viewer signs in with, who changes nothing"
    )
    trusted_hosts: Hosts = Field(
        (), description="names under which a browser may ask, separated by commas"
    )
    trusted_proxies: Proxies = Field(
        ("127.0.0.1", "::1", "unix"),
        description="whose X-Forwarded-For and -Proto are believed: addresses, networks, unix",
    )
    proxy_access: ProxyAccess = Field(
        "none", description="what everyone may do whom a trusted proxy lets through"
    )
    frame_ancestors: Origins = Field(
        (), description="origins whose pages may show /embed in a frame, separated by commas"
    )
    allow_signals: CliImplicitFlag[bool] = Field(
        False, description="let operators pause, resume and end GPU processes of the same user"
    )
    rate_limit: float = Field(
        100.0, ge=0, le=1e6, description="requests a second that one other machine may send; 0: any"
    )
    max_connections: int = Field(
        2000, ge=16, le=1_000_000, description="connections open at once in one process"
    )

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        if self.token is not None and self.token == self.viewer_token:
            raise ValueError("token and viewer-token (--token, --viewer-token) must differ")
        return self

    @field_validator("tiers")
    @classmethod
    def _tiers_are_known(cls, value: str) -> str:
        parse_tiers(value)
        return value

    @field_validator("interval")
    @classmethod
    def _interval_lies_on_the_clock(cls, value: float) -> float:
        ms = round(value * 1000)
        if abs(value * 1000 - ms) > 1e-6 or (60_000 % ms):
            raise ValueError("must divide a minute evenly, such as 0.5, 1, 2 or 5")
        return value

    @field_validator("mounts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("url_prefix")
    @classmethod
    def _prefix_is_a_path(cls, value: str) -> str:
        if not re.fullmatch(r"/([\w.~-]+/)*", value):
            raise ValueError("must be a path that begins and ends with /, such as /monitor/")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _endpoint_is_an_address(cls, value: str | None) -> str | None:
        found = urlsplit(value or "http://none")
        if found.scheme not in {"http", "https"} or not found.hostname or "@" in found.netloc:
            raise ValueError("must be an address such as http://127.0.0.1:4318")
        return value or None

    @field_validator("root")
    @classmethod
    def _root_exists(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError("must be a folder that exists")
        return value

    @property
    def remote(self) -> bool:
        """True where `data` is not a local folder."""
        return bool(urlsplit(self.data).netloc)

    @property
    def parsed_tiers(self) -> tuple[Tier, ...]:
        """The tiers, finest first."""
        return parse_tiers(self.tiers)

    def arguments(self) -> list[str]:
        """The command line that gives these settings again, but for secrets."""
        options: list[str] = []
        for name, value in self:
            if name in SECRETS:
                continue
            option = f"--{name.replace('_', '-')}"
            if isinstance(value, bool):
                options.append(option if value else f"--no-{name.replace('_', '-')}")
            elif isinstance(value, tuple):
                options += [option, ",".join(value)] if value else []
            elif value is not None:
                options += [option, str(value)]
        return options

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, monitor.toml, in this order. An empty variable is not set."""
        # Not `env_ignore_empty` of the model: that holds for the command line too.
        environment = EnvSettingsSource(settings_cls, env_ignore_empty=True)
        return init_settings, environment, TomlConfigSettingsSource(settings_cls)


def load(arguments: Sequence[str] = (), prog: str = "app.py") -> Settings:
    """The settings in force. BadSetting names the setting, its value and what is allowed.

    Prints the options and exits on --help.
    """
    try:
        command_line: CliSettingsSource[object] = CliSettingsSource(
            Settings,
            cli_prog_name=prog,
            cli_kebab_case=True,
            cli_exit_on_error=False,
            cli_parse_args=list(arguments),
        )
        return Settings(**command_line())
    except ValidationError as error:
        raise BadSetting(_sentence(error)) from None
    except SettingsError as error:
        reason = str(error).removeprefix("error parsing CLI: ")
        raise BadSetting(
            f"The command line is wrong: {reason}; {prog} --help lists the options."
        ) from None
    # A broken file is a ValueError too: of syntax or of encoding.
    except (ValueError, OSError) as error:
        raise BadSetting(f"{CONFIG_FILE} cannot be read: {_reason(error)}.") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        known = ", ".join(Settings.model_fields)
        return f"{CONFIG_FILE} has an unknown setting {name!r}; known are {known}."
    what = first["msg"].removeprefix("Value error, ")
    if not name:
        return f"{what}."
    wrong = "is not accepted" if name in SECRETS else f"cannot be {first['input']!r}"
    return (
        f"{name.replace('_', '-')} (--{name.replace('_', '-')}, {ENV_PREFIX}{name.upper()}) "
        f"{wrong}: {what[0].lower()}{what[1:]}."
    )


def _reason(error: Exception) -> str:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return reason[0].lower() + reason[1:]
