"""P1: no double booking. Real transactions, many clients at once; and the same without the guards, to see red."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from services.booking.commands import holding
from services.booking.queries import offers
from services.booking.queries.slots import schedule_of
from shared.auth import Actor
from shared.contracts.identity import ErasureRequested
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, deliver_to
from shared.testing.tokens import customer

from .conftest import Shop, monday_at, open_shop
from .quoting import problem

CLIENTS = 100
WON, LOST = (201, ""), (409, "slot-taken")
ASK_AGAIN = {(409, "busy"), (503, "overloaded")}
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
UNLOCKED = text("select cast(:tier_id as bigint), cast(:customer_id as text)")
OVERLAPS = """
    select count(*) from bookings a join bookings b on a.id < b.id and a.crew_id = b.crew_id and a.blocked && b.blocked
     where a.status in ('held', 'confirmed', 'en_route', 'in_progress')
       and b.status in ('held', 'confirmed', 'en_route', 'in_progress')"""


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    return await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))


async def race(shop: Shop, starts: list[str]) -> Counter[tuple[int, str]]:
    """All at once: one client per start, each a customer of its own; how often each thing was answered.

    On a slow machine somebody is told to ask again, because of how long the others took: they do, until they know. That
    it is never for a deadlock is for `deadlocks` to see.
    """
    barrier = asyncio.Barrier(len(starts))

    async def one(number: int, start: str) -> tuple[int, str]:
        await barrier.wait()
        while (answer := problem(await shop.book(start, customer(1000 + number)))) in ASK_AGAIN:
            await asyncio.sleep(0.05)
        return answer

    async with asyncio.timeout(120):
        return Counter(await asyncio.gather(*(one(number, start) for number, start in enumerate(starts))))


async def overlaps(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(text(OVERLAPS)) or 0


async def deadlocks(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(text(DEADLOCKS)) or 0


async def test_a_hundred_clients_on_one_slot_make_one_booking(fresh_shop: Shop, fresh_database: Database) -> None:
    assert await race(fresh_shop, [monday_at(9)] * CLIENTS) == {WON: 1, LOST: CLIENTS - 1}
    assert (await overlaps(fresh_database), await deadlocks(fresh_database)) == (0, 0)


async def test_overlapping_adjacent_and_contained_times_never_collide(
    fresh_shop: Shop, fresh_database: Database
) -> None:
    starts = [monday_at(8 + n // 2, 30 * (n % 2)) for n in range(17)] * 3
    answers = await race(fresh_shop, starts)
    assert set(answers) == {WON, LOST}
    assert 3 <= answers[WON] <= 4  # ten hours, each job two and a half with its buffer
    assert await overlaps(fresh_database) == 0


async def test_a_hold_that_just_ran_out_goes_to_exactly_one(fresh_shop: Shop, fresh_database: Database) -> None:
    await fresh_shop.held(monday_at(9))
    async with fresh_database.begin() as session:
        await session.execute(text("update bookings set hold_expires_at = now()"))
    assert await race(fresh_shop, [monday_at(9)] * 30) == {WON: 1, LOST: 29}
    assert (await overlaps(fresh_database), await deadlocks(fresh_database)) == (0, 0)


async def test_what_is_booked_while_somebody_is_erased_is_found_or_refused(
    fresh_shop: Shop, fresh_database: Database
) -> None:
    """Whichever is first: no address of an erased customer is left."""
    deliver = deliver_to("booking", fresh_database)
    people = range(2000, 2012)
    starts = [monday_at(8 + n % 8) for n in range(len(people))]
    books = [fresh_shop.book(start, customer(n)) for n, start in zip(people, starts, strict=True)]
    erases = [deliver(ErasureRequested(erasure_id=n, version=2, user_id=n, customer_id=n)) for n in people]
    await asyncio.gather(*(one for pair in zip(books, erases, strict=True) for one in pair))
    async with fresh_database.read() as session:
        left = "select count(*) from bookings join erased_people on person = 'customer:' || customer_id"
        assert await session.scalar(text(left)) == 0


async def test_the_constraint_alone_is_safe_without_the_lock(
    fresh_shop: Shop, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "LOCK_FOR_BOOKING", UNLOCKED)
    answers = await race(fresh_shop, [monday_at(9)] * 20)
    assert answers == {WON: 1, LOST: 19}
    assert await overlaps(fresh_database) == 0


async def test_negative_control_without_guards_the_checker_goes_red(
    fresh_shop: Shop, fresh_database: Database, as_owner: AsOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Barrier(10)

    async def all_look_before_one_books(*asked: Any) -> Any:
        found = await schedule_of(*asked)
        await looked.wait()
        return found

    monkeypatch.setattr(offers, "LOCK_FOR_BOOKING", UNLOCKED)
    monkeypatch.setattr(holding, "schedule_of", all_look_before_one_books)
    await as_owner("alter table bookings drop constraint bookings_no_overlap")
    await race(fresh_shop, [monday_at(9)] * 10)
    assert await overlaps(fresh_database) > 0
