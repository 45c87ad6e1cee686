"""What reviews knows of bookings: told twice, late and in reverse it comes to the same."""

import itertools

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingEvent,
    BookingExpired,
    BookingHeld,
    BookingRefundDue,
)
from shared.ids import new_id
from shared.testing.plugin import Deliver

from .conftest import BOOKING, told

LIFE = [told(BookingHeld, 1), told(BookingConfirmed, 2), told(BookingCompleted, 3)]


async def known(session: AsyncSession) -> list[tuple[int, int, str]]:
    rows = await session.execute(text("select booking_id, version, status from bookings"))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("order", list(itertools.permutations(LIFE)), ids=lambda o: "-".join(str(e.version) for e in o))
async def test_in_any_order_the_newest_stands(
    deliver: Deliver, session: AsyncSession, order: tuple[BookingEvent, ...]
) -> None:
    for event in order:
        await deliver(event)
    assert await known(session) == [(BOOKING, 3, "completed")]


async def test_the_same_news_twice_is_no_news(deliver: Deliver, session: AsyncSession) -> None:
    event_id = new_id()
    await deliver(LIFE[2], event_id)
    await deliver(LIFE[2], event_id)
    await deliver(LIFE[2])
    assert await known(session) == [(BOOKING, 3, "completed")]


@pytest.mark.parametrize(
    ("kind", "status"), [(BookingExpired, "expired"), (BookingCancelled, "cancelled"), (BookingRefundDue, "cancelled")]
)
async def test_every_end_of_a_booking_is_heard(
    deliver: Deliver, session: AsyncSession, kind: type[BookingEvent], status: str
) -> None:
    await deliver(told(kind, 4))
    assert await known(session) == [(BOOKING, 4, status)]
