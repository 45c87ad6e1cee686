"""The database and the broker: private ones, or those that the environment names."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.provision import VHOST, split_credentials
from shared.testing.servers import Postgres, RabbitMQ, RabbitPorts

from .failure import CannotRun
from .home import Home
from .state import State

DATABASE = "MDH_ADMIN_DATABASE_URL"
BROKER = "MDH_AMQP_ADMIN_URL"
MANAGEMENT = "MDH_MANAGEMENT_URL"


@dataclass
class Servers:
    """`postgres` and `rabbitmq` are None where a server of somebody else's is used."""

    postgres: Postgres | None
    rabbitmq: RabbitMQ | None
    admin_url: str
    amqp_host: str
    management_url: str
    management_user: str
    management_password: str

    def database_url(self, service: str, password: str) -> str:
        server = urlsplit(self.admin_url)
        port = f":{server.port}" if server.port else ""
        return f"postgresql+asyncpg://{service}:{password}@{server.hostname}{port}/mdh_{service}"

    def amqp_url(self, service: str, password: str) -> str:
        return f"amqp://{service}:{password}@{self.amqp_host}/{VHOST}"


def servers_of(home: Home, state: State) -> Servers:
    postgres = None if DATABASE in os.environ else _postgres(home, state)
    rabbitmq = None if BROKER in os.environ else _rabbitmq(home, state)
    management, user, password = _management(rabbitmq)
    return Servers(
        postgres=postgres,
        rabbitmq=rabbitmq,
        admin_url=postgres.admin_url if postgres else os.environ[DATABASE],
        amqp_host=f"127.0.0.1:{rabbitmq.ports.amqp}" if rabbitmq else _host(os.environ[BROKER]),
        management_url=management,
        management_user=user,
        management_password=password,
    )


def _postgres(home: Home, state: State) -> Postgres:
    return Postgres(home / "postgres", state.ports["postgres"], state.secret("postgres"))


def _rabbitmq(home: Home, state: State) -> RabbitMQ:
    names = ("amqp", "management", "prometheus", "distribution", "epmd")
    return RabbitMQ(home / "rabbitmq", RabbitPorts.of([state.ports[name] for name in names]), state.secret("rabbitmq"))


def _management(rabbitmq: RabbitMQ | None) -> tuple[str, str, str]:
    if rabbitmq:
        return rabbitmq.management_url, rabbitmq.admin, rabbitmq.password
    if MANAGEMENT not in os.environ:
        raise CannotRun(f"with {BROKER} set, {MANAGEMENT} is needed too: http://user:password@host:15672")
    return split_credentials(os.environ[MANAGEMENT])


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
