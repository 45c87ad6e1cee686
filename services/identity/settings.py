"""What identity adds to the platform's settings."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared import settings
from shared.settings import Role


class Settings(settings.Settings):
    """Identity has the key set itself: it needs neither MDH_JWKS_URL nor MDH_JWKS_FILE."""

    signing_keys_dir: Path | None = Field(default=None, description="holds <kid>.pem files; needed by api and all")
    signing_kid: str | None = Field(default=None, description="the key that signs; none: the last by name")
    access_token_seconds: int = Field(default=900, ge=60, le=900)
    limits_times: int = Field(default=1, ge=1, le=100_000, description="every limit on attempts, times this")
    hashes_at_once: int = Field(default=2, ge=1, le=64, description="passwords hashed side by side, 19 MiB each")

    secrets_keys: SecretStr | None = Field(
        default=None, description="Fernet keys with commas between them; the first seals; needed by api and all"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.role is not Role.API and self.amqp_url is None:
            raise ValueError("MDH_AMQP_URL is needed by the roles worker and all")
        return self
