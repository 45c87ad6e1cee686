"""What the servers need before the services start: databases, migrations, exchanges and queues, accounts."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg
import httpx
from sqlalchemy.exc import DBAPIError

from shared import provision
from shared.migrations import migrate
from shared.provision import Passwords

from .failure import CannotRun
from .screen import step
from .servers import Servers


def provision_databases(servers: Servers, passwords: Mapping[str, Passwords]) -> None:
    with step("databases", "one per service"), told("the databases could not be created"):
        asyncio.run(provision.create_databases(servers.admin_url, passwords))
    with step("migrations", "applied"):
        for service in provision.SERVICES:
            with told(f"the database of {service} could not be migrated"):
                migrate(service, provision.owner_url(servers.admin_url, service, passwords[service]["owner"]))


def provision_broker(servers: Servers, passwords: Mapping[str, Passwords]) -> None:
    url, user, password = servers.management_url, servers.management_user, servers.management_password
    with step("exchanges, queues", "declared"), told(f"the broker at {url} could not be set up"):
        asyncio.run(provision.setup_broker(url, user, password, passwords))


@contextmanager
def told(what: str) -> Iterator[None]:
    """What a server says about it is enough; where in the code it was asked is not of interest."""
    try:
        yield
    except DBAPIError as error:
        raise CannotRun(f"{what}: {error.orig}") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError) as error:
        raise CannotRun(f"{what}: {error or type(error).__name__}") from error
