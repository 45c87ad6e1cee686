"""P7: each effect exactly once per consumer, whatever the broker, the handler or the process does."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.availability import Crew
from shared import broker as broker_module
from shared.broker import EVENTS, message
from shared.clock import now
from shared.consumers import Consumer, Consumers, delay_after
from shared.context import Cause, cause
from shared.contracts.booking import BookingExpired
from shared.db import Database
from shared.errors import Conflict
from shared.events import Envelope
from shared.ids import new_id
from shared.testing.plugin import until
from shared.worker import Worker

from .conftest import count, expired, running

NOTE = text("insert into crews (affiliate_id, name) values (:id, 'effect')")


class NoThanks(Conflict):
    """This is refused for good."""


def wire(event: BookingExpired, event_id: Any = None, actor: str = "anonymous") -> aio_pika.Message:
    envelope = Envelope(
        event_id=event_id or new_id(), type=event.type, producer="booking", occurred_at=now(), correlation_id="c1",
        aggregate_type="booking", aggregate_id=event.booking_id, aggregate_version=event.version,
        actor=actor,
    )  # fmt: skip
    return message(event.model_dump_json().encode(), envelope, {})


async def note(event: BookingExpired, session: AsyncSession) -> None:
    await session.execute(NOTE, {"id": event.booking_id})


def consumer(handle: Any) -> list[Consumer]:
    consumers = Consumers("booking")
    consumers.on(BookingExpired)(handle)
    return consumers.all[-1:]


def worker(database: Database, url: str, handle: Any) -> Worker:
    return Worker("booking", consumer(handle), database, url, prefetch=20)


async def publish(admin: AbstractChannel, *messages: aio_pika.Message) -> None:
    exchange = await admin.get_exchange(EVENTS)
    for one in messages:
        await exchange.publish(one, one.type or "")


def effects(database: Database) -> Callable[[], Any]:
    return lambda: count(database, "crews")


def connected(it: Worker) -> Callable[[], Any]:
    async def check() -> bool:
        return it.connected

    return check


def lost(it: Worker) -> Callable[[], Any]:
    async def check() -> bool:
        return not it.connected

    return check


@pytest.fixture
async def dead(admin: AbstractChannel) -> Any:
    queue = await admin.get_queue("booking.dead")
    await queue.purge()
    return queue


async def letter(queue: Any) -> Any:
    return await until(lambda: queue.get(fail=False, no_ack=True), 15)


async def test_a_message_that_comes_a_hundred_times_has_one_effect(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    async def note_repeats(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)

    it = worker(fresh_database, amqp_url, note_repeats)
    async with running(it.run()):
        await until(connected(it))
        event_id = new_id()
        await publish(admin, *(wire(expired(1), event_id) for _ in range(100)), wire(expired(2)))
        await until(lambda: _at_least(fresh_database, 2))
        queue = await admin.get_queue("booking.note_repeats")
        await until(lambda: _is_drained(admin, queue.name))
    assert await count(fresh_database, "crews") == 2
    assert await count(fresh_database, "inbox") == 2


@pytest.mark.parametrize(
    ("actor", "then"),
    [
        ("user:2 as user:5", "service:booking for user:2 as user:5"),
        ("service:payments for user:2 as user:5", "service:booking for user:2 as user:5"),
        ("user:5", "service:booking"),
        ("service:payments", "service:booking"),
    ],
)
async def test_what_follows_from_an_act_in_somebodys_name_says_so(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, actor: str, then: str
) -> None:
    seen: list[Cause] = []

    async def note_cause(event: BookingExpired, session: AsyncSession) -> None:
        seen.append(cause())

    async def seen_it() -> bool:
        return bool(seen)

    it, event_id = worker(fresh_database, amqp_url, note_cause), new_id()
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1), event_id, actor=actor))
        await until(seen_it)
    assert seen == [Cause("c1", str(event_id), then)]


def many(handle: Any) -> list[Consumer]:
    consumers = Consumers("booking")
    consumers.on_many(BookingExpired)(handle)
    return consumers.all[-1:]


async def test_what_takes_many_gets_what_gathers_each_once_and_in_one_transaction(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    taken: list[int] = []
    held = asyncio.Event()

    async def note_many(events: Sequence[BookingExpired], session: AsyncSession) -> None:
        taken.append(len(events))
        await held.wait()
        for event in events:
            await note(event, session)

    it = Worker("booking", many(note_many), fresh_database, amqp_url, prefetch=20)
    twice = wire(expired(1))
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(0)))
        await until(lambda: _true(lambda: bool(taken)))
        await publish(admin, twice, twice, *(wire(expired(n)) for n in range(2, 10)))
        await until(lambda: _true(lambda: len(it._in_work) == 11))
        held.set()
        await until(lambda: _at_least(fresh_database, 10))
        await until(lambda: _is_drained(admin, "booking.note_many"))
    assert taken == [1, 9]
    assert await count(fresh_database, "inbox") == 10


async def test_one_of_many_that_fails_keeps_none_of_the_others_back(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, dead: Any
) -> None:
    first, held = asyncio.Event(), asyncio.Event()

    async def note_some(events: Sequence[BookingExpired], session: AsyncSession) -> None:
        first.set()
        await held.wait()
        for event in events:
            if event.booking_id == 3:
                raise NoThanks
            await note(event, session)

    it = Worker("booking", many(note_some), fresh_database, amqp_url, prefetch=20)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(0)))
        await first.wait()
        await publish(admin, *(wire(expired(n)) for n in range(1, 6)), aio_pika.Message(b"?", type=BookingExpired.type))
        await until(lambda: _true(lambda: len(it._in_work) == 7))
        held.set()
        letters = [await letter(dead), await letter(dead)]
        await until(lambda: _is_drained(admin, "booking.note_some"))
    assert sorted(str(one.headers["error"]).split(":")[0] for one in letters) == ["no-thanks", "not readable"]
    assert await count(fresh_database, "crews") == 5


async def test_what_gathers_is_acted_upon_in_turn_each_with_its_cause_and_in_one_transaction(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    seen: list[tuple[int, str | None, int]] = []
    held = asyncio.Event()

    async def note_in_turn(event: BookingExpired, session: AsyncSession) -> None:
        transaction = await session.scalar(text("select txid_current()"))
        seen.append((event.booking_id, cause().causation_id, transaction))
        await held.wait()
        await note(event, session)

    it = worker(fresh_database, amqp_url, note_in_turn)
    ids = [new_id() for _ in range(5)]
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(0), ids[0]))
        await until(lambda: _true(lambda: bool(seen)))
        await publish(admin, *(wire(expired(n), ids[n]) for n in (1, 2, 2, 3, 4)))
        await until(lambda: _true(lambda: len(it._in_work) == 6))
        held.set()
        await until(lambda: _at_least(fresh_database, 5))
        await until(lambda: _is_drained(admin, "booking.note_in_turn"))
    assert [(number, because) for number, because, _ in seen] == [(n, str(ids[n])) for n in range(5)]
    assert len({transaction for *_, transaction in seen[1:]}) == 1
    assert await count(fresh_database, "inbox") == await count(fresh_database, "crews") == 5


async def test_what_gathers_is_read_anew_for_each(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    """A row that an earlier message has read, and that was changed elsewhere since, is not taken for what is true."""
    read: list[Crew] = []  # kept, so that they stay in the session as long as it knows them
    held = asyncio.Event()

    async def read_crew(event: BookingExpired, session: AsyncSession) -> None:
        read.append((await session.scalars(select(Crew))).one())
        if event.booking_id == 0:
            await held.wait()
        else:
            async with fresh_database.begin() as elsewhere:
                await elsewhere.execute(text("update crews set name = name || '+'"))

    async with fresh_database.begin() as session:
        await session.execute(NOTE, {"id": 1})
    it = worker(fresh_database, amqp_url, read_crew)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(0)))
        await until(lambda: _true(lambda: bool(read)))
        await publish(admin, *(wire(expired(n)) for n in range(1, 4)))
        await until(lambda: _true(lambda: len(it._in_work) == 4))
        held.set()
        await until(lambda: _true(lambda: len(read) == 4))
    assert [crew.name for crew in read] == ["effect", "effect", "effect+", "effect++"]


async def test_one_that_fails_among_what_gathers_keeps_none_of_the_others_back(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, dead: Any
) -> None:
    first, held = asyncio.Event(), asyncio.Event()

    async def note_willingly(event: BookingExpired, session: AsyncSession) -> None:
        first.set()
        await held.wait()
        await note(event, session)
        if event.booking_id == 3:
            raise NoThanks

    it = worker(fresh_database, amqp_url, note_willingly)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(0)))
        await first.wait()
        await publish(admin, *(wire(expired(n)) for n in range(1, 6)))
        await until(lambda: _true(lambda: len(it._in_work) == 6))
        held.set()
        found = await letter(dead)
        await until(lambda: _is_drained(admin, "booking.note_willingly"))
    assert json.loads(found.body)["booking_id"] == 3
    assert await count(fresh_database, "crews") == await count(fresh_database, "inbox") == 5


async def test_what_a_consumer_has_no_use_for_leaves_no_row(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    consumers = Consumers("booking")

    @consumers.on(BookingExpired, use=lambda event: event.booking_id > 1)
    async def note_useful(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)

    it = Worker("booking", consumers.all[-1:], fresh_database, amqp_url, prefetch=20)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)), wire(expired(2)))
        await publish(admin, *(wire(expired(n % 2)) for n in range(9)), wire(expired(3)))
        await until(lambda: _at_least(fresh_database, 2))
        await until(lambda: _is_drained(admin, "booking.note_useful"))
    assert await count(fresh_database, "crews") == await count(fresh_database, "inbox") == 2


async def _true(said: Callable[[], bool]) -> bool:
    return said()


async def _at_least(database: Database, number: int) -> bool:
    return await count(database, "crews") >= number


async def _is_drained(admin: AbstractChannel, name: str) -> bool:
    return (await admin.declare_queue(name, passive=True)).declaration_result.message_count == 0


async def test_a_burst_waits_its_turn_instead_of_timing_out(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    async def take_its_time(event: BookingExpired, session: AsyncSession) -> None:
        await session.execute(text("select pg_sleep(0.05)"))
        await note(event, session)

    small = Database(fresh_database.url, pool_size=2)
    small.engine.pool._timeout = 0.2  # type: ignore[attr-defined]
    retries = (await admin.get_queue("mdh.retry.5s")).declaration_result
    it = worker(small, amqp_url, take_its_time)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, *(wire(expired(n)) for n in range(20)))
        await until(lambda: _at_least(fresh_database, 20))
    assert (await admin.get_queue("mdh.retry.5s")).declaration_result.message_count == retries.message_count
    await small.close()


async def test_a_refusal_is_final_and_lies_with_its_reason_in_dead(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, dead: Any
) -> None:
    async def refuse_it(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)
        raise NoThanks

    it = worker(fresh_database, amqp_url, refuse_it)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        found = await letter(dead)
    assert "no-thanks" in found.headers["error"]
    assert (found.headers["queue"], found.headers["tries"]) == ("booking.refuse_it", 1)
    assert json.loads(found.body)["booking_id"] == 1
    assert await count(fresh_database, "crews") == 0


async def test_what_cannot_be_read_is_dead_at_once(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel, dead: Any
) -> None:
    async def never_called(event: BookingExpired, session: AsyncSession) -> None:
        raise AssertionError

    it = worker(fresh_database, amqp_url, never_called)
    async with running(it.run()):
        await until(connected(it))
        broken = wire(expired(1))
        broken.body = b"{"
        await publish(admin, broken)
        assert "not readable" in (await letter(dead)).headers["error"]


async def test_a_failure_is_tried_again_after_a_delay_and_then_succeeds(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    tries: list[int] = []

    async def fail_once(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)
        tries.append(event.booking_id)
        if len(tries) == 1:
            raise RuntimeError("the database hiccuped")

    it = worker(fresh_database, amqp_url, fail_once)
    async with running(it.run()):
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        await until(lambda: _at_least(fresh_database, 1), 20)
    assert tries == [1, 1]
    assert await count(fresh_database, "crews") == 1


async def test_a_process_that_dies_in_the_middle_leaves_the_message_to_the_next(
    fresh_database: Database, amqp_url: str, admin: AbstractChannel
) -> None:
    began, hang = asyncio.Event(), asyncio.Event()

    async def hang_first(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)
        if not began.is_set():
            began.set()
            await hang.wait()

    first = worker(fresh_database, amqp_url, hang_first)
    task = asyncio.create_task(first.run())
    await until(connected(first))
    await publish(admin, wire(expired(1)))
    await asyncio.wait_for(began.wait(), 10)
    for in_work in list(first._in_work):
        in_work.cancel()  # as kill -9 would: no commit, no acknowledgement
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    second = worker(fresh_database, amqp_url, hang_first)
    async with running(second.run()):
        await until(lambda: _at_least(fresh_database, 1))
    assert await count(fresh_database, "crews") == 1


async def test_a_lost_connection_is_made_again(fresh_database: Database, amqp_url: str, admin: AbstractChannel) -> None:
    async def note_again(event: BookingExpired, session: AsyncSession) -> None:
        await note(event, session)

    it = worker(fresh_database, amqp_url, note_again)
    async with running(it.run()):
        await until(connected(it))
        await admin.queue_delete("booking.note_again")  # the broker closes the consumer under us
        await until(lost(it))
        await until(connected(it))
        await publish(admin, wire(expired(1)))
        await until(lambda: _at_least(fresh_database, 1))


def test_the_waits_grow_and_end() -> None:
    assert [delay_after(n) for n in (1, 2, 3, 4, 5, 9, 10)] == [5, 30, 300, 1800, 1800, 1800, None]


def test_one_factory_sets_what_loses_nothing() -> None:
    assert wire(expired(1)).delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert broker_module.HEARTBEAT == 10
    assert broker_module.PUBLISH_TIMEOUT == 5
