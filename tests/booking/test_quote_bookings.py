"""What becomes of a quote with its booking: unpaid, called off, paid late; and what an erasure leaves of it."""

from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.booking import Booking
from services.booking.domain.quote import Quote, QuoteMessage
from services.booking.jobs import expire_unpaid
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    ErasurePutOff,
    PersonalDataErased,
    PersonalDataExported,
    QuoteAccepted,
    QuoteEvent,
    QuoteExpired,
    QuoteReopened,
    QuoteWithdrawn,
)
from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.ids import new_id
from shared.testing.plugin import Deliver, Published
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, Shop, captured, monday_at
from .quoting import SECOND, Desk, Json, also_open, problem, wanted

BEGUN = (
    "update bookings set appointment_start = now() - interval '1 s',"
    " blocked = tstzrange(now() - interval '1 s', upper(blocked))"
)
ERASE = ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=7)


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


async def accepted(desk: Desk, *affiliates: int) -> tuple[Json, Json]:
    quote, *_ = await desk.priced(*affiliates)
    answer = await desk.accept(quote, monday_at(9))
    assert answer.status_code == 201, answer.text
    return quote, answer.json()


async def runs_out(session: AsyncSession, booking: Json, *, told: bool = True) -> None:
    await session.execute(update(Booking).where(Booking.id == booking["id"]).values(hold_expires_at=now()))
    if told:
        await expire_unpaid(session)
        await session.flush()


async def valid_no_longer(session: AsyncSession, quote: Json) -> None:
    await session.execute(text("update quotes set valid_until = now() where id = :id"), {"id": quote["id"]})
    session.expire_all()


async def hear(desk: Desk, published: Published, kind: type[Any], times: int = 1) -> None:
    """Booking is told what it has told, and often."""
    for event in await published(kind):
        event_id = new_id()
        for _ in range(times):
            await desk.shop.deliver(event, event_id)
        await desk.shop.deliver(event)


async def cancel(desk: Desk, booking: Json) -> None:
    path = f"/booking/v1/bookings/{booking['id']}/cancel"
    answer = await desk.shop.client.post(path, json={}, headers=desk.shop.as_(customer(7)))
    assert answer.status_code == 200, answer.text


