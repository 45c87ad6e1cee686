"""Booking has the last word on whether a customer can be erased, and takes nobody's appointment back afterwards."""

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.booking import Booking
from services.booking.domain.life import Status
from services.booking.jobs import expire_unpaid
from shared.clock import now
from shared.contracts.booking import BookingCancelled, ErasurePutOff, PersonalDataErased, PersonalDataExported
from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.testing.plugin import Deliver, Published
from shared.testing.tokens import customer

from .conftest import PRICE, Shop, captured, monday_at

ERASE = ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=7)


async def runs_out(session: AsyncSession) -> None:
    await session.execute(update(Booking).values(hold_expires_at=now()))
    await expire_unpaid(session)
    await session.flush()


@pytest.mark.parametrize("paid", [False, True])
async def test_a_live_booking_puts_it_off_and_nothing_is_erased(
    shop: Shop, deliver: Deliver, session: AsyncSession, published: Published, paid: bool
) -> None:
    booking = await shop.held()
    if paid:
        await deliver(captured(booking))
    await deliver(ERASE)
    [put_off] = await published(ErasurePutOff)
    until = booking["appointment_end"] if paid else booking["hold_expires_at"]
    assert put_off.until.isoformat().replace("+00:00", "Z") == until
    assert await published(PersonalDataErased) == []
    assert (await session.scalars(select(Booking.address))).one() == "1 Main St"


async def test_one_that_ran_out_or_is_over_does_not(
    shop: Shop, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    await shop.held()
    await runs_out(session)
    await deliver(ERASE)
    await deliver(ERASE.model_copy(update={"version": 3}))
    first, second = await published(PersonalDataErased)
    assert (first.counts["bookings"], first.version, second.version) == (1, 2, 3)
    session.expire_all()
    row = (await session.scalars(select(Booking))).one()
    assert (row.address, row.zip, row.price_cents) == ("", "", PRICE)


async def test_money_that_comes_after_it_goes_back_though_the_time_is_free(
    shop: Shop, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    booking = await shop.held()
    await runs_out(session)
    await deliver(ERASE)
    await deliver(captured(booking))
    [cancelled] = await published(BookingCancelled)
    assert (cancelled.refund_cents, cancelled.address) == (PRICE, "")
    session.expire_all()
    assert (await session.scalars(select(Booking.status))).one() is Status.CANCELLED


async def test_a_token_that_is_good_for_some_seconds_more_books_nothing(shop: Shop, deliver: Deliver) -> None:
    await deliver(ERASE)
    refused = await shop.book(monday_at(9))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/customer-gone")
    assert (await shop.book(monday_at(9), customer(8))).status_code == 201


async def test_another_customer_is_not_concerned(shop: Shop, deliver: Deliver, session: AsyncSession) -> None:
    await shop.held()
    await deliver(ErasureRequested(erasure_id=2, version=2, user_id=1008, customer_id=8))
    assert (await session.scalars(select(Booking.address))).one() == "1 Main St"
    assert await session.scalar(text("select count(*) from person_keys where person = 'customer:7'")) == 1


async def test_a_large_export_is_told_in_parts_that_are_all_there(
    shop: Shop, deliver: Deliver, session: AsyncSession, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.personal.PART", 500)
    for _ in range(3):
        await shop.held()
        await runs_out(session)
    await deliver(ExportRequested(export_id=4, version=1, user_id=1007, customer_id=7))
    parts = await published(PersonalDataExported)
    assert [part.version for part in parts] == list(range(1, parts[0].parts + 1))
    assert len(parts) > 1
    assert sum(part.data.count('"address": "1 Main St"') for part in parts) == 3


async def test_whoever_holds_nothing_says_so(deliver: Deliver, published: Published) -> None:
    await deliver(ExportRequested(export_id=4, version=1, user_id=1, customer_id=None))
    [part] = await published(PersonalDataExported)
    assert (part.parts, part.data) == (1, "{}")
