"""Messages as they should not be, and brokers and databases that go away in the middle: nothing lost, no hot loop."""

import asyncio
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue
from sqlalchemy.exc import InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.broker import EVENTS
from shared.consumers import Inbox
from shared.contracts.booking import BookingConfirmed, BookingExpired
from shared.db import Database
from shared.errors import Overloaded
from shared.ids import new_id
from shared.testing.plugin import until
from shared.worker import Worker

from .conftest import count, expired, running
from .test_worker import connected, consumer, letter, note, publish, wire, worker

KEY = BookingExpired.type


@pytest.fixture
async def dead(admin: AbstractChannel) -> AbstractQueue:
    queue = await admin.get_queue("booking.dead")
    await queue.purge()
    return queue


async def note_hostile(event: BookingExpired, session: AsyncSession) -> None:
    await note(event, session)


def by_hand(**changes: Any) -> aio_pika.Message:
    """A good message, changed by somebody's hand."""
    message = wire(expired(1))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


BY_HAND = {
    "nothing but a body": aio_pika.Message(b"{}"),
    "no body either": aio_pika.Message(b""),
    "a message id that is none": by_hand(message_id="x" * 200),
    "no type": by_hand(type=None),
    "no headers": by_hand(headers={}),
    "tries below nothing": by_hand(headers=wire(expired(1)).headers | {"tries": -5}),
    "tries of another kind": by_hand(headers=wire(expired(1)).headers | {"tries": "many"}),
    "a body of another kind": by_hand(body=b"[1]"),
    "a body in another encoding": by_hand(body=b"\xff\xfe"),
    "a lone surrogate": by_hand(body=b'{"booking_id": 1, "zip": "\\ud800"}'),
}


@pytest.mark.parametrize("message", BY_HAND.values(), ids=BY_HAND.keys())
async def test_what_was_published_by_hand_is_a_dead_letter_and_the_next_message_is_handled(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, dead: Any, message: aio_pika.Message
) -> None:
    it = worker(fresh_database, amqp_url, note_hostile)
    async with running(it.run()):
        await until(connected(it))
        exchange = await admin.get_exchange(EVENTS)
        await exchange.publish(message, KEY)
        await exchange.publish(wire(expired(2)), KEY)
        found = await letter(dead)
        assert found.headers["queue"] == "booking.note_hostile"
        assert "not readable" in found.headers["error"]
        await until(lambda: _acted(fresh_database, 1))


async def _acted(database: Database, number: int) -> bool:
    return await count(database, "crews") == number


@pytest.fixture
async def retries(admin: AbstractChannel) -> AbstractQueue:
    """Hears what is sent to wait for five seconds."""
    queue = await admin.declare_queue(exclusive=True)
    await queue.bind("mdh.retry.5s", "#")
    return queue


async def test_a_type_that_this_version_does_not_know_waits_for_one_that_does(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, retries: Any
) -> None:
    """While a newer version is rolled out: of the producer, or of this very consumer, which has bound its queue."""
    it = worker(fresh_database, amqp_url, note_hostile)
    async with running(it.run()):
        await until(connected(it))
        for type in ("booking.invented_tomorrow.v1", BookingConfirmed.type):
            await (await admin.get_exchange(EVENTS)).publish(by_hand(type=type), KEY)
            waiting = await letter(retries)
            assert (waiting.type, waiting.headers["tries"]) == (type, 1)
            assert waiting.headers["error"] == f"not known here: {type}"
    assert await count(fresh_database, "crews") == 0


async def test_a_refusal_that_says_come_back_later_is_tried_again(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, retries: Any
) -> None:
    async def be_overloaded(event: BookingExpired, session: AsyncSession) -> None:
        raise Overloaded

    it = worker(fresh_database, amqp_url, be_overloaded)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        assert (await letter(retries)).headers["error"] == "overloaded"


async def test_a_database_that_is_away_is_waited_for_and_costs_no_try(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def note_later(event: BookingExpired, session: AsyncSession) -> None:
        if len(asked) < 2:
            raise InterfaceError("select", None, Exception("connection is closed"))
        await note(event, session)

    async def answers() -> bool:
        asked.append(1)
        return len(asked) >= 3

    monkeypatch.setattr(fresh_database, "answers", answers)
    monkeypatch.setattr("shared.worker.RECONNECT", 0.01)
    it = worker(fresh_database, amqp_url, note_later)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        await until(lambda: _acted(fresh_database, 1), within=4)  # sooner than any next try


async def test_a_message_whose_next_try_cannot_be_stored_is_held_and_counts_no_delivery(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, retries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To give it back would bring it back at once, and twenty times of that make it a dead letter."""
    handled: list[int] = []

    async def fail_always(event: BookingExpired, session: AsyncSession) -> None:
        handled.append(event.booking_id)
        raise RuntimeError

    monkeypatch.setattr("shared.worker.RECONNECT", 0.01)
    it = worker(fresh_database, amqp_url, fail_always)
    failures, send = [TimeoutError(), ConnectionError(), TimeoutError()], it._publisher.publish

    async def blocked_at_first(*message: Any) -> None:
        if failures:
            raise failures.pop()
        await send(*message)

    monkeypatch.setattr(it._publisher, "publish", blocked_at_first)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        await letter(retries)
    assert handled == [1]


async def test_what_the_broker_wrote_on_a_message_does_not_go_with_it(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, retries: Any
) -> None:
    """RabbitMQ drops a message that comes by expiry to a queue that stands in its `x-death`: it seems to go round."""

    async def fail_with_history(event: BookingExpired, session: AsyncSession) -> None:
        raise RuntimeError

    it = worker(fresh_database, amqp_url, fail_with_history)
    history = {"x-death": [{"queue": "booking.fail_with_history", "reason": "delivery_limit", "count": 1}]}
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, by_hand(headers=wire(expired(1)).headers | history | {"x-first-death-reason": "x"}))
        assert [name for name in (await letter(retries)).headers if name.startswith("x-")] == []


async def test_nothing_that_is_raised_ends_the_worker(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiormq cancels who waits for a lost connection; a background task that ended like this would end silently."""
    it = worker(fresh_database, amqp_url, note_hostile)
    failures: list[BaseException] = [asyncio.CancelledError(), KeyError("odd"), AssertionError()]
    start = it._until_disconnected

    async def fail_at_first() -> None:
        if failures:
            raise failures.pop()
        await start()

    monkeypatch.setattr(it, "_until_disconnected", fail_at_first)
    monkeypatch.setattr("shared.worker.RECONNECT", 0.01)
    async with running(it.run()):
        await until(connected(it))


async def test_negative_control_without_the_inbox_duplicates_act_twice(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of_them(_self: Any, _session: Any, heard: Any) -> Any:
        return heard

    (listener,) = consumer(note_hostile)
    monkeypatch.setattr(type(listener), "_new_among", all_of_them)
    it = Worker("booking", [listener], fresh_database, amqp_url, prefetch=20)
    async with running(it.run()):
        await until(connected(it))
        event_id = new_id()
        await publish(admin, *(wire(expired(1), event_id) for _ in range(5)))
        await until(lambda: _acted(fresh_database, 5))
    assert await count(fresh_database, Inbox.__tablename__) == 0
