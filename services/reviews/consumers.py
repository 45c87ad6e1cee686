"""What reviews does when others tell it something."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, keep_newest_of
from shared.contracts.booking import BOOKING_EVENTS, BookingEvent

from .domain import Booking
from .personal import personal

consumers = Consumers("reviews")
personal.join(consumers)

COPIED = {"booking_id", "version", "customer_id", "affiliate_id", "status"}


@consumers.on_many(*BOOKING_EVENTS)
async def copy_booking(events: Sequence[BookingEvent], session: AsyncSession) -> None:
    await keep_newest_of(session, Booking, [event.model_dump(include=COPIED) for event in events], key="booking_id")
