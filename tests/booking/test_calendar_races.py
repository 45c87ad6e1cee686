"""Calendars and feeds, with real transactions and others at the same thing at the same time."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, text, update
from sqlalchemy.orm.exc import StaleDataError

from services.booking.clients import Calendars
from services.booking.commands import tasks
from services.booking.commands.calendars import read_calendar
from services.booking.domain.availability import Crew
from services.booking.domain.calendars import CalendarStatus, ExternalCalendar, Reading
from services.booking.jobs import jobs
from services.booking.queries.calendars import busy_of, claim_due
from shared.auth import Actor
from shared.clock import now
from shared.db import Database
from shared.jobs import run_if_due
from shared.tasks import Outside, Runner
from shared.testing.plugin import Headers, deliver_to
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, Shop, open_shop
from .test_fetching import settings

PATH = f"/booking/v1/affiliates/{AFFILIATE}/calendars"
OWNER = member(AFFILIATE)
NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    return await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))


async def connect(shop: Shop, database: Database) -> httpx.Response:
    async with database.read() as session:
        crew_id = await session.scalar(select(Crew.id).where(Crew.affiliate_id == AFFILIATE))
    body = {"crew_id": crew_id, "name": "Van", "url": "https://calendar.example/van.ics"}
    return await shop.client.post(PATH, json=body, headers=shop.as_(OWNER))


class Answering(Calendars):
    """Answers when it is told to: `asked` once it waits."""

    def __init__(self, hours: int) -> None:
        super().__init__(settings(local=False))
        self.asked, self.answers, self.hours = asyncio.Event(), asyncio.Event(), hours

    async def read(self, calendar: ExternalCalendar, zone: str, first: datetime, last: datetime) -> Reading:
        self.asked.set()
        await self.answers.wait()
        return Reading([(NOON, NOON + timedelta(hours=self.hours))], last)


def reading(database: Database, calendar_id: int, client: Answering) -> "asyncio.Task[Any]":
    return asyncio.create_task(read_calendar(Outside(database, (client,)), calendar_id=calendar_id))  # type: ignore[arg-type]


async def hours_kept(database: Database, calendar_id: int) -> list[float]:
    async with database.read() as session:
        return [(end - start).total_seconds() / 3600 for start, end in await busy_of(session, calendar_id)]


async def test_what_was_asked_first_and_answered_last_is_asked_again(
    fresh_shop: Shop, fresh_database: Database
) -> None:
    calendar_id = (await connect(fresh_shop, fresh_database)).json()["id"]
    slow, quick = Answering(1), Answering(2)
    first, second = (reading(fresh_database, calendar_id, client) for client in (slow, quick))
    await asyncio.gather(slow.asked.wait(), quick.asked.wait())
    quick.answers.set()
    await second
    slow.answers.set()
    with pytest.raises(StaleDataError):  # the task is made again
        await first
    assert await hours_kept(fresh_database, calendar_id) == [2]


async def test_one_removed_while_it_is_read_keeps_nothing(fresh_shop: Shop, fresh_database: Database) -> None:
    calendar_id = (await connect(fresh_shop, fresh_database)).json()["id"]
    client = Answering(1)
    task = reading(fresh_database, calendar_id, client)
    await client.asked.wait()
    gone = await fresh_shop.client.delete(f"{PATH}/{calendar_id}", headers=fresh_shop.as_(OWNER))
    assert gone.status_code == 204
    client.answers.set()
    with pytest.raises(StaleDataError):
        await task
    await reading(fresh_database, calendar_id, client)
    assert await hours_kept(fresh_database, calendar_id) == []


async def test_a_worker_reads_what_is_due(fresh_shop: Shop, fresh_database: Database) -> None:
    calendar_id = (await connect(fresh_shop, fresh_database)).json()["id"]
    client = Answering(1)
    client.answers.set()
    runner = Runner(tasks, fresh_database, Outside(fresh_database, (client,)))
    [job] = [job for job in jobs.all if job.name == "read_calendars"]
    assert not await runner.work_one()
    async with fresh_database.begin() as session:
        await session.execute(text("insert into jobs (name) values ('read_calendars')"))
    assert await run_if_due(fresh_database, "booking", job)
    assert await runner.work_one()
    assert await hours_kept(fresh_database, calendar_id) == [1]
    async with fresh_database.read() as session:
        calendar = await session.get_one(ExternalCalendar, calendar_id)
        assert calendar.status is CalendarStatus.OK
        assert timedelta(minutes=13) < calendar.next_fetch_at - now() < timedelta(minutes=17)


async def test_nobody_connects_more_than_ten_by_being_quick(fresh_shop: Shop, fresh_database: Database) -> None:
    answers = await asyncio.gather(*(connect(fresh_shop, fresh_database) for _ in range(15)))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 5}


async def test_two_workers_never_read_the_same(fresh_shop: Shop, fresh_database: Database) -> None:
    for _ in range(6):
        await connect(fresh_shop, fresh_database)
    async with fresh_database.begin() as session:
        await session.execute(update(ExternalCalendar).values(next_fetch_at=text("now() - interval '1 minute'")))
    async with fresh_database.begin() as one, fresh_database.begin() as other:
        taken = [await claim_due(one, limit=4), await claim_due(other, limit=4)]
    assert [len(ids) for ids in taken] == [4, 2]
    assert not set(taken[0]) & set(taken[1])
    async with fresh_database.begin() as session:
        assert await claim_due(session, limit=4) == []


async def test_of_two_addresses_made_at_once_one_is_good(fresh_shop: Shop, fresh_database: Database) -> None:
    async def make() -> str:
        answer = await fresh_shop.client.post("/booking/v1/feeds", json={}, headers=fresh_shop.as_(customer(7)))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"]).removeprefix("http://localhost:8080")

    paths = await asyncio.gather(*(make() for _ in range(5)))
    answers = [(await fresh_shop.client.get(path)).status_code for path in paths]
    assert Counter(answers) == {200: 1, 404: 4}
