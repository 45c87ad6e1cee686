"""`mdh`: run a service, migrate its database, set up the servers, look after dead letters."""

import asyncio
import os
from typing import Annotated

import typer

from shared import provision
from shared.cli import dead, docs, jobs, keys
from shared.cli.contributed import WithServices
from shared.migrations import migrate as run_migrations
from shared.serve import serve as run_service
from shared.settings import Role

app = typer.Typer(cls=WithServices, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(dead.app, name="dead", help="Messages that were given up: list, show, requeue, drop.")
app.add_typer(docs.app, name="docs", help="What is generated from the code: write, check.")
app.add_typer(keys.app, name="keys", help="Keys that sign access tokens: list, rotate, prune.")
app.add_typer(jobs.app, name="jobs", help="Jobs and calls to the outside: how they went, what failed.")


@app.command()
def serve(service: str, role: Annotated[Role, typer.Option(envvar="MDH_ROLE")] = Role.ALL) -> None:
    """Run one service in a role, until SIGTERM."""
    os.environ["MDH_ROLE"] = role
    run_service(service)


@app.command()
def migrate(service: str, url: Annotated[str, typer.Option(envvar="MDH_OWNER_DATABASE_URL")]) -> None:
    """Bring a service's database to the newest schema, as its owner role."""
    run_migrations(service, url)


@app.command()
def setup(
    database: Annotated[str, typer.Option(envvar="MDH_ADMIN_DATABASE_URL", help="as a superuser")],
    broker: Annotated[
        str, typer.Option(envvar="MDH_MANAGEMENT_URL", help="RabbitMQ's management API, with user and password")
    ],
) -> None:
    """Create every service's database, roles, broker account, queues; run all migrations. May be run again.

    Passwords come from MDH_<SERVICE>_OWNER_PASSWORD, MDH_<SERVICE>_PASSWORD and MDH_<SERVICE>_AMQP_PASSWORD.
    """
    secrets = {service: _passwords(service) for service in provision.SERVICES}
    asyncio.run(provision.create_databases(database, secrets))
    base, user, password = provision.split_credentials(broker)
    asyncio.run(provision.setup_broker(base, user, password, secrets))
    for service, passwords in secrets.items():
        run_migrations(service, provision.owner_url(database, service, passwords["owner"]))
        typer.echo(f"{service}: ready")


def _passwords(service: str) -> provision.Passwords:
    prefix = f"MDH_{service.upper()}"
    try:
        return {
            "owner": os.environ[f"{prefix}_OWNER_PASSWORD"],
            "app": os.environ[f"{prefix}_PASSWORD"],
            "amqp": os.environ[f"{prefix}_AMQP_PASSWORD"],
        }
    except KeyError as missing:
        raise typer.BadParameter(f"{missing.args[0]} is not set") from missing
