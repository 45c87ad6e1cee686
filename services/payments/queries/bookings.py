"""What is known of bookings."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import keep_newest
from shared.contracts.booking import BookingEvent

from ..domain.booking import Booking

# Named, because an event may grow by fields that are not for us.
KEPT = {"booking_id", "version", "customer_id", "affiliate_id", "status", "price_cents", "currency"}


async def keep_booking(session: AsyncSession, event: BookingEvent) -> Booking:
    """The newest that is known, this event's or later; locked until the transaction ends, by whichever it was."""
    await keep_newest(session, Booking, event.model_dump(include=KEPT))
    return await session.get_one(Booking, event.booking_id)
