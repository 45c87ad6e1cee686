"""External calendars: who connects them, how they are read again and again, and that what they say keeps crews."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import jobs
from services.booking.commands import tasks
from services.booking.domain.availability import Crew
from services.booking.domain.booking import Booking
from services.booking.domain.calendars import (
    EVERY,
    LONGEST_PAUSE,
    CalendarStatus,
    ExternalBusy,
    ExternalCalendar,
    Reading,
    Trouble,
)
from services.booking.domain.free_days import FreeDays
from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    ExternalCalendarConnected,
    ExternalCalendarRemoved,
)
from shared.db import Database
from shared.tasks import Outside, Task
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, customer, member

from .conftest import AFFILIATE, ZONE, Shop, captured, monday_at, next_monday
from .ics import meeting, vcalendar
from .publisher import Publisher, publishing

PATH = f"/booking/v1/affiliates/{AFFILIATE}/calendars"
OWNER = member(AFFILIATE)
TECHNICIAN = Actor(user_id=502, affiliates={AFFILIATE: Role.TECHNICIAN})
JUNE = datetime(2026, 6, 1, 12, tzinfo=UTC)

# -- rules --


def calendar(**changes: Any) -> ExternalCalendar:
    told: dict[str, Any] = {
        "affiliate_id": 1,
        "crew_id": 1,
        "name": "x",
        "url": "https://a.example",
        "next_fetch_at": JUNE,
    }
    return ExternalCalendar(**told | changes)


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, EVERY), (1, 2 * EVERY), (2, 4 * EVERY), (3, LONGEST_PAUSE), (10**6, LONGEST_PAUSE)]
)
def test_what_cannot_be_read_is_tried_less_and_less_often(failures: int, pause: timedelta) -> None:
    one = calendar(failures=failures)
    one.fail(Trouble.NO_ANSWER, JUNE, luck=0.5)
    assert (one.next_fetch_at - JUNE, one.status, one.error) == (pause, CalendarStatus.FAILING, Trouble.NO_ANSWER)
    one.take(Reading(None, JUNE), JUNE, luck=0.5)
    assert (one.next_fetch_at - JUNE, one.status, one.error, one.failures) == (EVERY, CalendarStatus.OK, None, 0)


def test_not_all_are_asked_at_the_same_moment() -> None:
    asked = []
    for luck in (0.0, 0.999):
        (one := calendar()).take(Reading(None, JUNE), JUNE, luck)
        asked.append((one.next_fetch_at - JUNE) / EVERY)
    assert asked == pytest.approx([0.9, 1.1], abs=0.001)


@pytest.mark.parametrize(("ago", "stale"), [(None, True), (timedelta(hours=1), False), (timedelta(minutes=61), True)])
def test_a_calendar_is_stale_after_an_hour(ago: timedelta | None, stale: bool) -> None:
    assert calendar(fetched_at=None if ago is None else JUNE - ago).is_stale(JUNE) is stale


# -- life --


@pytest.fixture(scope="module")
def extra_settings() -> dict[str, Any]:
    return {"calendars_may_be_local": True}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


@dataclass
class Desk:
    """An affiliate's owner with a calendar elsewhere, and a worker that reads it when told to."""

    shop: Shop
    publisher: Publisher
    client: httpx.AsyncClient
    as_: Callable[[Actor], Headers]
    database: Database
    session: AsyncSession
    app: FastAPI

    async def crew(self) -> int:
        [crew_id] = await self.session.scalars(select(Crew.id).where(Crew.affiliate_id == AFFILIATE))
        return crew_id

    async def ask(self, method: str, path: str = "", by: Actor = OWNER, **body: Any) -> httpx.Response:
        told = {"json": body} if body else {}
        return await self.client.request(method, PATH + path, headers=self.as_(by), **told)  # type: ignore[arg-type]

    async def connect(self, url: str) -> int:
        answer = await self.ask("POST", crew_id=await self.crew(), name="Van", url=url)
        assert answer.status_code == 201, answer.text
        calendar_id: int = answer.json()["id"]
        return calendar_id

    async def busy(self, *hours: tuple[int, int], **more: Any) -> str:
        """The calendar says: busy on Monday between these hours."""
        spans = [[datetime.fromisoformat(monday_at(hour)).astimezone(UTC) for hour in span] for span in hours]
        events = [meeting(start, end, f"{n}@test") for n, (start, end) in enumerate(spans)]
        return self.publisher.says("/van.ics", vcalendar(*events), **more)

    async def read(self) -> dict[str, Any]:
        """Time has passed: the job runs, then its calls. Says what the one calendar looks like."""
        await self.session.execute(update(ExternalCalendar).values(next_fetch_at=now() - timedelta(days=1)))
        await jobs.read_calendars(self.session)
        await self.session.flush()
        outside = Outside(self.database, self.app.state.clients)
        for name, arguments in (await self.session.execute(select(Task.name, Task.arguments))).all():
            await tasks.all[name](outside, **arguments)
        await self.session.execute(delete(Task))
        self.session.expire_all()
        [shown] = (await self.ask("GET")).json()["items"]
        return dict(shown)

    async def hours(self) -> list[str]:
        """When Monday's slots begin."""
        day = next_monday()
        [found] = (await self.shop.slots(day, day)).values()
        return [f"{datetime.fromisoformat(at).astimezone(ZoneInfo(ZONE)):%H:%M}" for at in found]


