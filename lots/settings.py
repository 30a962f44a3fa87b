"""Settings: from the environment (``DUNNAGE_…``), else ``dunnage.toml``, else these defaults."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydantic_settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lots.clock import Clock
from lots.errors import UserError
from lots.terms import Identity

PREFIX = "DUNNAGE_"
FILE = Path("dunnage.toml")
_ALIKE = 0.8


class SettingsError(UserError):
    """A setting cannot be used; the message names it, where it stands and what it should be."""


class Subscription(BaseModel):
    """A row of what the worker listens to: which topics, in which format."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    filter: str
    format: str
    tenant: str = ""  # whose the readings are, where the format's topics do not say
    identity: Identity | None = None  # by default the format's own
    options: dict[str, Any] = Field(default_factory=dict)  # the format's own

    @field_validator("filter")
    @classmethod
    def _of_topics(cls, value: str) -> str:
        levels = value.split("/")
        wild = all(level in ("+", "#") for level in levels if "+" in level or "#" in level)
        if not value or "\0" in value or not wild or "#" in levels[:-1]:
            raise PydanticCustomError(
                "filter",
                "a filter is written like dunnage/v1/+/+/readings: + and # stand alone between"
                " slashes, # only at the end",
            )
        return value


class Settings(BaseSettings):
    """All of Dunnage's settings; each is described in ``docs/settings.md``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True
    )

    data: Path = Path("dunnage-data")
    registry_url: str = ""
    readings_url: str = ""
    broker_url: str = ""
    broker_port: int = Field(1883, ge=1, le=65535)  # of the embedded broker, without a broker_url
    client_id: str = Field("dunnage-worker", min_length=1)
    subscriptions: tuple[Subscription, ...] = Field(
        (
            Subscription(filter="dunnage/v1/+/+/readings", format="native"),
            Subscription(filter="dunnage/v1/+/+/reads", format="reads"),
        ),
        min_length=1,
    )
    journal_max_mb: int = Field(4096, ge=64)
    raw_retention_days: int = Field(400, ge=1)
    api_host: str = "127.0.0.1"
    api_port: int = Field(8080, ge=0, le=65535)
    worker_port: int = Field(8081, ge=0, le=65535)  # the worker's own /healthz and /metrics
    packs: Path | None = None
    webhook_url: str = ""
    webhook_secret: str = ""
    operator_webhook_url: str = ""
    watch_lag_s: float = Field(8.0, gt=0, allow_inf_nan=False)
    watch_fill_pct: float = Field(80.0, gt=0, le=100)  # of queue and journal
    watch_disk_free_mb: int = Field(1000, ge=0)
    clock_start_ms: int = 0
    clock_speed: float = Field(1.0, ge=0, allow_inf_nan=False)

    @field_validator("packs", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return value or None

    @field_validator("data", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if value == "":
            raise PydanticCustomError("folder", "name a folder, or leave it unset")
        return value

    @field_validator("webhook_url", "operator_webhook_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if value and (not usable or any(c.isspace() for c in value)):
            raise PydanticCustomError(
                "web_address", "an address is written like https://example.com/hooks/dunnage"
            )
        return value

    @property
    def clock(self) -> Clock:
        return Clock(self.clock_start_ms, self.clock_speed)

    @property
    def broker(self) -> str:
        """URL of the broker; by default the embedded one of `dunnage run`."""
        return self.broker_url or f"mqtt://127.0.0.1:{self.broker_port}"

    @property
    def registry(self) -> str:
        """SQLAlchemy's URL of the registry; by default a SQLite file in ``data``."""
        return self.registry_url or f"sqlite:///{self.data / 'registry.sqlite'}"

    @property
    def readings(self) -> str:
        """URL of the readings' store; by default a SQLite file in ``data``."""
        return self.readings_url or f"sqlite:///{self.data / 'readings.sqlite'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load() -> Settings:
    """The settings as they stand; raises `SettingsError`."""
    _refuse_misspelt()
    if FILE.exists() and not FILE.is_file():
        raise SettingsError(f"{FILE} cannot be read: it is no file; take it away")
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"])
            where = f"DUNNAGE_{str(item['loc'][0]).upper()} or {name} in dunnage.toml"
            if item["type"] == "extra_forbidden":
                lines.append(f"{where}: there is no such setting; see docs/settings.md")
            else:
                lines.append(f"{where} is {item['input']!r}: {item['msg']}")
        raise SettingsError("\n".join(lines)) from error
    except pydantic_settings.SettingsError as error:
        raise SettingsError(
            f"DUNNAGE_… in the environment cannot be read: {error}; what has several parts is"
            """ written as JSON: DUNNAGE_SUBSCRIPTIONS='[{"filter": "…", "format": "…"}]'"""
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"dunnage.toml cannot be read: {error}") from error


def _refuse_misspelt() -> None:
    """Of variables that are no settings only those that look like one are told.

    Others may be somebody else's: Kubernetes makes some for a service of our name.
    """
    for variable in sorted(os.environ):
        name = variable.lower().removeprefix(PREFIX.lower())
        if name == variable.lower() or name in Settings.model_fields:
            continue
        meant = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=_ALIKE)
        if meant:
            raise SettingsError(
                f"{variable} in the environment: there is no such setting; write"
                f" {PREFIX}{meant[0].upper()}, or unset it; docs/settings.md has all"
            )
