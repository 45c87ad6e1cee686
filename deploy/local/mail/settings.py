"""What the mail catcher can be told, on its command line or in its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each option is also read from the environment: `--smtp-port` as `MDH_MAIL_SMTP_PORT`."""

    model_config = SettingsConfigDict(
        env_prefix="MDH_MAIL_", cli_kebab_case=True, cli_prog_name="python -m deploy.local.mail"
    )

    host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    http_port: int = Field(default=8025, ge=1, le=65535)
    state: Path = Field(default=Path("mail"), description="directory that keeps the messages")
