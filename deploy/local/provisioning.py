"""What the servers need before the services start: databases, migrations, exchanges and queues, accounts."""

import asyncio
from collections.abc import Mapping

from shared import provision
from shared.migrations import migrate
from shared.provision import Passwords

from .screen import step
from .servers import Servers


def provision_databases(servers: Servers, passwords: Mapping[str, Passwords]) -> None:
    with step("databases", "one per service"):
        asyncio.run(provision.create_databases(servers.admin_url, passwords))
    with step("migrations", "applied"):
        for service in provision.SERVICES:
            migrate(service, provision.owner_url(servers.admin_url, service, passwords[service]["owner"]))


def provision_broker(servers: Servers, passwords: Mapping[str, Passwords]) -> None:
    with step("exchanges, queues", "declared"):
        asyncio.run(
            provision.setup_broker(
                servers.management_url, servers.management_user, servers.management_password, passwords
            )
        )
