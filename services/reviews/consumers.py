"""What reviews does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, keep_newest
from shared.contracts.booking import BOOKING_EVENTS, BookingEvent

from .domain import Booking
from .personal import personal

consumers = Consumers("reviews")
personal.join(consumers)


@consumers.on(*BOOKING_EVENTS)
async def copy_booking(event: BookingEvent, session: AsyncSession) -> None:
    await keep_newest(
        session,
        Booking,
        {
            "booking_id": event.booking_id,
            "version": event.version,
            "customer_id": event.customer_id,
            "affiliate_id": event.affiliate_id,
            "status": event.status,
        },
    )
