"""Series, many hands at once, in real transactions: each day of one has one booking, each time one customer."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from services.booking.commands import tasks, visits
from services.booking.commands.visits import book_visits, see_to_due_series
from shared.auth import Actor
from shared.db import Database
from shared.tasks import Outside, Runner
from shared.testing.plugin import Headers, deliver_to
from shared.testing.tokens import customer

from .conftest import monday_at, open_shop
from .standing import Json, Standing, wanted, week
from .test_races import overlaps

ROUNDS = 5


@pytest_asyncio.fixture
async def standing(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Standing:
    return Standing(await open_shop(fresh_client, as_, deliver_to("booking", fresh_database)), fresh_database)


async def counted(database: Database, sql: str) -> int:
    async with database.read() as session:
        return await session.scalar(text(sql)) or 0


async def test_seen_to_by_many_at_once_each_day_has_one_booking(standing: Standing, fresh_database: Database) -> None:
    series = (await standing.ask()).json()
    outside = Outside(fresh_database)
    await asyncio.gather(*(book_visits(outside, series_id=series["id"]) for _ in range(12)))
    assert await counted(fresh_database, "select count(*) from bookings") == 1
    await standing.pay((await standing.visits(series))[week(0)])
    await asyncio.gather(*(book_visits(outside, series_id=series["id"]) for _ in range(12)))
    assert await counted(fresh_database, "select count(*) from bookings") == 2
    assert list(await standing.visits(series)) == [week(0), week(1)]


async def test_a_worker_that_is_gone_in_the_middle_has_booked_nothing_and_the_next_one_books_once(
    standing: Standing, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = (await standing.ask()).json()

    async def gone(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(visits, "_note", gone)  # the slot is held by then
        with pytest.raises(ConnectionError):
            await standing.run(series)
    assert await counted(fresh_database, "select count(*) from bookings") == 0
    await standing.run(series)
    assert await counted(fresh_database, "select count(*) from bookings") == 1


async def test_the_job_finds_what_is_due_and_the_worker_does_it_though_nobody_asked(
    standing: Standing, fresh_database: Database
) -> None:
    begun = [(await standing.ask(customer(10 + n), first_date=week(n))).json() for n in range(3)]
    await standing.sql("delete from tasks")
    for _ in range(2):  # the second finds them claimed
        async with fresh_database.begin() as session:
            await see_to_due_series(session, limit=10)
    assert await counted(fresh_database, "select count(*) from tasks") == 3
    runner = Runner(tasks, fresh_database, Outside(fresh_database))
    while await runner.work_one():
        pass
    assert [list(await standing.visits(series)) for series in begun] == [[week(n)] for n in range(3)]
    assert await counted(fresh_database, "select count(*) from tasks") == 0


async def test_a_visit_and_a_customer_want_the_same_time_and_one_gets_it(
    standing: Standing, fresh_database: Database
) -> None:
    for n in range(1, ROUNDS + 1):
        series: list[Json] = [(await standing.ask(customer(100 * n + k), last_date=week(0))).json() for k in range(4)]
        outside = Outside(fresh_database)
        answers = await asyncio.gather(
            *(standing.shop.book(monday_at(9), customer(100 * n + 50 + k)) for k in range(4)),
            *(book_visits(outside, series_id=one["id"]) for one in series),
        )
        booked = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
        seen = Counter([(await standing.visits(one))[week(0)]["status"] for one in series])
        assert booked.count(201) + seen["booked"] == 1
        assert set(booked) <= {201, 409}
        assert seen.total() == 4
        assert await overlaps(fresh_database) == 0
        await standing.sql("update bookings set status = 'expired', version = version + 1 where status = 'held'")


async def test_ended_skipped_paused_and_booked_at_once_nobody_waits_in_a_circle(
    standing: Standing, fresh_database: Database
) -> None:
    for n in range(1, ROUNDS + 1):
        series = (await standing.ask(customer(200 + n))).json()
        await standing.run(series)
        outside = Outside(fresh_database)
        answers = await asyncio.gather(
            standing.act(series, "pause"),
            standing.act(series, f"visits/{week(1)}/skip"),
            book_visits(outside, series_id=series["id"]),
            standing.act(series, "change", body=wanted(first_date=week(2))),
            standing.act(series, "end", body={"paid_visits": "cancel"}),
            standing.shop.book(monday_at(13), customer(200 + n)),
            book_visits(outside, series_id=series["id"]),
        )
        codes = {answer.status_code for answer in answers if isinstance(answer, httpx.Response)}
        assert codes <= {200, 201, 409}, [a.text for a in answers if a is not None]
        assert await overlaps(fresh_database) == 0
        await standing.sql("update bookings set status = 'expired', version = version + 1 where status = 'held'")
        await standing.sql(
            "update series set status = 'ended', ended_by = 'customer', paused_by = null, next_on = null"
        )
