"""The pytest plugin. A service's tests override `service` in their conftest.py; the rest is here.

@pytest.fixture(scope="session")
def service() -> str:
    return "booking"
"""

import asyncio
import contextlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import BaseRoute

from shared import provision
from shared.auth import Actor
from shared.clock import now
from shared.context import Cause, caused_by
from shared.db import Database
from shared.events import CONTRACTS, Envelope, Event
from shared.ids import new_id
from shared.outbox import BusinessEvent, PersonKey
from shared.revocation import Revocations
from shared.sealing import whole
from shared.serve import load
from shared.settings import Profile, Role, Settings
from shared.testing.databases import PASSWORDS, Templates, counted_statements, one_transaction
from shared.testing.servers import ADMIN, Postgres, RabbitMQ, RabbitPorts, free_ports
from shared.testing.tokens import Signer

E = TypeVar("E", bound=Event)
Headers = dict[str, str]
Deliver = Callable[..., Awaitable[None]]
AsOwner = Callable[[str], Awaitable[None]]
Published = Callable[..., Awaitable[list[Any]]]


@pytest.fixture(scope="session")
def run_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mdh-test-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # PostgreSQL's own user must be able to pass through
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres_url(run_directory: Path) -> Iterator[str]:
    """A superuser's URL on a PostgreSQL server of this run's own, or the one that MDH_TEST_POSTGRES_URL names."""
    if url := os.environ.get("MDH_TEST_POSTGRES_URL"):
        yield url
        return
    server = Postgres(run_directory / "postgres", port=free_ports(1)[0], password=secrets.token_hex(16), durable=False)
    server.prepare()
    server.start()
    try:
        server.wait_ready()
        yield server.admin_url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def rabbitmq(run_directory: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ server of this run's own; `broker` also has the topology of all services on it."""
    ports = RabbitPorts.of(free_ports(5))
    server = RabbitMQ(run_directory / "rabbitmq", ports=ports, password=secrets.token_hex(16), durable=False)
    server.prepare()
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture(scope="session")
async def broker(rabbitmq: RabbitMQ) -> RabbitMQ:
    """The run's RabbitMQ with every service's account and queues, as an operator sets it up."""
    secrets_of = dict.fromkeys(provision.SERVICES, PASSWORDS)
    await provision.setup_broker(rabbitmq.management_url, ADMIN, rabbitmq.password, secrets_of)
    return rabbitmq


@pytest.fixture(scope="session")
def templates(postgres_url: str) -> Templates:
    return Templates(postgres_url)


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer(Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def service() -> str:
    raise NotImplementedError("override the fixture `service` in your conftest.py")


@pytest.fixture(scope="session")
def extra_settings() -> dict[str, Any]:
    """What a service's settings need beyond the platform's; override in your conftest.py."""
    return {}


@pytest.fixture(scope="session")
def worked_out() -> dict[str, list[BaseRoute]]:
    """The routes of each service that was tested so far."""
    return {}


@pytest.fixture(scope="session")
def jwks_file(signer: Signer, run_directory: Path) -> Path:
    return signer.write_public_keys(run_directory)


@pytest.fixture(scope="session")
def settings_read() -> dict[str, Settings]:
    """The settings of each service that was tested so far, by what they were made of: reading them takes a while."""
    return {}


@pytest.fixture
def make_app(
    service: str,
    jwks_file: Path,
    extra_settings: dict[str, Any],
    settings_read: dict[str, Settings],
    worked_out: dict[str, list[BaseRoute]],
) -> Callable[[Database], FastAPI]:
    """Builds the service's app in the api role, on the database that it is given."""

    def settings(kind: type[Settings], url: str) -> Settings:
        told = {name: value for name, value in os.environ.items() if name.startswith("MDH_")}
        made_of = repr((service, extra_settings, told))
        if made_of not in settings_read:
            given: dict[str, Any] = {"profile": Profile.TEST, "role": Role.API, "jwks_file": jwks_file} | extra_settings
            settings_read[made_of] = kind(database_url=url, **given)
        return settings_read[made_of].model_copy(update={"database_url": SecretStr(url)})

    def make(database: Database) -> FastAPI:
        app = load(service, lambda kind: settings(kind, database.url))
        # FastAPI works a route out when it is first asked for: once for a service, and not in each test anew.
        app.router.routes = worked_out.setdefault(service, app.router.routes)
        app.state.database = database
        app.state.revocations = Revocations(database)
        return app

    return make


@pytest_asyncio.fixture(scope="session")
async def run_databases(templates: Templates) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """One database per service and run, asked for by name: a session's fixture made from `service` would stay that of
    the first service tested."""
    made: dict[str, Database] = {}
    async with contextlib.AsyncExitStack() as open_until_the_end:

        async def of(service: str) -> Database:
            if service not in made:  # PostgreSQL copies a template only while nobody is connected to it
                url = await open_until_the_end.enter_async_context(templates.clone(service))
                made[service] = Database(url, pool_size=5)
                open_until_the_end.push_async_callback(made[service].close)
            return made[service]

        yield of


@pytest_asyncio.fixture
async def database(service: str, run_databases: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Database]:
    """The service's database inside one transaction, rolled back at the end: quick, but no races."""
    async with one_transaction(await run_databases(service)) as database:
        yield database


@pytest_asyncio.fixture
async def fresh_database(service: str, templates: Templates) -> AsyncIterator[Database]:
    """A database of the test's own, where transactions are real."""
    async with templates.clone(service) as url:
        database = Database(url, pool_size=20)
        yield database
        await database.close()


@pytest.fixture
def as_owner(service: str, fresh_database: Database, templates: Templates) -> AsOwner:
    """Runs a statement on the fresh database as the role that owns it: to take a guard away and see the test go red."""
    return lambda sql: templates.execute_as_owner(service, fresh_database, sql)


@pytest_asyncio.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.begin() as session:
        yield session


@pytest.fixture
def app(make_app: Callable[[Database], FastAPI], database: Database) -> FastAPI:
    return make_app(database)


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(app) as client:
        yield client


@pytest_asyncio.fixture
async def fresh_client(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(make_app(fresh_database)) as client:
        yield client


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
def as_(signer: Signer) -> Callable[[Actor], Headers]:
    """Headers with a real token: `client.get(path, headers=as_(customer(7)))`."""
    return lambda actor: {"Authorization": f"Bearer {signer.token(actor)}"}


@pytest.fixture
def published(database: Database) -> Published:
    """The events recorded so far, in order; of one type if it is named."""
    return lambda kind=None: recorded_in(database, kind)


async def recorded_in(database: Database, kind: type[E] | None = None) -> list[Any]:
    """Those that a person's key opens as they were told, those of the erased as they are published now."""
    statement = select(BusinessEvent, PersonKey.key).order_by(BusinessEvent.id)
    statement = statement.join(PersonKey, PersonKey.person == BusinessEvent.person, isouter=True)
    if kind is not None:
        statement = statement.where(BusinessEvent.type == kind.type)
    async with database.begin() as session:
        rows = (await session.execute(statement)).all()
    return [
        CONTRACTS[row.type].model_validate(whole(row.payload, row.sealed, key, row.event_id, row.type))
        for row, key in rows
    ]


@pytest.fixture
def deliver(service: str, database: Database) -> Deliver:
    return deliver_to(service, database)


def deliver_to(service: str, database: Database) -> Deliver:
    """Feeds an event to every consumer of the service that listens to it, as its worker would."""

    async def deliver(event: Event, event_id: UUID | None = None, occurred_at: Any = None) -> None:
        envelope = Envelope(
            event_id=event_id or new_id(),
            type=event.type,
            producer=event.type.split(".")[0],
            occurred_at=occurred_at or now(),
            correlation_id="test",
            aggregate_type=event.aggregate,
            aggregate_id=event.aggregate_id,
            aggregate_version=event.version,
        )
        with caused_by(Cause("test", str(envelope.event_id), f"service:{service}")):
            for consumer in provision.consumers_of(service):
                if not consumer.events or type(event) in consumer.events:
                    async with database.begin() as session:
                        await consumer.consume(session, (envelope, event))

    return deliver


@pytest.fixture
def statements(database: Database) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with statements() as sent:` collects the SQL statements that are sent meanwhile."""
    return lambda: counted_statements(database)


def account_url(broker: RabbitMQ, service: str) -> str:
    """The broker as one service's own account sees it."""
    return f"amqp://{service}:{PASSWORDS['amqp']}@127.0.0.1:{broker.ports.amqp}/{provision.VHOST}"


async def until(condition: Callable[[], Awaitable[Any]], within: float = 15.0) -> Any:
    """Waits for a condition with a bound, looking often; answers what it said, or fails."""
    async with asyncio.timeout(within):
        while not (answer := await condition()):
            await asyncio.sleep(0.02)
    return answer
