"""What a process is told by its environment (`MDH_*`). Read once, when the process starts, never at import."""

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Profile(StrEnum):
    LOCAL = "local"
    TEST = "test"
    PRODUCTION = "production"


class Role(StrEnum):
    """What one process does: answer HTTP, work on events, outbox, jobs and tasks, or both."""

    API = "api"
    WORKER = "worker"
    ALL = "all"


class Settings(BaseSettings):
    """What every service needs. A service adds its own in its settings.py.

    URLs with passwords have no default; outside `local` and `test` each must also be one that protects what it carries.
    """

    model_config = SettingsConfigDict(env_prefix="MDH_", env_file=None, secrets_dir=None, extra="ignore")

    profile: Profile = Profile.PRODUCTION
    role: Role = Role.ALL
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = "http://localhost:8080"
    trusted_proxies: str = Field(
        default="", description="addresses and networks, separated by commas, whose X-Forwarded-For is believed"
    )

    allowed_origins: str = Field(
        default="", description="other origins, separated by commas, whose pages may use the API in browsers"
    )

    database_url: SecretStr
    database_pool: int = Field(default=10, ge=1, le=200, description="connections kept by one process")
    amqp_url: SecretStr | None = None

    jwks_url: str | None = None
    jwks_file: Path | None = None
    token_issuer: str = "mdh-identity"  # noqa: S105
    token_audience: str = "mdh"  # noqa: S105

    max_body_bytes: int = Field(default=1_000_000, ge=1)
    prefetch: int = Field(default=20, ge=1, le=1000, description="messages in work at once, per consumer")
    log_level: str = "INFO"
    otlp_endpoint: str | None = Field(default=None, description="where traces go (OTLP over HTTP); none: no tracing")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        """What uvicorn takes for a name of its own, or for everybody, is refused here."""
        for part in filter(None, text.replace(" ", "").split(",")):
            if not ip_network(part).prefixlen:
                raise ValueError("everybody is no proxy")
        return text

    @field_validator("public_url")
    @classmethod
    def _has_an_origin(cls, text: str) -> str:
        origin_of(text)
        return text

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, text: str) -> str:
        return ",".join(origin_of(part) for part in filter(None, text.replace(" ", "").split(",")))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.role is not Role.API and self.amqp_url is None:
            raise ValueError("MDH_AMQP_URL is needed by the roles worker and all")
        if self.jwks_url is None and self.jwks_file is None and self.role is not Role.WORKER:
            raise ValueError("MDH_JWKS_URL or MDH_JWKS_FILE is needed by the roles api and all")
        return self

    @property
    def other_origins(self) -> list[str]:
        return [part for part in self.allowed_origins.split(",") if part]

    @property
    def origins(self) -> frozenset[str]:
        """Where our own pages are."""
        return frozenset({origin_of(self.public_url), *self.other_origins})

    @property
    def secure_cookies(self) -> bool:
        """Only a system of one's own, without TLS, has others."""
        return self.profile is Profile.PRODUCTION or self.public_url.startswith("https:")

    @property
    def json_logs(self) -> bool:
        return self.profile is Profile.PRODUCTION


def origin_of(url: str) -> str:
    """As browsers write it: `https://example.com`, the port only if it is not the scheme's own."""
    parts = urlsplit(url.strip())
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    if usual is None or not parts.hostname:
        raise ValueError("is not an http or https origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" if parts.port in (None, usual) else f"{parts.scheme}://{host}:{parts.port}"
