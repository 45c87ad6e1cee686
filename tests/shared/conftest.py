"""The platform on real servers, in booking's database and with booking's broker account."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from sqlalchemy import text

from shared.contracts.booking import BookingEvent, BookingExpired
from shared.db import Database
from shared.outbox import record
from shared.testing.plugin import account_url, until
from shared.testing.servers import RabbitMQ

AT = datetime(2026, 11, 2, 14, tzinfo=UTC)


@pytest.fixture(scope="session")
def service() -> str:
    return "booking"


@pytest.fixture(scope="session")
def amqp_url(broker: RabbitMQ) -> str:
    return account_url(broker, "booking")


def expired(booking_id: int, version: int = 2) -> BookingExpired:
    return BookingExpired(
        booking_id=booking_id, version=version, customer_id=7, affiliate_id=31, crew_id=1, service_id=41, tier_id=51,
        service_name="Full", tier_name="Gold", status="expired", appointment_start=AT, appointment_end=AT,
        timezone="UTC",
        address="1 Main St", zip="11201", price_cents=18_900, commission_cents=2_835, currency="USD",
    )  # fmt: skip


async def tell(database: Database, *events: BookingEvent) -> None:
    async with database.begin() as session:
        for event in events:
            record(session, event)


async def count(database: Database, table: str) -> int:
    async with database.read() as session:
        return await session.scalar(text(f"select count(*) from {table}")) or 0  # noqa: S608


async def outbox_is_empty(database: Database) -> bool:
    return await count(database, "outbox") == 0


@dataclass
class Ear:
    """A queue of its own that hears every event."""

    channel: AbstractChannel
    queue: Any
    heard: list[AbstractIncomingMessage] = field(default_factory=list)

    async def collect(self, number: int, within: float = 15) -> list[AbstractIncomingMessage]:
        async def enough() -> bool:
            while message := await self.queue.get(no_ack=True, fail=False):
                self.heard.append(message)
            return len(self.heard) >= number

        await until(enough, within)
        return self.heard


@pytest_asyncio.fixture
async def admin(broker: RabbitMQ) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(broker.amqp_admin_url)
    async with connection:
        yield await connection.channel()


@pytest_asyncio.fixture
async def ear(admin: AbstractChannel) -> Ear:
    queue = await admin.declare_queue(exclusive=True)
    await queue.bind("mdh.events", "#")
    return Ear(admin, queue)


@asynccontextmanager
async def running(*coroutines: Awaitable[None]) -> AsyncIterator[None]:
    """Background work while the block lasts; a failure of it fails the test."""
    import asyncio

    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


Until = Callable[..., Awaitable[Any]]
