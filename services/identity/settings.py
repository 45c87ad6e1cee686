"""What identity adds to the platform's settings."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from shared import settings
from shared.settings import Profile, Role


class OpenIdProvider(BaseModel):
    """An OpenID provider that people may sign in with; `issuer` as its discovery document spells it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="in our URLs; stays, once somebody is linked")
    label: str | None = Field(default=None, max_length=100, description="for people; none: the name")
    issuer: str = Field(pattern=r"^https?://[^?#\s]+$", max_length=255)
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    scopes: str = Field(default="openid email profile", pattern=r"^openid( |$)")


class Settings(settings.Settings):
    """Identity has the key set itself: it needs neither MDH_JWKS_URL nor MDH_JWKS_FILE."""

    signing_keys_dir: Path | None = Field(default=None, description="holds <kid>.pem files; needed by api and all")
    signing_kid: str | None = Field(default=None, description="the key that signs; none: the last by name")
    access_token_seconds: int = Field(default=900, ge=60, le=900)
    erasure_delay_seconds: int = Field(
        default=120, ge=0, le=604_800, description="from closing an account to erasing it; tokens end within 60"
    )
    limits_times: int = Field(default=1, ge=1, le=100_000, description="every limit on attempts, times this")
    hashes_at_once: int = Field(default=2, ge=1, le=64, description="passwords hashed side by side, 19 MiB each")

    secrets_keys: SecretStr | None = Field(
        default=None, description="Fernet keys with commas between them; the first seals; needed by api and all"
    )
    oidc_providers: list[OpenIdProvider] = Field(default=[], description="JSON: whom people may sign in with")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.role is not Role.API and self.amqp_url is None:
            raise ValueError("MDH_AMQP_URL is needed by the roles worker and all")
        self._providers_must_be_sound()
        return self

    def _providers_must_be_sound(self) -> None:
        names = [provider.name for provider in self.oidc_providers]
        if len(set(names)) < len(names):
            raise ValueError("MDH_OIDC_PROVIDERS names a provider twice")
        plain = [each.name for each in self.oidc_providers if not each.issuer.startswith("https://")]
        if plain and self.profile is Profile.PRODUCTION:
            raise ValueError(f"MDH_OIDC_PROVIDERS: the issuer of {plain[0]} must be https in production")
