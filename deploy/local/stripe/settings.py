"""What the sandbox can be told, on its command line or in its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

API_VERSION = "2026-10-28.endive"


class Settings(BaseSettings):
    """Each option is also read from the environment: `--webhook-url` as `MDH_SANDBOX_WEBHOOK_URL`."""

    model_config = SettingsConfigDict(
        env_prefix="MDH_SANDBOX_",
        cli_kebab_case=True,
        cli_prog_name="python -m deploy.local.stripe",
    )

    host: str = "127.0.0.1"
    port: int = Field(default=12111, ge=1, le=65535)
    state: Path = Field(default=Path("stripe-sandbox.sqlite"), description="SQLite file that holds everything")
    webhook_url: str = Field(default="", description="where events are sent; empty sends none")
    webhook_secret: str = Field(default="whsec_mdh_sandbox", description="signs the events")
    api_key: str = Field(default="sk_test_mdh_sandbox", description="the secret key; pk_… of the same rest is public")
    public_url: str = Field(default="", description="how browsers reach this server, if not by the address called")

    @property
    def publishable_key(self) -> str:
        """The key a customer's client may hold: the secret key with `pk` in place of `sk`."""
        return "pk" + self.api_key.removeprefix("sk")
