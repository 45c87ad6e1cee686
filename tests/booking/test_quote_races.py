"""Quotes, many hands at once, in real transactions: one end for each, and none that waits in a circle."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import bindparam, select, text

from services.booking.domain.quote import Quote
from services.booking.jobs import expire_quotes, expire_unpaid
from services.booking.queries import offers
from services.booking.queries import quotes as quotes_queries
from shared.auth import Actor
from shared.contracts.booking import BookingExpired
from shared.contracts.identity import ErasureRequested
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, deliver_to, recorded_in
from shared.testing.tokens import customer

from .conftest import AFFILIATE, monday_at, open_shop
from .quoting import SECOND, THIRD, Desk, Json, also_open, priced, problem
from .test_races import UNLOCKED, overlaps

ROUNDS = 6
AFFILIATES = (AFFILIATE, SECOND, THIRD)
Answers = list[tuple[int, str]]


@pytest_asyncio.fixture
async def desk(fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database) -> Desk:
    desk = Desk(await open_shop(fresh_client, as_, deliver_to("booking", fresh_database)))
    await also_open(desk.shop, SECOND, THIRD)
    return desk


async def at_once(*requests: Awaitable[httpx.Response]) -> Answers:
    return [problem(answer) for answer in await asyncio.gather(*requests)]


async def counted(database: Database, sql: str) -> int:
    async with database.read() as session:
        return await session.scalar(text(sql)) or 0


async def is_sound(database: Database) -> bool:
    """Each request has one accepted quote at most, and each accepted one a booking that is of it."""
    twice = (
        "select count(*) from (select from quotes where status = 'accepted' group by request_id having count(*) > 1) q"
    )
    strays = """select count(*) from bookings b left join quotes q on q.booking_id = b.id
                 where b.status in ('held', 'confirmed') and b.quote_id is not null
                   and (q.id is distinct from b.quote_id or q.status <> 'accepted')"""
    return (await counted(database, twice), await counted(database, strays), await overlaps(database)) == (0, 0, 0)


def only(statuses: Iterable[tuple[int, str]], *allowed: str) -> None:
    assert {code for code, _ in statuses} <= {200, 201, 409, 412}
    assert {name for _, name in statuses if name} <= set(allowed)


async def test_of_quotes_asked_for_together_one_is_accepted(desk: Desk, fresh_database: Database) -> None:
    for _ in range(ROUNDS):
        quotes = await desk.priced(*AFFILIATES)
        answers = await at_once(*(desk.accept(quote, monday_at(9)) for quote in quotes for _ in range(2)))
        assert Counter(code for code, _ in answers) == {201: 1, 409: 5}
        only(answers, "another-was-accepted", "already-accepted")
        assert sorted([await desk.status(quote) for quote in quotes]) == ["accepted", "closed", "closed"]
        await end_all(fresh_database)
    assert await is_sound(fresh_database)


async def end_all(database: Database) -> None:
    """So that the next round finds its times free, and its customer without holds."""
    async with database.begin() as session:
        await session.execute(text("update bookings set hold_expires_at = now() where status = 'held'"))
    async with database.begin() as session:
        await expire_unpaid(session)


async def test_accepted_and_withdrawn_at_once_it_is_one_of_them(desk: Desk, fresh_database: Database) -> None:
    ends: Counter[str] = Counter()
    for turn in range(ROUNDS):
        [quote] = await desk.priced()
        both = [desk.accept(quote, monday_at(9)), desk.act(quote, "withdraw")]
        answers = await at_once(*both[:: 1 if turn % 2 else -1])
        assert sorted(code for code, _ in answers) in ([200, 409], [201, 409])
        only(answers, "already-accepted", "was-withdrawn")
        ends[await desk.status(quote)] += 1
        await end_all(fresh_database)
    assert set(ends) <= {"accepted", "withdrawn"}
    assert await is_sound(fresh_database)


async def test_accepted_and_priced_anew_at_once_the_price_is_the_one_that_was_seen(
    desk: Desk, fresh_database: Database
) -> None:
    dearer = priced(lines=[{"label": "More", "amount_cents": 99_900}])
    for _ in range(ROUNDS):
        [quote] = await desk.priced()
        accepted, repriced = await asyncio.gather(
            desk.accept(quote, monday_at(9), version='"2"'), desk.act(quote, "price", body=dearer, version='"2"')
        )
        assert (accepted.status_code, repriced.status_code) in ((201, 412), (412, 200))
        if accepted.status_code == 201:
            assert accepted.json()["price_cents"] == quote["price_cents"]
        await end_all(fresh_database)
    assert await is_sound(fresh_database)


async def test_accepted_as_it_expires_it_is_one_of_them(desk: Desk, fresh_database: Database) -> None:
    """Whether the job comes first or the customer; and never is a time held for what has expired."""

    async def expires() -> None:
        async with fresh_database.begin() as session:
            await expire_quotes(session)

    for turn in range(ROUNDS):
        [quote] = await desk.priced()
        async with fresh_database.begin() as session:
            soon = f"clock_timestamp() + interval '{turn * 4} ms'"
            await session.execute(text(f"update quotes set valid_until = {soon} where id = {quote['id']}"))  # noqa: S608
        answer, *_ = await asyncio.gather(desk.accept(quote, monday_at(9)), expires(), expires())
        await expires()
        assert problem(answer) in ((201, ""), (409, "quote-has-expired"))
        assert await desk.status(quote) == ("accepted" if answer.status_code == 201 else "expired")
        await end_all(fresh_database)
    assert await is_sound(fresh_database)


async def test_a_slot_that_ten_quotes_and_the_price_list_want_is_sold_once(
    desk: Desk, fresh_database: Database
) -> None:
    quotes = [await desk.price((await desk.asked(by=customer(100 + n)))[0]) for n in range(10)]
    plain = [desk.shop.book(monday_at(9), customer(200 + n)) for n in range(10)]
    answers = await at_once(*(desk.accept(quote, monday_at(9)) for quote in quotes), *plain)
    assert Counter(answers) == {(201, ""): 1, (409, "slot-taken"): 19}
    assert await counted(fresh_database, "select count(*) from quotes where status = 'priced'") in (9, 10)
    assert await is_sound(fresh_database)


async def test_everything_at_once_ends_without_a_deadlock(desk: Desk, fresh_database: Database) -> None:
    """Accepting, letting lapsed holds go, hearing of them, withdrawing, erasing: each lock in its place."""
    deliver = deliver_to("booking", fresh_database)
    asked: list[Json] = []
    for n in range(4):
        asked += [await desk.price(q) for q in await desk.asked(*AFFILIATES, by=customer(300 + n))]
    for quote in asked[::3]:
        await desk.accept(quote, monday_at(8 + 3 * (asked.index(quote) % 2)))
    async with fresh_database.begin() as session:
        await session.execute(text("update bookings set hold_expires_at = clock_timestamp()"))

    async def job() -> None:
        async with fresh_database.begin() as session:
            await expire_unpaid(session)
        for event in await recorded_in(fresh_database, BookingExpired):
            await deliver(event)

    erases = [
        deliver(ErasureRequested(erasure_id=n + 1, version=2, user_id=1300 + n, customer_id=300 + n)) for n in range(2)
    ]
    accepts = [desk.accept(quote, monday_at(8 + n % 3 * 3)) for n, quote in enumerate(asked)]
    withdraws = [desk.act(quote, "withdraw") for quote in asked[::4]]
    acting = asyncio.create_task(at_once(*accepts, *withdraws))
    await asyncio.gather(acting, job(), job(), *erases)
    assert {code for code, _ in acting.result()} <= {200, 201, 403, 409}
    await job()
    assert await is_sound(fresh_database)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the locks, and without the versions of the others: they are not closed."""
    monkeypatch.setattr(offers, "LOCK_FOR_BOOKING", UNLOCKED)
    unlocked = select(Quote, quotes_queries.AT).where(Quote.request_id == bindparam("request_id")).order_by(Quote.id)
    monkeypatch.setattr(quotes_queries, "REQUEST_LOCKED", unlocked)
    monkeypatch.setattr(Quote, "is_open", lambda *_: False)


@pytest.mark.usefixtures("unguarded")
async def test_the_index_alone_is_safe_without_the_locks(desk: Desk, fresh_database: Database) -> None:
    quotes = await desk.priced(*AFFILIATES)
    answers = await at_once(*(desk.accept(quote, monday_at(9)) for quote in quotes))
    assert Counter(answers) == {(201, ""): 1, (409, "another-was-accepted"): 2}
    assert await is_sound(fresh_database)


@pytest.mark.usefixtures("unguarded")
async def test_negative_control_without_guards_two_of_one_request_are_accepted(
    desk: Desk, fresh_database: Database, as_owner: AsOwner
) -> None:
    await as_owner("drop index uq_quotes_one_accepted")
    quotes = await desk.priced(*AFFILIATES)
    await at_once(*(desk.accept(quote, monday_at(9)) for quote in quotes))
    assert not await is_sound(fresh_database)
