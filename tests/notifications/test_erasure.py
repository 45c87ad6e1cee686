"""Whoever was erased is told nothing more, and nothing that comes later makes them known again."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import commands, queries
from services.notifications.domain.message import Communication, Notification, WaitingNotice
from services.notifications.domain.people import Contact
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingHeld,
    QuotePriced,
    QuoteRequested,
    SeriesEnded,
    SeriesStarted,
)
from shared.contracts.identity import ErasureRequested, UserChanged
from shared.contracts.notifications import PersonalDataErased
from shared.db import Database
from shared.testing.plugin import Deliver, Published, deliver_to, until

from .conftest import affiliate, booking, owner, person, quote, said, series

ADA: int = person().user_id
ADAS_CUSTOMER: int | None = person().customer_id
ERASE = ErasureRequested(erasure_id=1, version=2, user_id=ADA, customer_id=ADAS_CUSTOMER)
NOT_HELD = select(Contact).where(Contact.customer_id == bindparam("customer_id"))
HELD = booking(BookingHeld, 1, "held")
CONFIRMED = booking(BookingConfirmed, 2, "confirmed")
CANCELLED = booking(BookingCancelled, 3, "cancelled", refund_cents=0, cancelled_by="customer", reason="Somebody is ill")


async def words(session: AsyncSession) -> Sequence[str]:
    """Everything that stands anywhere of what was said."""
    said = list(await session.scalars(select(func.concat(Communication.subject, Communication.content))))
    said += list(await session.scalars(select(func.concat(Notification.title, Notification.message))))
    return said + [str(notice) for notice in await session.scalars(select(WaitingNotice.notice))]


async def addresses(session: AsyncSession) -> dict[int, str]:
    rows = await session.scalars(select(Contact).execution_options(populate_existing=True))
    return {contact.user_id: contact.email for contact in rows}


async def test_what_was_said_to_them_and_about_them_is_gone_and_the_log_stays(
    deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    for event in (person(), owner(), affiliate(), HELD, CONFIRMED, ERASE):
        await deliver(event)
    assert await session.scalar(select(func.count()).where(Communication.booking_id == HELD.booking_id)) == 3
    assert not [said for said in await words(session) if HELD.address in said]
    assert (await addresses(session))[ADA] == ""
    [receipt] = await published(PersonalDataErased)
    assert receipt.counts["communications"] == 3
    assert await session.scalar(select(func.count()).where(Notification.user_id == ADA)) == 0


async def test_of_their_quotes_nothing_is_left_and_nothing_comes_after(deliver: Deliver, session: AsyncSession) -> None:
    """Neither with them nor with the affiliate."""
    asked, priced = quote(QuoteRequested, 1, "requested"), quote(QuotePriced, 2, "priced")
    told = [asked, priced, said("customer"), said("affiliate", quote_message_id=78)]
    for event in (person(), owner(), affiliate(), *told):
        await deliver(event)
    count = select(func.count()).where(Communication.quote_id == asked.quote_id)
    assert await session.scalar(count) == 4
    await deliver(ERASE)
    for event in (*told, said("customer", quote_message_id=79)):
        await deliver(event)
    assert await session.scalar(count) == 4
    said_of_them = "".join(await words(session))
    assert not [left for left in ("Two dogs", "Honda", "Seats out", "water") if left in said_of_them]


async def test_of_their_series_nothing_is_left_and_nothing_comes_after(deliver: Deliver, session: AsyncSession) -> None:
    """Neither with them nor with the affiliate."""
    begun = series(SeriesStarted, 1, "active")
    ended = series(SeriesEnded, 2, "ended", ended_by="customer", end_reason="Sold the car.")
    for event in (person(), owner(), affiliate(), begun, ended, ERASE, begun, ended):
        await deliver(event)
    said_of_them = [said for said in await words(session) if "Full detail" in said]
    assert len(said_of_them) == 4  # to the affiliate, in the app and by mail: of nobody
    assert not [left for left in (begun.address, "Sold the car") if left in "".join(said_of_them)]


async def test_erased_before_anything_was_known_of_them(deliver: Deliver, session: AsyncSession) -> None:
    """The reverse order: what identity and booking told before comes after."""
    for event in (ERASE, owner(), CANCELLED, CONFIRMED, HELD, person(UserChanged, 7), person()):
        await deliver(event)
    assert (await addresses(session))[ADA] == ""
    assert await words(session) == []


async def test_asked_twice_or_late_it_finds_nothing_more(
    deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    again = ERASE.model_copy(update={"version": 3})
    for event in (person(), HELD, ERASE, again, person(UserChanged, 9)):
        await deliver(event)
    first, second = await published(PersonalDataErased)
    assert first.counts["notifications"] == 1
    assert second.counts["notifications"] == 0
    assert (await addresses(session))[ADA] == ""


async def test_notices_that_wait_for_them_or_are_about_them_are_forgotten(
    deliver: Deliver, session: AsyncSession
) -> None:
    await deliver(CONFIRMED)  # neither customer nor affiliate is known
    assert len(await words(session)) == 2
    await deliver(ERASE)
    assert await words(session) == []


async def test_others_are_told_as_ever(deliver: Deliver, session: AsyncSession) -> None:
    for event in (person(), ERASE, person(user_id=77, customer_id=78, email="bea@example.org")):
        await deliver(event)
    await deliver(booking(BookingHeld, 1, "held", booking_id=99, customer_id=78))
    assert len(await words(session)) == 2


@pytest.mark.parametrize("guard", [True, False])
async def test_what_is_being_said_in_the_moment_of_the_erasure_is_found(
    fresh_database: Database, guard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tells somebody something holds their row; without that (the negative control) words would stay."""
    if not guard:
        monkeypatch.setattr(queries, "CUSTOMER", NOT_HELD)
    deliver = deliver_to("notifications", fresh_database)
    await deliver(person())
    async with fresh_database.begin() as telling:
        await commands.follow_booking(telling, HELD)
        await telling.flush()
        erasing: asyncio.Future[None] = asyncio.ensure_future(deliver(ERASE))
        await until(lambda: _waits_or_is_done(fresh_database, erasing))
    await erasing
    async with fresh_database.begin() as session:
        left = [said for said in await words(session) if HELD.address in said]
    assert bool(left) is not guard


async def _waits_or_is_done(database: Database, task: "asyncio.Future[None]") -> bool:
    async with database.read() as session:
        waiting = await session.scalar(text("select count(*) from pg_locks where not granted"))
    return bool(waiting) or task.done()