@pytest.fixture
async def desk(
    shop: Shop, publisher: Publisher, client: httpx.AsyncClient, as_: Callable[[Actor], Headers], database: Database,
    session: AsyncSession, app: FastAPI,
) -> Desk:  # fmt: skip
    return Desk(shop, publisher, client, as_, database, session, app)


async def test_what_it_says_keeps_the_crew_until_it_says_something_else(desk: Desk) -> None:
    before = await desk.hours()
    await desk.connect(await desk.busy((10, 13)))
    assert await desk.hours() == before
    shown = await desk.read()
    assert (shown["status"], shown["error"], shown["stale"], shown["host"]) == ("ok", None, False, "127.0.0.1")
    # Jobs of two hours, and half an hour between them: none from 7:30, none before 13.
    assert await desk.hours() == [hour for hour in before if hour >= "13:00"]
    refused = await desk.shop.book(monday_at(11))
    assert refused.json()["type"] == "/problems/slot-taken"
    await desk.busy()
    await desk.read()
    assert await desk.hours() == before


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [(b"<html>", 200, "not_a_calendar"), (b"", 500, "refused"), (vcalendar()[:30], 200, "not_a_calendar")],
)
async def test_trouble_frees_no_time_and_is_shown(desk: Desk, content: bytes, status: int, error: str) -> None:
    await desk.connect(await desk.busy((10, 13)))
    before = await desk.read()
    kept = await desk.hours()
    desk.publisher.says("/van.ics", content, status)
    shown = await desk.read()
    assert (shown["status"], shown["error"], shown["fetched_at"]) == ("failing", error, before["fetched_at"])
    assert shown["version"] == before["version"] + 1
    assert await desk.hours() == kept
    assert (await desk.shop.book(monday_at(11))).status_code == 409
    await desk.session.execute(text("update external_calendars set fetched_at = now() - interval '2 hours'"))
    desk.session.expire_all()
    assert (await desk.ask("GET")).json()["items"][0]["stale"] is True


async def test_one_that_has_not_changed_is_not_read_anew(desk: Desk) -> None:
    await desk.connect(await desk.busy((10, 13), etag='"1"'))
    await desk.read()
    kept = await desk.hours()
    desk.publisher.says("/van.ics", b"", 304)
    shown = await desk.read()
    assert (shown["status"], shown["stale"]) == ("ok", False)
    assert [headers.get("if-none-match") for _, headers in desk.publisher.asked] == [None, '"1"']
    assert await desk.hours() == kept
    await desk.session.execute(text("update external_calendars set read_until = read_until - interval '3 days'"))
    await desk.busy((10, 11), etag='"1"')
    await desk.read()
    assert desk.publisher.asked[-1][1].get("if-none-match") is None, "the horizon has moved: all of it is read"


