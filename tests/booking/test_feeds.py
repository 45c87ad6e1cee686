"""Appointments as calendars that others subscribe to."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.availability import Crew
from services.booking.domain.booking import Booking
from services.booking.domain.feeds import SHOWN_AS, Contents, Entry
from services.booking.domain.life import Status
from shared.auth import Actor
from shared.contracts.booking import CalendarFeedMade, CalendarFeedRevoked
from shared.contracts.identity import ErasureRequested
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, Shop, approved, captured, monday_at, published_offer

OTHERS = 99
As = Callable[[Actor], Headers]
Event = dict[str, Any]

# -- what is written --

JUNE = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENTRY = Entry(
    uid="booking-1-31@mdh.example", version=3, status="CONFIRMED", start=JUNE, end=JUNE + timedelta(hours=2),
    summary="Full Gold, Shine", location="1 Main St, 11201", description="Booking 1", created_at=JUNE, changed_at=JUNE,
)  # fmt: skip


def events_of(content: bytes) -> list[Event]:
    [calendar] = Calendar.from_ical(content.decode(), multiple=True)
    assert calendar.errors == []
    assert all(event.errors == [] for event in calendar.walk("VEVENT"))
    return [dict(event) for event in calendar.walk("VEVENT")]


@pytest.mark.parametrize(
    "name",
    [
        "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil", "x\nATTENDEE:mailto:a@b.example", "x\rATTACH:http://a.example",
        "semi;colon,comma\\n\\back:\"quote\"", "é" * 100, "\N{GRINNING FACE}" * 50, "END:VCALENDAR", " leading",
    ],
)  # fmt: skip
def test_no_text_breaks_out_of_its_line(name: str) -> None:
    content = Contents(name, [replace(ENTRY, summary=name, location=name, description=name)]).written()
    [event] = events_of(content)
    assert set(event) == {
        "UID", "SEQUENCE", "STATUS", "TRANSP", "DTSTART", "DTEND", "CREATED", "LAST-MODIFIED", "DTSTAMP", "SUMMARY",
        "DESCRIPTION", "LOCATION",
    }  # fmt: skip
    assert str(event["SUMMARY"]).replace("\n", "") == name.replace("\r", "").replace("\n", "")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")


def test_times_are_utc_and_nothing_is_left_open() -> None:
    content = Contents("Shine", [ENTRY]).written()
    for line in ("DTSTART:20260601T120000Z", "DTEND:20260601T140000Z", "DTSTAMP:20260601T120000Z", "SEQUENCE:3",
                 "UID:booking-1-31@mdh.example", "REFRESH-INTERVAL;VALUE=DURATION:PT15M"):  # fmt: skip
        assert f"\r\n{line}\r\n".encode() in content


def test_the_tag_is_that_of_what_it_says() -> None:
    contents = Contents("Shine", [ENTRY])
    assert contents.tag == Contents("Shine", [replace(ENTRY)]).tag
    others = [Contents("Other", [ENTRY]), Contents("Shine", []), Contents("Shine", [replace(ENTRY, location="")])]
    assert len({contents.tag, *(other.tag for other in others)}) == 4


def test_for_every_status_it_is_decided() -> None:
    assert set(Status) <= {*SHOWN_AS, "expired", "declined"}


# -- who sees what --


@pytest.fixture
def subscribe(client: httpx.AsyncClient, as_: As) -> Callable[..., Any]:
    async def subscribe(by: Actor, **of: int) -> str:
        answer = await client.post("/booking/v1/feeds", json=of, headers=as_(by))
        assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store"), answer.text
        url: str = answer.json()["url"]
        assert url.startswith("http://localhost:8080/booking/v1/calendars/")
        return url.removeprefix("http://localhost:8080")

    return subscribe


@pytest.fixture
def seen(client: httpx.AsyncClient) -> Callable[..., Any]:
    async def seen(path: str) -> dict[str, Event]:
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-cache"), answer.text
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        return {str(event["UID"]): event for event in events_of(answer.content)}

    return seen


def uid(booking: dict[str, Any]) -> str:
    return f"booking-{booking['id']}-{AFFILIATE}@localhost"


async def test_a_customer_sees_their_own_and_a_team_what_it_may(
    shop: Shop, subscribe: Any, seen: Any, session: AsyncSession
) -> None:
    held, paid = await shop.held(monday_at(9)), await shop.held(monday_at(12))
    await shop.deliver(captured(paid))
    others = await shop.held(monday_at(15), by=customer(8))
    await shop.deliver(captured(others))
    mine = await seen(await subscribe(customer(7)))
    assert mine.keys() == {uid(paid)}
    event = mine[uid(paid)]
    assert (str(event["STATUS"]), event["SEQUENCE"]) == ("CONFIRMED", 2)
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == ("Full Gold, Shine", "1 Main St, 11201")
    assert event["DTSTART"].dt == datetime.fromisoformat(paid["appointment_start"])
    assert event["DTEND"].dt == datetime.fromisoformat(paid["appointment_end"])
    ours = await seen(await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE))
    assert {name: str(event["STATUS"]) for name, event in ours.items()} == {
        uid(held): "TENTATIVE", uid(paid): "CONFIRMED", uid(others): "CONFIRMED"
    }  # fmt: skip
    assert (str(ours[uid(held)]["LOCATION"]), str(ours[uid(paid)]["LOCATION"])) == ("11201", "1 Main St, 11201")
    assert str(ours[uid(paid)]["SUMMARY"]) == "Full Gold, Crew 1"


async def test_nobody_reads_of_money_or_of_who_it_is(shop: Shop, subscribe: Any, client: httpx.AsyncClient) -> None:
    await shop.deliver(captured(await shop.held()))
    for path in (await subscribe(customer(7)), await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)):
        content = (await client.get(path)).text
        assert not [word for word in ("189", "USD", "28.35", "price", "customer") if word in content]


async def test_a_crews_feed_has_its_own(shop: Shop, subscribe: Any, seen: Any, session: AsyncSession) -> None:
    session.add(second := Crew(affiliate_id=AFFILIATE, name="Blue van"))
    await session.flush()
    first, other = await shop.held(monday_at(9)), await shop.held(monday_at(9))
    assert first["crew_id"] != other["crew_id"] == second.id
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE, crew_id=second.id)
    assert (await seen(path)).keys() == {uid(other)}


async def test_cancelled_ones_are_told_for_thirty_days_and_what_is_past_for_ninety(
    shop: Shop, subscribe: Any, seen: Any, session: AsyncSession, as_: As, client: httpx.AsyncClient
) -> None:
    booking = await shop.held()
    await client.post(f"/booking/v1/bookings/{booking['id']}/cancel", json={}, headers=as_(customer(7)))
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)
    event = (await seen(path))[uid(booking)]
    assert (str(event["STATUS"]), str(event["TRANSP"]), str(event["LOCATION"])) == ("CANCELLED", "TRANSPARENT", "11201")
    await session.execute(update(Booking).values(updated_at=datetime.now(UTC) - timedelta(days=31)))
    assert await seen(path) == {}
    for days, shown in ((89, 1), (91, 0)):
        start = datetime.now(UTC) - timedelta(days=days)
        end = start + timedelta(hours=2)
        times = {"appointment_start": start, "appointment_end": end, "blocked": Range(start, end, bounds="[)")}
        await session.execute(update(Booking).values(status=Status.COMPLETED, **times))
        assert len(await seen(path)) == shown


async def test_a_hold_that_ran_out_is_not_told(shop: Shop, subscribe: Any, seen: Any, session: AsyncSession) -> None:
    await shop.held()
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)
    await session.execute(update(Booking).values(hold_expires_at=datetime.now(UTC)))
    assert await seen(path) == {}


async def test_what_a_booking_becomes_is_the_same_event_with_a_higher_sequence(
    shop: Shop, subscribe: Any, seen: Any
) -> None:
    booking = await shop.held()
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)
    before = (await seen(path))[uid(booking)]
    await shop.deliver(captured(booking))
    after = (await seen(path))[uid(booking)]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (1, 2)
    assert (str(before["STATUS"]), str(after["STATUS"])) == ("TENTATIVE", "CONFIRMED")


async def test_names_with_breaks_in_them_stay_names(shop: Shop, subscribe: Any, seen: Any) -> None:
    await shop.deliver(approved(3, name="Shine\r\nATTENDEE:mailto:a@b.example"))
    await shop.deliver(published_offer(2, name="Full; all, of\\it"))
    await shop.deliver(captured(await shop.held()))
    [event] = (await seen(await subscribe(customer(7)))).values()
    assert "ATTENDEE" not in event
    assert str(event["SUMMARY"]) == "Full; all, of\\it Gold, Shine\nATTENDEE:mailto:a@b.example"


# -- its address --


async def test_who_gets_an_address(shop: Shop, client: httpx.AsyncClient, as_: As, session: AsyncSession) -> None:
    session.add(others := Crew(affiliate_id=OTHERS, name="Crew 1"))
    await session.flush()
    [crew_id] = await session.scalars(select(Crew.id).where(Crew.affiliate_id == AFFILIATE))
    for by, of, status in (
        (customer(7), {}, 201),
        (customer(7), {"affiliate_id": AFFILIATE}, 403),
        (member(AFFILIATE), {}, 403),
        (member(OTHERS), {"affiliate_id": AFFILIATE}, 403),
        (member(OTHERS), {"affiliate_id": OTHERS}, 404),
        (ADMIN, {"affiliate_id": AFFILIATE}, 403),
        (member(AFFILIATE), {"affiliate_id": AFFILIATE, "crew_id": crew_id}, 201),
        (member(AFFILIATE), {"affiliate_id": AFFILIATE, "crew_id": others.id}, 404),
        (member(AFFILIATE), {"crew_id": crew_id}, 422),
    ):
        answer = await client.post("/booking/v1/feeds", json=of, headers=as_(by))
        assert answer.status_code == status, (by, of, answer.text)


async def test_a_new_address_ends_the_one_before_and_a_revoked_one_ends(
    shop: Shop, subscribe: Any, client: httpx.AsyncClient, as_: As, published: Published, session: AsyncSession
) -> None:
    first, second = await subscribe(customer(7)), await subscribe(customer(7))
    assert first != second
    assert [(await client.get(path)).status_code for path in (first, second)] == [404, 200]
    [feed] = (await client.get("/booking/v1/feeds", headers=as_(customer(7)))).json()["items"]
    assert (feed["version"], feed["customer_id"]) == (2, 7)
    assert "url" not in feed
    path = f"/booking/v1/feeds/{feed['id']}"
    assert (await client.delete(path, headers=as_(customer(8)))).status_code == 404
    assert (await client.delete(path, headers=as_(customer(7)))).status_code == 204
    assert (await client.delete(path, headers=as_(customer(7)))).status_code == 404
    assert (await client.get(second)).json()["type"] == "/problems/no-such-feed"
    assert [event.version for event in await published(CalendarFeedMade)] == [1, 2]
    assert [event.version for event in await published(CalendarFeedRevoked)] == [3]
    stored = str((await session.execute(text("select * from business_events"))).all())
    assert second.split("/")[-1].removesuffix(".ics") not in stored


@pytest.mark.parametrize("token", ["x", "t" * 43, "t" * 44, "é" * 43, "..%2F..", "%00" * 43, "t" * 5000])
async def test_a_wrong_address_leads_nowhere(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(f"/booking/v1/calendars/{token}.ics")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


async def test_whoever_has_it_is_told_that_it_is_the_same(
    shop: Shop, subscribe: Any, client: httpx.AsyncClient
) -> None:
    booking = await shop.held()
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)
    tag = (await client.get(path)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    await shop.deliver(captured(booking))
    assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_who_is_erased_has_no_feed_any_more(
    shop: Shop, subscribe: Any, client: httpx.AsyncClient, as_: As, deliver: Deliver
) -> None:
    mine, others = await subscribe(customer(7)), await subscribe(customer(8))
    await deliver(ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=7))
    assert [(await client.get(path)).status_code for path in (mine, others)] == [404, 200]
    again = await client.post("/booking/v1/feeds", json={}, headers=as_(customer(7)))
    assert again.json()["type"] == "/problems/customer-gone"


async def test_a_feed_takes_two_statements(
    shop: Shop, subscribe: Any, client: httpx.AsyncClient, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    path = await subscribe(member(AFFILIATE), affiliate_id=AFFILIATE)
    for hour in (8, 11, 14):
        await shop.held(monday_at(hour))
    with statements() as sent:
        assert (await client.get(path)).content.count(b"BEGIN:VEVENT") == 3
    assert len(sent) <= 2, "\n".join(sent)
