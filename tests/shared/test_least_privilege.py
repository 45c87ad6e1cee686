"""P19: each service, with its own accounts, can do its own work and nothing else."""

from collections.abc import AsyncIterator

import aio_pika
import asyncpg
import pytest
import pytest_asyncio
from aiormq.exceptions import ChannelAccessRefused

from shared.db import Database
from shared.provision import SERVICES
from shared.testing.databases import Templates
from shared.testing.plugin import account_url
from shared.testing.servers import RabbitMQ

from .conftest import expired, tell


@pytest_asyncio.fixture
async def all_databases(templates: Templates) -> Templates:
    for service in SERVICES:
        await templates.ready(service)
    return templates


def dsn(url: str) -> str:
    return url.replace("postgresql+asyncpg", "postgresql")


async def test_a_service_can_open_its_own_database_only(all_databases: Templates) -> None:
    for service in SERVICES:
        for other in SERVICES:
            url = dsn(all_databases.url(service, f"mdh_{other}"))
            if service == other:
                await (await asyncpg.connect(url)).close()
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await asyncpg.connect(url)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_audit_trail_can_only_grow(templates: Templates, service: str) -> None:
    async with templates.clone(service) as url:
        connection = await asyncpg.connect(dsn(url))
        try:
            for statement in (
                "update business_events set actor = 'nobody'",
                "delete from business_events",
                "truncate business_events",
                "drop table business_events",
                "alter table business_events disable trigger all",
                "create table mine (id int)",
                "select * from pg_authid",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            assert await connection.fetchval("select count(*) from business_events") == 0
            assert await connection.fetchval("select count(*) from schema_migrations") == 1
        finally:
            await connection.close()


async def test_it_does_grow(fresh_database: Database) -> None:
    await tell(fresh_database, expired(1))


@pytest_asyncio.fixture
async def booking_connection(broker: RabbitMQ) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    connection = await aio_pika.connect(account_url(broker, "booking"))
    async with connection:
        yield connection


async def test_a_service_cannot_publish_anothers_facts(booking_connection: aio_pika.abc.AbstractConnection) -> None:
    channel = await booking_connection.channel()
    exchange = await channel.get_exchange("mdh.events", ensure=False)
    with pytest.raises(ChannelAccessRefused):
        await exchange.publish(aio_pika.Message(b"{}"), "payments.captured.v1")


async def test_a_service_cannot_read_or_fill_anothers_queue(
    booking_connection: aio_pika.abc.AbstractConnection,
) -> None:
    channel = await booking_connection.channel()
    with pytest.raises(ChannelAccessRefused):
        await (await channel.get_queue("payments.dead", ensure=False)).get()
    channel = await booking_connection.channel()
    with pytest.raises(ChannelAccessRefused):
        await channel.default_exchange.publish(aio_pika.Message(b"{}"), "payments.dead")