async def test_our_own_bookings_that_come_back_keep_nothing(desk: Desk) -> None:
    """The affiliate subscribes to our feed, and its calendar tells us of it: as told by us, and as told by others."""
    booking = await desk.shop.held(monday_at(9))
    feed = await desk.client.post("/booking/v1/feeds", json={"affiliate_id": AFFILIATE}, headers=desk.as_(OWNER))
    content = (await desk.client.get(feed.json()["url"].removeprefix("http://localhost:8080"))).content
    await desk.connect(desk.publisher.says("/van.ics", content))
    await desk.read()
    assert (await desk.session.scalars(select(ExternalBusy))).all() == []
    uid = f"booking-{booking['id']}-{AFFILIATE}@localhost".encode()
    desk.publisher.says("/van.ics", content.replace(uid, uid.replace(b"@", b"9@")))
    await desk.read()
    assert len((await desk.session.scalars(select(ExternalBusy))).all()) == 1, "another affiliate's is a real one"


async def test_paid_too_late_while_the_crew_is_elsewhere_goes_back(desk: Desk, published: Published) -> None:
    booking = await desk.shop.held(monday_at(10))
    await desk.connect(await desk.busy((11, 12)))
    await desk.read()
    await desk.session.execute(update(Booking).values(status="expired"))
    await desk.shop.deliver(captured(booking))
    [cancelled] = await published(BookingCancelled)
    assert cancelled.refund_cents == cancelled.price_cents


async def test_who_holds_the_time_already_keeps_it(desk: Desk, published: Published) -> None:
    booking = await desk.shop.held(monday_at(10))
    await desk.connect(await desk.busy((11, 12)))
    await desk.read()
    await desk.shop.deliver(captured(booking))
    assert len(await published(BookingConfirmed)) == 1


async def test_free_days_follow(desk: Desk) -> None:
    async def told() -> bool:
        """Whether next Monday is free, and when that is to be looked at."""
        await jobs.tell_free_days(desk.session)
        desk.session.expire_all()
        [row] = await desk.session.scalars(select(FreeDays).where(FreeDays.affiliate_id == AFFILIATE))
        return next_monday() in row.days

    async def due() -> bool:
        [at] = await desk.session.scalars(select(FreeDays.due_at).where(FreeDays.affiliate_id == AFFILIATE))
        return at <= now()

    calendar_id = await desk.connect(await desk.busy((8, 18)))
    assert await told()
    assert not await due()
    await desk.read()
    assert await due()
    assert not await told()
    await desk.read()
    assert not await due(), "what has not changed is no news"
    assert (await desk.ask("DELETE", f"/{calendar_id}")).status_code == 204
    assert await due()
    assert await told()


async def test_other_crews_are_not_kept(desk: Desk) -> None:
    await desk.connect(await desk.busy((8, 18)))
    await desk.read()
    assert await desk.hours() == []
    desk.session.add(Crew(affiliate_id=AFFILIATE, name="Crew 2"))
    await desk.session.flush()
    assert len(await desk.hours()) > 10
    booking = await desk.shop.held(monday_at(9))
    assert await desk.session.scalar(select(Crew.name).where(Crew.id == booking["crew_id"])) == "Crew 2"


