"""P6: no event is lost between database and broker, and each aggregate's events arrive in their order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import text

from shared import broker
from shared import relay as relay_module
from shared.contracts.booking import BookingEvent
from shared.db import Database
from shared.events import CONTRACTS
from shared.relay import BATCH, Relay
from shared.telemetry import UNROUTABLE
from shared.testing.plugin import until

from .conftest import Ear, count, expired, outbox_is_empty, running, tell


def relay(database: Database, amqp_url: str) -> Relay:
    return Relay("booking", database.url, amqp_url)


async def test_what_was_committed_arrives_with_its_envelope(fresh_database: Database, amqp_url: str, ear: Ear) -> None:
    async with running(relay(fresh_database, amqp_url).run()):
        await tell(fresh_database, expired(1))
        (message,) = await ear.collect(1)
        await until(lambda: outbox_is_empty(fresh_database))
    assert (message.type, message.app_id, message.routing_key) == (
        "booking.expired.v1",
        "booking",
        "booking.expired.v1",
    )
    assert message.delivery_mode == 2
    assert message.headers["aggregate-id"] == 1
    assert message.headers["aggregate-version"] == 2
    assert message.correlation_id
    assert await count(fresh_database, "business_events") == 1


async def test_what_was_rolled_back_never_leaves(fresh_database: Database, amqp_url: str, ear: Ear) -> None:
    async with running(relay(fresh_database, amqp_url).run()):
        try:
            await tell(fresh_database, expired(1), expired(1))  # one version told twice: refused by the database
        except Exception as error:
            assert "uq_business_events_aggregate" in str(error)  # noqa: PT017
        await tell(fresh_database, expired(2))
        messages = await ear.collect(1)
    assert [m.headers["aggregate-id"] for m in messages] == [2]


async def test_a_backlog_leaves_in_order_per_aggregate(fresh_database: Database, amqp_url: str, ear: Ear) -> None:
    events = [expired(booking, version) for booking in range(20) for version in range(1, 31)]
    order = sorted(events, key=lambda e: (e.version, random.random()))
    await tell(fresh_database, *order)
    async with running(relay(fresh_database, amqp_url).run()):
        messages = await ear.collect(600, within=30)
    for booking in range(20):
        versions = [m.headers["aggregate-version"] for m in messages if m.headers["aggregate-id"] == booking]
        assert versions == list(range(1, 31))


async def test_one_relay_leads_and_the_other_takes_over(fresh_database: Database, amqp_url: str, ear: Ear) -> None:
    first, second = relay(fresh_database, amqp_url), relay(fresh_database, amqp_url)
    async with running(first.run(), second.run()):
        await until(_leads(first, second))
        assert first.leading != second.leading
        async with fresh_database.begin() as session:
            await session.execute(
                text("""
                select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
                 where locktype = 'advisory' and application_name = 'booking relay' and granted
                   and datname = current_database()""")
            )
        await tell(fresh_database, expired(1))
        await ear.collect(1, within=10)
        await until(lambda: outbox_is_empty(fresh_database), 10)


def _leads(*relays: Relay) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return any(relay.leading for relay in relays)

    return check


async def test_without_a_broker_everything_waits_and_then_arrives(
    fresh_database: Database, amqp_url: str, ear: Ear
) -> None:
    await tell(fresh_database, *(expired(n) for n in range(50)))
    async with running(Relay("booking", fresh_database.url, "amqp://booking:amqp@127.0.0.1:1/mdh").run()):
        await asyncio.sleep(0)
    assert await count(fresh_database, "outbox") == 50
    async with running(relay(fresh_database, amqp_url).run()):
        assert len(await ear.collect(50)) == 50


class Unheard(BookingEvent, type="booking.unheard.v1"):
    """Nobody but analytics listens to this."""


CONTRACTS.pop(Unheard.type)


async def test_an_event_that_no_queue_takes_stays_until_one_does(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, ear: Ear
) -> None:
    await ear.queue.unbind("mdh.events", "#")
    hears_all = await admin.get_queue("analytics.count_fact")
    await hears_all.unbind("mdh.events", "#")
    try:
        async with running(relay(fresh_database, amqp_url).run()):
            await tell(fresh_database, Unheard(**expired(1).model_dump()))
            await until(_was_unroutable)
            assert await count(fresh_database, "outbox") == 1
            await ear.queue.bind("mdh.events", "#")
            await ear.collect(1)
    finally:
        await hears_all.bind("mdh.events", "#")


async def test_what_no_queue_takes_holds_up_nobody_else(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, ear: Ear
) -> None:
    """More of it than one batch, and older than what can go; the aggregates concerned wait in their order."""
    await ear.queue.unbind("mdh.events", "#")
    await ear.queue.bind("mdh.events", "booking.expired.v1")
    hears_all = await admin.get_queue("analytics.count_fact")
    await hears_all.unbind("mdh.events", "#")
    try:
        await tell(fresh_database, *(Unheard(**expired(n).model_dump()) for n in range(BATCH + 50)))
        await tell(fresh_database, expired(0, version=3), expired(1000))
        async with running(relay(fresh_database, amqp_url).run()):
            (first,) = await ear.collect(1)
            assert first.headers["aggregate-id"] == 1000
            assert await count(fresh_database, "outbox") >= BATCH + 51
            await ear.queue.bind("mdh.events", "#")
            heard = await ear.collect(BATCH + 52, within=30)
    finally:
        await hears_all.bind("mdh.events", "#")
    assert [m.headers["aggregate-version"] for m in heard if m.headers["aggregate-id"] == 0] == [2, 3]


async def test_an_event_that_cannot_be_sent_is_no_end_of_the_relay(
    fresh_database: Database, amqp_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = relay_module._message

    def broken_for_one(service: str, row: Any) -> Any:
        if row["aggregate_id"] == 1:
            raise ValueError("cannot be written down")
        return whole(service, row)

    monkeypatch.setattr(relay_module, "_message", broken_for_one)
    await tell(fresh_database, expired(1), expired(2))
    async with running(relay(fresh_database, amqp_url).run()):
        (heard,) = await ear.collect(1)
        assert heard.headers["aggregate-id"] == 2
        monkeypatch.undo()
        await ear.collect(2)


async def test_a_relay_that_is_stopped_takes_out_what_it_has_sent(
    fresh_database: Database, amqp_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = relay(fresh_database, amqp_url)
    publish, began = it._publisher.publish, asyncio.Event()

    async def slowly(*message: Any) -> None:
        await publish(*message)
        began.set()
        await asyncio.sleep(0.2)

    monkeypatch.setattr(it._publisher, "publish", slowly)
    await tell(fresh_database, *(expired(n) for n in range(20)))
    async with running(it.run()):
        await began.wait()
    assert len(await ear.collect(20)) == 20
    assert await outbox_is_empty(fresh_database)


async def test_a_broker_that_blocks_publishers_is_not_written_to(
    amqp_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory alarm: what is written meanwhile would pile up here and arrive later, again and again."""
    monkeypatch.setattr(broker, "PUBLISH_TIMEOUT", 0.3)
    async with broker.publisher(amqp_url, "test") as out:
        await out.publish("mdh.events", "booking.expired.v1", aio_pika.Message(b"{}"))
        assert out._connection is not None
        assert out._connection.transport is not None
        unblocked = out._connection.transport.connection._Connection__connection_unblocked  # type: ignore[attr-defined]
        unblocked.clear()  # as aiormq does when the broker says connection.blocked
        with pytest.raises(TimeoutError):
            await out.publish("mdh.events", "booking.expired.v1", aio_pika.Message(b"{}"))
        unblocked.set()
        await out.publish("mdh.events", "booking.expired.v1", aio_pika.Message(b"{}"))
    assert len(await ear.collect(2)) == 2


async def _was_unroutable() -> bool:
    return bool(UNROUTABLE.labels("booking", Unheard.type)._value.get() > 0)
