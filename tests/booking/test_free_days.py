"""The days on which an affiliate can still be booked: worked out, and told once when they change."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.booking import jobs
from services.booking.commands import free_days
from services.booking.domain.agenda import Taken
from services.booking.domain.free_days import Calendar, FreeDays
from services.booking.domain.hours import Hours
from services.booking.domain.offer import Offer
from services.booking.domain.slots import Schedule
from services.booking.domain.tour import Stop
from shared.auth import Actor
from shared.contracts.booking import BookingExpired, BookingHeld, FreeDaysChanged
from shared.contracts.catalog import AffiliateSuspended, OfferWithdrawn
from shared.db import Database
from shared.testing.plugin import Deliver, Headers, Published, deliver_to, recorded_in, until
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, MONDAYS, Shop, approved, config, monday_at, next_monday, open_shop, published_offer
from .test_slots import EVER, around_the_clock, crew, weekly
from .test_slots import jobs as some_jobs

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def calendar(schedule: Schedule, at: datetime, *, horizon: int = 30, lead: int = 0, minutes: int = 30) -> Calendar:
    tier: Any = SimpleNamespace(duration_minutes=minutes)
    config: Any = SimpleNamespace(lead_minutes=lead, horizon_days=horizon)
    affiliate: Any = SimpleNamespace()
    return Calendar(Offer(tier, affiliate, config, None, at), schedule)


def window(weekday: int, opens: int, closes: int) -> Hours:
    return weekly(weekday, opens * 60, closes * 60)


# -- the rule --


@given(
    taken=st.lists(some_jobs, max_size=20), minutes=st.integers(15, 480), lead=st.integers(0, 3000),
    horizon=st.integers(1, 4), zone=st.sampled_from(["Europe/Paris", "Pacific/Kiritimati", "America/Los_Angeles"]),
    hours=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23)), max_size=5, unique=True),
)  # fmt: skip
def test_a_day_is_free_if_and_only_if_it_has_a_slot(
    taken: list[Taken], minutes: int, lead: int, horizon: int, zone: str, hours: list[tuple[int, int]]
) -> None:
    windows = [window(day, hour, min(hour + 3, 24)) for day, hour in hours] or around_the_clock()
    schedule = Schedule(ZoneInfo(zone), windows, [crew(1), crew(2)], taken)
    asked = calendar(schedule, JUNE, horizon=horizon, lead=lead, minutes=minutes)
    days = [date(2026, 5, 30) + timedelta(days=n) for n in range(10)]
    slots = schedule.slots(days, Stop(minutes), asked.offer.earliest, EVER[1])
    shown = {slot.starts_at.astimezone(schedule.zone).date() for slot in slots if slot.starts_at <= asked.offer.latest}
    assert asked.free_days() == sorted(shown)


@pytest.mark.parametrize(
    ("zone", "opens", "closes", "skipped"),
    [
        ("America/New_York", 2, 3, date(2027, 3, 14)),
        ("Africa/Cairo", 0, 1, date(2026, 4, 24)),
        ("Europe/Berlin", 2, 3, date(2027, 3, 28)),
    ],
)
def test_a_day_whose_only_hour_the_clocks_skip_is_not_free(zone: str, opens: int, closes: int, skipped: date) -> None:
    schedule = Schedule(ZoneInfo(zone), [window(skipped.weekday(), opens, closes)], [crew(1)], ())
    at = datetime(skipped.year, skipped.month, skipped.day, 12, tzinfo=UTC) - timedelta(days=8)
    week = timedelta(days=7)
    assert calendar(schedule, at, horizon=16).free_days() == [skipped - week, skipped + week]


def test_in_a_fold_the_day_stays_free_until_its_first_hour_has_passed() -> None:
    schedule = Schedule(ZoneInfo("America/New_York"), [window(6, 1, 2)], [crew(1)], ())
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
    assert calendar(schedule, first, horizon=1).free_days() == [date(2026, 11, 1)]
    assert calendar(schedule, second, horizon=1).free_days() == [], "01:30 is sold once, the first time"


@pytest.mark.parametrize(
    ("told", "news"),
    [
        ([1, 2, 3], False),
        ([-2, 1, 2, 3], False),
        ([1, 2], True),
        ([1, 2, 3, 4], True),
        ([], True),
    ],
)
def test_that_a_day_has_passed_is_no_news(told: list[int], news: bool) -> None:
    schedule = Schedule(ZoneInfo("UTC"), around_the_clock(), [crew(1)], ())
    row = FreeDays(affiliate_id=1, due_at=JUNE, days=[JUNE.date() + timedelta(days=n - 1) for n in told], version=3)
    assert row.become(calendar(schedule, JUNE + timedelta(hours=12), horizon=2)) is news
    assert row.version == 3 + news


# -- told --


async def look(database: Database) -> None:
    """As the job does."""
    async with database.begin() as session:
        await jobs.tell_free_days(session)


async def run(database: Database, sql: str) -> None:
    async with database.begin() as session:
        await session.execute(text(sql))


async def told(database: Database) -> list[FreeDaysChanged]:
    await look(database)
    return await recorded_in(database, FreeDaysChanged)


async def fill(shop: Shop) -> None:
    """Take all of the next Monday: four jobs of two hours and a half."""
    for hour, minute in ((8, 0), (10, 30), (13, 0), (15, 30)):
        await shop.held(monday_at(hour, minute), customer(100 + hour))


async def test_what_is_told_is_what_the_slots_show(shop: Shop, database: Database) -> None:
    (event,) = await told(database)
    today = datetime.now(UTC).date()
    shown: set[str] = set()
    for month in range(3):
        first = today + timedelta(days=31 * month - 1)
        shown |= {day for day, slots in (await shop.slots(first, first + timedelta(days=30))).items() if slots}
    assert (event.affiliate_id, event.version) == (AFFILIATE, 1)
    assert {day.isoformat() for day in event.days} == shown
    assert len(await told(database)) == 1, "looked at again, nothing is new"


async def test_a_day_that_fills_is_told_and_one_that_frees(
    shop: Shop, database: Database, deliver: Deliver, published: Published
) -> None:
    monday = next_monday()
    assert monday in (await told(database))[0].days
    await fill(shop)
    for held in await published(BookingHeld):
        await deliver(held)
    assert monday not in (await told(database))[1].days
    await run(database, "update bookings set hold_expires_at = now() - interval '1 minute'")
    async with database.begin() as session:
        await jobs.expire_unpaid(session)
    for expired in await published(BookingExpired):
        await deliver(expired)
    assert monday in (await told(database))[2].days
    for late in await published(BookingHeld):
        await deliver(late)
        await deliver(late)
    assert [event.version for event in await told(database)] == [1, 2, 3]


async def test_one_job_more_on_a_day_that_is_not_full_is_no_news(
    shop: Shop, database: Database, deliver: Deliver, published: Published
) -> None:
    await told(database)
    await shop.held()
    await deliver((await published(BookingHeld))[0])
    assert len(await told(database)) == 1


def suspended() -> AffiliateSuspended:
    return AffiliateSuspended(**approved(3, application_status="suspended").model_dump(), reason="Complaints.")


def withdrawn() -> OfferWithdrawn:
    return OfferWithdrawn(**published_offer(2, active=False).model_dump())


@pytest.mark.parametrize("news", [suspended(), withdrawn()], ids=lambda event: event.type)
async def test_whoever_cannot_be_booked_has_no_free_days(
    shop: Shop, database: Database, deliver: Deliver, news: Any
) -> None:
    await told(database)
    await deliver(news)
    await deliver(approved())
    await deliver(published_offer())
    assert (await told(database))[1].days == []


async def test_of_an_affiliate_that_never_could_be_booked_nothing_is_told(database: Database, deliver: Deliver) -> None:
    for event in (config(), approved(application_status="submitted"), published_offer()):
        await deliver(event)
    assert await told(database) == []


async def test_new_hours_and_a_new_horizon_are_told(
    shop: Shop, database: Database, deliver: Deliver, client: Any, as_: Callable[..., dict[str, str]]
) -> None:
    await told(database)
    windows = {"windows": [*MONDAYS["windows"], {"weekday": 2, "opens": "09:00", "closes": "17:00"}]}
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    assert (await client.put(path, json=windows, headers=as_(member(AFFILIATE)))).status_code == 200
    assert {day.weekday() for day in (await told(database))[1].days} == {0, 2}
    await deliver(config(2, horizon_days=14))
    assert len((await told(database))[2].days) <= 6


async def test_time_alone_brings_a_new_day_at_the_end_and_it_is_told(shop: Shop, database: Database) -> None:
    whole = (await told(database))[0].days
    await run(database, "update free_days set days = trim_array(days, 1)")
    assert len(await told(database)) == 1, "it is not due"
    await run(database, "update free_days set due_at = now()")
    assert (await told(database))[1].days == whole


async def test_an_event_over_two_years_stays_small(shop: Shop, database: Database, deliver: Deliver) -> None:
    await run(
        database,
        "insert into availability (affiliate_id, weekday, opens_minute, closes_minute)"
        " select affiliate_id, n, 480, 1080 from affiliates, generate_series(1, 6) n",
    )
    await deliver(config(2, horizon_days=730))
    (event,) = await told(database)
    assert len(event.days) >= 729
    assert len(event.model_dump_json()) < 10_000


COPIES = (
    "insert into affiliates (affiliate_id, version, name, application_status, timezone)"
    " select 1000 + n, version, name, application_status, timezone from affiliates, generate_series(1, 30) n",
    "insert into tiers (tier_id, version, service_id, affiliate_id, service_name, tier_name, price_cents,"
    " duration_minutes, active) select 1000 + n, version, service_id, 1000 + n, service_name, tier_name, price_cents,"
    " duration_minutes, active from tiers, generate_series(1, 30) n",
    "insert into availability (affiliate_id, weekday, opens_minute, closes_minute)"
    " select 1000 + n, weekday, opens_minute, closes_minute from availability, generate_series(1, 30) n",
    "insert into crews (affiliate_id, name) select 1000 + n, name from crews, generate_series(1, 30) n",
    "insert into free_days (affiliate_id) select 1000 + n from generate_series(1, 30) n",
)


async def thirty_more(database: Database) -> None:
    for sql in COPIES:
        await run(database, sql)


async def test_many_are_looked_at_in_as_many_statements_as_one(
    shop: Shop, database: Database, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    async with database.begin() as session:
        with statements() as one:
            await free_days.tell_free_days(session, limit=100)
    await thirty_more(database)
    async with database.begin() as session:
        with statements() as many:
            await free_days.tell_free_days(session, limit=100)
    assert len(await recorded_in(database, FreeDaysChanged)) == 31
    assert len(one) == len(many) == 5, "\n".join(many)


# -- crashes and crowds --


async def test_a_crash_before_the_commit_tells_nothing_and_the_next_look_tells_once(
    shop: Shop, database: Database
) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as session:
            await jobs.tell_free_days(session)
            raise RuntimeError
    assert await recorded_in(database, FreeDaysChanged) == []
    assert [event.version for event in await told(database)] == [1]


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    return await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))


async def test_two_workers_at_once_tell_each_version_once(fresh_shop: Shop, fresh_database: Database) -> None:
    await thirty_more(fresh_database)
    await asyncio.gather(*(look(fresh_database) for _ in range(4)))
    events = await recorded_in(fresh_database, FreeDaysChanged)
    assert sorted((event.affiliate_id, event.version) for event in events) == [
        (AFFILIATE, 1), *((1000 + n, 1) for n in range(1, 31))
    ]  # fmt: skip


async def test_what_changes_while_it_is_looked_at_is_looked_at_again(
    fresh_shop: Shop, fresh_database: Database
) -> None:
    async with fresh_database.begin() as looking, asyncio.TaskGroup() as others:
        await jobs.tell_free_days(looking)
        await look(fresh_database)  # another worker finds nothing to do, and does not wait
        others.create_task(change(fresh_shop))
        await until(lambda: waits_for_a_lock(fresh_database))
        await looking.commit()
    assert (await told(fresh_database))[1].days == []


async def change(shop: Shop) -> None:
    await shop.deliver(suspended())


async def waits_for_a_lock(database: Database) -> bool:
    async with database.read() as session:
        return bool(await session.scalar(text("select count(*) from pg_locks where not granted")))