async def test_who_may_what(desk: Desk) -> None:
    url = await desk.busy()
    calendar_id = await desk.connect(url)
    for by, status in ((OWNER, 200), (TECHNICIAN, 200), (SUPPORT, 200), (member(99), 403), (customer(7), 403)):
        answer = await desk.ask("GET", by=by)
        assert answer.status_code == status
        assert "/van.ics" not in answer.text, "whoever knows the address reads the calendar"
    for by in (TECHNICIAN, SUPPORT, member(99)):
        assert (await desk.ask("POST", by=by, crew_id=await desk.crew(), name="Van", url=url)).status_code == 403
        assert (await desk.ask("POST", f"/{calendar_id}/fetch", by=by)).status_code == 403
        assert (await desk.ask("DELETE", f"/{calendar_id}", by=by)).status_code == 403


async def test_ten_are_enough(desk: Desk, published: Published) -> None:
    url = await desk.busy()
    ids = [await desk.connect(url) for _ in range(10)]
    refused = await desk.ask("POST", crew_id=await desk.crew(), name="Van", url=url)
    assert (refused.status_code, refused.json()["type"], refused.json()["most"]) == (
        409, "/problems/too-many-calendars", 10,
    )  # fmt: skip
    assert (await desk.ask("DELETE", f"/{ids[0]}")).status_code == 204
    await desk.connect(url)
    assert len(await published(ExternalCalendarConnected)) == 11
    assert [event.external_calendar_id for event in await published(ExternalCalendarRemoved)] == [ids[0]]


async def test_only_an_affiliates_own_crew_is_kept(desk: Desk) -> None:
    desk.session.add(others := Crew(affiliate_id=99, name="Crew 1"))
    await desk.session.flush()
    refused = await desk.ask("POST", crew_id=others.id, name="Van", url=await desk.busy())
    assert refused.json()["type"] == "/problems/no-such-crew"
    calendar_id = await desk.connect(await desk.busy())
    path = f"/booking/v1/affiliates/99/calendars/{calendar_id}"
    assert (await desk.client.delete(path, headers=desk.as_(member(99)))).status_code == 404


async def test_it_is_read_when_asked_for_but_not_all_the_time(desk: Desk) -> None:
    calendar_id = await desk.connect(await desk.busy())
    asked = await desk.ask("POST", f"/{calendar_id}/fetch")
    assert (asked.status_code, asked.json()["status"]) == (202, "waiting")
    await desk.read()
    refused = await desk.ask("POST", f"/{calendar_id}/fetch")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/read-just-now")
    await desk.session.execute(text("update external_calendars set tried_at = now() - interval '2 minutes'"))
    desk.session.expire_all()
    assert (await desk.ask("POST", f"/{calendar_id}/fetch")).status_code == 202


async def test_one_that_was_removed_meanwhile_stays_removed(desk: Desk) -> None:
    calendar_id = await desk.connect(await desk.busy((10, 13)))
    await desk.ask("DELETE", f"/{calendar_id}")
    await tasks.all["read_calendar"](Outside(desk.database, desk.app.state.clients), calendar_id=calendar_id)
    assert (await desk.session.scalars(select(ExternalBusy))).all() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("webcal://calendar.example/van.ics", "https://calendar.example/van.ics"),
        ("https://calendar.example/" + "a" * 1975, "https://calendar.example/" + "a" * 1975),
        ("https://calendar.example/" + "a" * 1976, None),
        ("https://calendar.example/a b", None),
        ("https://calendar.example/\n", None),
        ("https://kalender.example/\u00fc", None),
        ("", None),
    ],
)
async def test_what_is_typed_as_an_address(desk: Desk, typed: str, kept: str | None) -> None:
    answer = await desk.ask("POST", crew_id=await desk.crew(), name="Van", url=typed)
    assert answer.status_code == (201 if kept else 422)
    assert (await desk.session.scalars(select(ExternalCalendar.url))).all() == ([kept] if kept else [])


async def test_slots_take_as_many_statements_as_without(
    desk: Desk, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await desk.connect(await desk.busy((10, 11)))
    await desk.read()
    with statements() as sent:
        await desk.hours()
    assert len(sent) == 2, "\n".join(sent)