async def test_a_hold_that_ended_unpaid_gives_the_quote_back_once(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    await also_open(desk.shop, SECOND)
    quote, booking = await accepted(desk, AFFILIATE, SECOND)
    await runs_out(session, booking)
    await hear(desk, published, BookingExpired, times=2)
    seen = await desk.look(quote)
    assert (seen["status"], seen["booking_id"]) == ("priced", None)
    assert [event.version for event in await published(QuoteReopened)] == [4]
    again = await desk.accept(quote, monday_at(13))
    assert (again.status_code, again.json()["price_cents"]) == (201, booking["price_cents"])
    await hear(desk, published, BookingExpired)
    assert (await desk.look(quote))["booking_id"] == again.json()["id"]


async def test_so_does_one_that_was_called_off_before_it_was_paid(desk: Desk, published: Published) -> None:
    quote, booking = await accepted(desk)
    await cancel(desk, booking)
    await hear(desk, published, BookingCancelled, times=2)
    assert await desk.status(quote) == "priced"
    assert len(await published(QuoteReopened)) == 1


async def test_of_a_paid_one_that_was_called_off_the_quote_is_used(desk: Desk, published: Published) -> None:
    quote, booking = await accepted(desk)
    await desk.shop.deliver(captured(booking, booking["price_cents"]))
    await cancel(desk, booking)
    await hear(desk, published, BookingCancelled)
    assert problem(await desk.accept(quote, monday_at(13))) == (409, "already-accepted")


async def test_without_time_left_it_has_expired(desk: Desk, session: AsyncSession, published: Published) -> None:
    quote, booking = await accepted(desk)
    await valid_no_longer(session, quote)
    await runs_out(session, booking)
    await hear(desk, published, BookingExpired)
    assert await desk.status(quote) == "expired"
    assert (len(await published(QuoteExpired)), len(await published(QuoteReopened))) == (1, 0)


async def test_a_hold_that_ran_out_keeps_nobody_from_accepting_anew_although_no_job_has_run(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    quote, first = await accepted(desk)
    assert problem(await desk.accept(quote, monday_at(9))) == (409, "already-accepted")
    await runs_out(session, first, told=False)
    second = (await desk.accept(quote, monday_at(9))).json()
    assert (second["status"], second["quote_id"]) == ("held", quote["id"])
    assert [event.version for event in await published(QuoteReopened)] == [4]
    assert [event.version for event in await published(QuoteAccepted)] == [3, 5]
    assert [event.booking_id for event in await published(BookingExpired)] == [first["id"]]


async def test_paid_late_the_quote_is_accepted_after_all(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    quote, booking = await accepted(desk)
    await runs_out(session, booking)
    await hear(desk, published, BookingExpired)
    await desk.shop.deliver(captured(booking, booking["price_cents"]))
    await hear(desk, published, BookingConfirmed, times=2)
    seen = await desk.look(quote)
    assert (seen["status"], seen["booking_id"]) == ("accepted", booking["id"])
    assert [event.version for event in await published(QuoteAccepted)] == [3, 5]
    await hear(desk, published, BookingExpired)
    assert await desk.status(quote) == "accepted"


async def test_what_is_heard_in_reverse_ends_in_the_same(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    quote, booking = await accepted(desk)
    await runs_out(session, booking)
    await desk.shop.deliver(captured(booking, booking["price_cents"]))
    await hear(desk, published, BookingConfirmed)
    await hear(desk, published, BookingExpired)
    seen = await desk.look(quote)
    assert (seen["status"], seen["booking_id"]) == ("accepted", booking["id"])


async def test_paid_late_for_a_quote_that_has_another_booking_all_goes_back(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    quote, first = await accepted(desk)
    await runs_out(session, first)
    await hear(desk, published, BookingExpired)
    second = (await desk.accept(quote, monday_at(13))).json()
    await desk.shop.deliver(captured(first, first["price_cents"]))
    late = await desk.shop.look(first)
    assert (late["status"], late["refund_cents"]) == ("cancelled", first["price_cents"])
    await hear(desk, published, BookingCancelled)
    assert (await desk.look(quote))["booking_id"] == second["id"]


async def test_turned_away_because_the_time_is_gone_the_quote_is_open_again(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    quote, booking = await accepted(desk)
    await runs_out(session, booking, told=False)
    await session.execute(text(BEGUN))
    session.expire_all()
    await desk.shop.deliver(captured(booking, booking["price_cents"]))
    await hear(desk, published, BookingCancelled)
    assert await desk.status(quote) == "priced"


async def test_a_booking_from_the_price_list_has_nothing_to_do_with_it(desk: Desk, published: Published) -> None:
    booking = await desk.shop.held()
    await cancel(desk, booking)
    await hear(desk, published, BookingCancelled)
    assert await published(QuoteReopened) == []


async def test_the_last_that_was_told_of_a_quote_is_all_that_its_row_says(
    desk: Desk, session: AsyncSession, published: Published
) -> None:
    """After every step, so that a quote can be made anew from its events."""
    await also_open(desk.shop, SECOND)
    quote, booking = await accepted(desk, AFFILIATE, SECOND)
    await cancel(desk, booking)
    await hear(desk, published, BookingCancelled)
    await desk.act(quote, "decline", body={"reason": "Enough."})
    said_of: dict[int, QuoteEvent] = {
        event.quote_id: event for event in await published() if isinstance(event, QuoteEvent)
    }
    session.expire_all()
    rows = (await session.scalars(select(Quote))).all()
    assert [said_of[row.id] for row in rows] == [type(said_of[row.id]).of(row) for row in rows]
    told = set(QuoteEvent.model_fields) - {"quote_id", "photos"} | {"id", "photo_urls", "updated_at"}
    assert {column.key for column in Quote.__table__.c} == told


# -- personal data --


async def say(desk: Desk, quote: Json, by: Any, body: str) -> None:
    answer = await desk.send("POST", f"/{quote['id']}/messages", by, {"body": body})
    assert answer.status_code == 201, answer.text


async def test_an_erasure_withdraws_what_is_open_and_leaves_nothing_personal(
    desk: Desk, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    [asked] = await desk.asked()
    [priced] = await desk.priced()
    [declined] = await desk.asked()
    await desk.act(declined, "decline", body={"reason": "You know why, Ada."})
    await say(desk, priced, customer(7), "I am Ada.")
    await say(desk, priced, member(AFFILIATE), "Dear Ada")
    [others] = await desk.asked(by=customer(8))
    await deliver(ERASE)
    assert await published(ErasurePutOff) == []
    [erased] = await published(PersonalDataErased)
    assert (erased.counts["quotes"], erased.counts["quote_messages"]) == (3, 2)
    session.expire_all()
    rows = {row.id: row for row in await session.scalars(select(Quote))}
    assert [rows[one["id"]].status for one in (asked, priced, declined, others)] == [
        "withdrawn", "withdrawn", "declined", "requested",
    ]  # fmt: skip
    for one in (asked, priced, declined):
        row = rows[one["id"]]
        assert (row.address, row.zip, row.vehicle, row.description, row.note, row.reason, row.photo_urls) == (
            "", "", "", "", "", None, [],
        )  # fmt: skip
    assert rows[priced["id"]].price_cents == priced["price_cents"]
    assert rows[others["id"]].address == "1 Main St"
    assert set(await session.scalars(select(QuoteMessage.body))) == {""}
    withdrawn = await published(QuoteWithdrawn)
    assert [(event.quote_id, event.address, event.photos) for event in withdrawn] == [
        (asked["id"], "", ""), (priced["id"], "", ""),
    ]  # fmt: skip
    assert problem(await desk.ask()) == (403, "customer-gone")


async def test_answers_about_the_erased_go_with_them(desk: Desk, deliver: Deliver, session: AsyncSession) -> None:
    """Those to the affiliate, too."""
    asked = await desk.send("POST", "", customer(7), wanted(), key="a")
    [quote] = asked.json()["quotes"]
    await desk.act(quote, "price", key="b")
    await desk.send("POST", f"/{quote['id']}/messages", member(AFFILIATE), {"body": "Dear Ada"}, key="c")
    count = text("select count(*) from idempotency_keys")
    assert await session.scalar(count) == 3
    await deliver(ERASE)
    assert await session.scalar(count) == 0


async def test_an_accepted_quote_puts_it_off_as_any_booking_does(
    desk: Desk, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    await accepted(desk)
    await deliver(ERASE)
    assert len(await published(ErasurePutOff)) == 1
    assert (await session.scalars(select(Quote.address))).one() == "1 Main St"


async def test_quotes_and_what_was_said_are_in_an_export(desk: Desk, deliver: Deliver, published: Published) -> None:
    [quote] = await desk.priced()
    await say(desk, quote, customer(7), "Is there water?")
    await deliver(ExportRequested(export_id=4, version=1, user_id=1007, customer_id=7))
    [part] = await published(PersonalDataExported)
    for told in ("2019 Honda Pilot", "1 Main St", "Two dogs", "With the seats out.", "Is there water?"):
        assert told in part.data
