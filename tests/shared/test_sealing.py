"""Personal fields rest sealed, are told whole, and are gone with their person's key."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from aio_pika.abc import AbstractIncomingMessage
from pydantic import TypeAdapter
from sqlalchemy import func, select, text

from shared import outbox, sealing
from shared.contracts.booking import BookingCancelled, BookingEvent, BookingExpired
from shared.db import Database
from shared.events import CONTRACTS, PERSONAL, Event
from shared.outbox import BusinessEvent, PersonKey, record
from shared.relay import Relay
from shared.sealing import KeyRing, Tampered, unseal
from shared.testing.databases import counted_statements
from shared.testing.plugin import AsOwner, recorded_in, until

from .conftest import Ear, count, expired, outbox_is_empty, running, tell

MARKER = "Zwiebelfisch 17"


def cancelled(booking_id: int = 1, version: int = 2, customer_id: int = 7, marker: str = MARKER) -> BookingCancelled:
    told = expired(booking_id, version).model_dump() | {"customer_id": customer_id, "address": marker, "zip": marker}
    return BookingCancelled(**told | {"refund_cents": 0, "cancelled_by": "customer", "reason": marker})


async def at_rest(database: Database) -> str:
    """Every row of the trail as text, bytes as what they spell."""
    async with database.read() as session:
        rows = await session.scalars(
            text("select to_jsonb(b)::text || encode(sealed, 'escape') from business_events b")
        )
        return "\n".join(str(row) for row in rows)


async def forget(database: Database, person: str = "customer:7") -> None:
    async with database.begin() as session:
        await session.execute(text("delete from person_keys where person = :person"), {"person": person})


async def relayed(database: Database, amqp_url: str, ear: Ear, number: int = 1) -> list[AbstractIncomingMessage]:
    async with running(Relay("booking", database.url, amqp_url).run()):
        heard = await ear.collect(number)
        await until(lambda: outbox_is_empty(database))
    return heard


async def test_what_is_personal_is_nowhere_in_the_trail_and_told_as_ever(
    fresh_database: Database, amqp_url: str, ear: Ear
) -> None:
    await tell(fresh_database, cancelled())
    assert MARKER not in await at_rest(fresh_database)
    assert await recorded_in(fresh_database) == [cancelled()]
    (message,) = await relayed(fresh_database, amqp_url, ear)
    assert BookingCancelled.model_validate_json(message.body) == cancelled()


async def test_without_sealing_the_marker_is_found(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "seal", lambda _key, _id, _type, fields: json.dumps(fields).encode())
    await tell(fresh_database, cancelled())
    assert MARKER in await at_rest(fresh_database)


async def test_without_its_key_a_fact_stays_and_what_was_personal_is_told_as_erased(
    fresh_database: Database, amqp_url: str, ear: Ear
) -> None:
    await tell(fresh_database, expired(1), cancelled(1, 3), cancelled(2, 2, customer_id=8))
    await forget(fresh_database)
    async with fresh_database.read() as session:
        versions = await session.scalars(select(BusinessEvent.aggregate_version).order_by(BusinessEvent.id))
        assert list(versions) == [2, 3, 2]
    told = [BookingExpired.model_validate_json(m.body) for m in await relayed(fresh_database, amqp_url, ear, 3)]
    assert sorted((e.booking_id, e.version, e.address) for e in told) == [(1, 2, ""), (1, 3, ""), (2, 2, MARKER)]
    assert [event.price_cents for event in told] == [18_900] * 3


async def test_a_row_from_before_sealing_is_told_as_it_is(
    fresh_database: Database, amqp_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookingCancelled, "personal", frozenset())
    await tell(fresh_database, cancelled())
    monkeypatch.undo()
    assert await count(fresh_database, "business_events where sealed is null") == 1
    (message,) = await relayed(fresh_database, amqp_url, ear)
    assert BookingCancelled.model_validate_json(message.body) == cancelled()


@pytest.mark.parametrize(
    "tamper",
    [
        "set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "set sealed = ''",
        "set event_id = gen_random_uuid()",
        "set type = 'booking.expired.v1'",
        "set sealed = (select sealed from business_events where aggregate_id = 2)",
    ],
)
async def test_what_was_tampered_with_is_noticed_not_told_and_holds_up_only_its_own(
    fresh_database: Database, as_owner: AsOwner, amqp_url: str, ear: Ear, tamper: str
) -> None:
    await tell(fresh_database, cancelled(1), cancelled(2), cancelled(3))
    await as_owner(f"update business_events {tamper} where aggregate_id = 1")
    async with running(Relay("booking", fresh_database.url, amqp_url).run()):
        heard = await ear.collect(2)
    assert [m.headers["aggregate-id"] for m in heard] == [2, 3]
    assert await count(fresh_database, "outbox") == 1
    with pytest.raises(Tampered):
        await recorded_in(fresh_database)


async def test_a_warm_key_costs_no_statement_and_a_cold_one_a_single(fresh_database: Database) -> None:
    for number, statements in ((1, 2), (2, 1), (3, 1)):
        with counted_statements(fresh_database) as sent:
            await tell(fresh_database, cancelled(number))
        assert len(sent) == statements, sent
    fresh_database.key_ring.__init__()  # type: ignore[misc]
    with counted_statements(fresh_database) as sent:
        await tell(fresh_database, cancelled(4), cancelled(5, customer_id=8), cancelled(6))
    assert len(sent) == 2
    assert await count(fresh_database, "person_keys") == 2


async def test_two_processes_that_need_a_first_key_at_once_get_one(
    fresh_database: Database, other_process: Database
) -> None:
    """The second waits for the first to commit, then looks once more."""
    async with fresh_database.begin() as first:
        record(first, cancelled(1))
        await first.flush()
        second = asyncio.create_task(tell(other_process, cancelled(2)))
        await until(lambda: waits_for_another(fresh_database))
    await second
    assert await count(fresh_database, "person_keys") == 1
    assert await recorded_in(fresh_database) == [cancelled(1), cancelled(2)]


async def test_many_at_once_get_one(fresh_database: Database, other_process: Database) -> None:
    databases = [fresh_database, other_process] * 10
    await asyncio.gather(*(tell(database, cancelled(number)) for number, database in enumerate(databases, 1)))
    assert await count(fresh_database, "person_keys") == 1
    assert len(await recorded_in(fresh_database)) == 20


async def test_a_key_that_was_rolled_back_is_not_used_again(fresh_database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await failing(fresh_database)
    await tell(fresh_database, cancelled(2))
    assert await recorded_in(fresh_database) == [cancelled(2)]


async def failing(database: Database) -> None:
    async with database.begin() as session:
        record(session, cancelled(1))
        await session.flush()
        raise ZeroDivisionError


@pytest.mark.parametrize("kept", [True, False])
async def test_a_key_made_in_a_savepoint_lives_and_goes_with_it(fresh_database: Database, kept: bool) -> None:
    async with fresh_database.begin() as session:
        savepoint = await session.begin_nested()
        record(session, cancelled(1))
        await session.flush()
        await (savepoint.commit() if kept else savepoint.rollback())
        assert fresh_database.key_ring.get("customer:7") is None  # nothing is committed yet
        record(session, cancelled(2))
    assert await recorded_in(fresh_database) == ([cancelled(1)] if kept else []) + [cancelled(2)]


async def test_what_was_told_before_a_savepoint_outlives_it(fresh_database: Database) -> None:
    async with fresh_database.begin() as session:
        record(session, cancelled(1))
        savepoint = await session.begin_nested()
        record(session, cancelled(2))
        await savepoint.rollback()
    assert await recorded_in(fresh_database) == [cancelled(1)]


async def test_whoever_was_erased_gets_no_key_and_what_is_told_of_them_is_not_personal(
    fresh_database: Database,
) -> None:
    async with fresh_database.begin() as session:
        await session.execute(text("insert into erased_people (person) values ('customer:7')"))
    await tell(fresh_database, cancelled(1), cancelled(2, customer_id=8))
    assert await count(fresh_database, "person_keys where person = 'customer:7'") == 0
    assert [event.address for event in await recorded_in(fresh_database)] == ["", MARKER]


async def test_a_process_that_still_has_an_erased_key_brings_nothing_back(
    fresh_database: Database, other_process: Database, amqp_url: str, ear: Ear
) -> None:
    await tell(fresh_database, cancelled(1))
    async with other_process.begin() as session:
        await session.execute(text("insert into erased_people (person) values ('customer:7')"))
        await session.execute(text("delete from person_keys"))
    await tell(fresh_database, cancelled(2))  # sealed with the key in memory, for nobody to open
    await tell(other_process, cancelled(3))
    assert await count(fresh_database, "person_keys") == 0
    assert MARKER not in await at_rest(fresh_database)
    heard = await relayed(fresh_database, amqp_url, ear, 3)
    assert not [m for m in heard if MARKER.encode() in m.body]


async def test_what_has_nothing_personal_in_it_needs_no_key(fresh_database: Database) -> None:
    await tell(fresh_database, cancelled(marker=""))
    assert await count(fresh_database, "person_keys") == 0
    assert await recorded_in(fresh_database) == [cancelled(marker="")]


async def test_what_is_sealed_twice_is_never_the_same(fresh_database: Database) -> None:
    await tell(fresh_database, *(cancelled(number) for number in range(1, 51)))
    async with fresh_database.read() as session:
        nonces = func.count(func.distinct(func.substr(BusinessEvent.sealed, 1, 13)))
        assert await session.scalar(select(nonces)) == 50
        row = (await session.scalars(select(BusinessEvent).limit(1))).one()
        key = await session.scalar(select(PersonKey.key))
    assert row.sealed
    assert key
    assert unseal(key, row.event_id, row.type, row.sealed) == {"address": MARKER, "reason": MARKER, "zip": MARKER}


def test_the_ring_forgets_the_oldest_and_the_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_KEYS", 2)
    ring = KeyRing()
    ring.keep({"user:1": b"1", "user:2": b"2", "user:3": b"3"})
    assert [ring.get(f"user:{id}") for id in (1, 2, 3)] == [None, b"2", b"3"]
    monkeypatch.setattr(sealing, "KEPT", -1.0)
    ring.keep({"user:3": b"3"})
    assert ring.get("user:3") is None


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.type)
def test_every_contract_says_whose_its_personal_fields_are_and_takes_the_erased_values(contract: type[Event]) -> None:
    assert not contract.personal or contract.person in contract.model_fields
    for name, value in contract.erased().items():
        field = contract.model_fields[name]
        type: Any = Annotated[field.annotation, *field.metadata]
        assert TypeAdapter(type).validate_python(value) == value


@pytest.mark.parametrize(
    "mark", [Annotated[int, PERSONAL], Annotated[str, PERSONAL] | None, list[Annotated[str, PERSONAL]]]
)
def test_what_cannot_be_sealed_cannot_be_marked(mark: Any) -> None:
    with pytest.raises(TypeError, match=r"PERSONAL|mark"):
        type("Odd", (BookingEvent,), {"__annotations__": {"odd": mark}, "__module__": __name__})


def test_personal_fields_must_be_somebodys() -> None:
    with pytest.raises(TypeError, match="whose"):

        class Nobody(Event, aggregate="nobody", type="booking.nobody.v1"):
            nobody_id: int
            name: Annotated[str, PERSONAL]

    CONTRACTS.pop("booking.nobody.v1")


async def waits_for_another(database: Database) -> bool:
    return await count(database, "pg_locks where not granted and locktype = 'transactionid'") > 0


@pytest.fixture
async def other_process(fresh_database: Database) -> AsyncIterator[Database]:
    other = Database(fresh_database.url, pool_size=5)
    yield other
    await other.close()
