"""Alembic for each service: one environment, each service's own scripts, version table `schema_migrations`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

HERE = Path(__file__).parent
SERVICES = HERE.parent.parent / "services"
VERSION_TABLE = "schema_migrations"


def config(service: str, owner_url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(HERE).replace("%", "%%"))
    made.set_main_option("version_locations", str(SERVICES / service / "migrations").replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = owner_url
    made.attributes["app_role"] = service
    return made


def migrate(service: str, owner_url: str, *, to: str = "head") -> None:
    """Bring a service's database to revision `to`, as its owner role."""
    command.upgrade(config(service, owner_url), to)
